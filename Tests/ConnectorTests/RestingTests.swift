// When a way rests, for how long, and how it comes back (E-05).
import ConnectorCore
import Contracts
import Domain
import Testing

@Suite("Ways that rest") struct RestingTests {
  private static let start = moment("2026-11-01")
  private static func after(_ seconds: Int64) -> Instant { start.adding(seconds: seconds) }

  @Test("After five failures in a row a way rests; one that comes through in between has them counted anew")
  func begins() {
    let rests = WayRests()
    for _ in 0..<4 { #expect(rests.note(.down, of: .email, at: Self.start) == .none) }
    #expect(rests.note(.up, of: .email, at: Self.start) == .none)
    for _ in 0..<4 { #expect(rests.note(.down, of: .email, at: Self.start) == .none) }
    #expect(rests.refusal(of: .email, at: Self.start) == nil)
    #expect(rests.note(.down, of: .email, at: Self.start) == .rests(until: Self.after(10)))
    #expect(rests.refusal(of: .email, at: Self.after(9)) == Self.after(10) && rests.end(of: .email, at: Self.after(9)) == Self.after(10))
    // The other way does not.
    #expect(rests.refusal(of: .webhook, at: Self.after(9)) == nil && rests.end(of: .webhook, at: Self.after(9)) == nil)
    #expect(rests.end(ofAll: [.email, .webhook], at: Self.after(9)) == nil && rests.end(ofAll: [.email], at: Self.after(9)) == Self.after(10))
  }

  @Test("When its rest is over one message tries; the others follow once it came through, or wait twice as long, at most five minutes")
  func comesBack() {
    let rests = WayRests()
    for _ in 0..<5 { _ = rests.note(.down, of: .webhook, at: Self.start) }
    // Those that were under way say nothing new.
    #expect(rests.note(.down, of: .webhook, at: Self.after(5)) == .none && rests.end(of: .webhook, at: Self.after(5)) == Self.after(10))
    var (now, seconds): (Instant, [Int64]) = (Self.after(10), [])
    for _ in 0..<7 {
      #expect(rests.refusal(of: .webhook, at: now) == nil)
      #expect(rests.refusal(of: .webhook, at: now) == now.adding(seconds: 10))
      guard case .rests(let until) = rests.note(.down, of: .webhook, at: now) else {
        Issue.record("it does not rest")
        return
      }
      seconds.append((until.microseconds - now.microseconds) / 1_000_000)
      now = until
    }
    #expect(seconds == [20, 40, 80, 160, 300, 300, 300])
    // A trial that was given up says nothing, and lets another try.
    #expect(rests.refusal(of: .webhook, at: now) == nil)
    #expect(rests.note(.unknown, of: .webhook, at: now) == .none)
    #expect(rests.refusal(of: .webhook, at: now) == nil)
    #expect(rests.note(.up, of: .webhook, at: now) == .isBack)
    for _ in 0..<3 { #expect(rests.refusal(of: .webhook, at: now) == nil) }
  }
}
