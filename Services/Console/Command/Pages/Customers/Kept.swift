// Figures over all customers that pages need beside others, such as the lines between segments: a large suite works them out for seconds, so they are asked
// for once in a while, and no page waits long for them.
import Access
import Domain
import Runtime
import Synchronization
import Text

/// What was last answered on this business day.
final class Kept<Value: Sendable>: Sendable {
  private struct State {
    var day: Day?
    var value: Value?
    var askedAt: Int64 = 0
    var isAsked = false
  }
  private let state = Mutex(State())
  private let ask: @Sendable (Visit) async -> Value?

  /// - Parameter ask: nil: there was no answer, and the next page asks again.
  init(_ ask: @escaping @Sendable (Visit) async -> Value?) { self.ask = ask }

  /// It is asked for anew after so many seconds.
  private static var keptSeconds: Int64 { 600 }
  /// A page waits no longer, in milliseconds.
  private static var waitMilliseconds: Int { 300 }
  private static var stepMilliseconds: Int { 5 }

  /// That of today; nil while it is not known. Only somebody who may see figures of all customers asks for it.
  func today(_ visit: Visit) async -> Value? {
    guard visit.may(.figuresRead) else { return nil }
    let (day, now) = (visit.today, visit.site.now())
    let isMine = state.withLock { state in
      let isFresh = state.day == day && now - state.askedAt < Self.keptSeconds * 1_000_000
      guard !state.isAsked, !isFresh else { return false }
      state.isAsked = true
      return true
    }
    if isMine { Task { await renew(visit, day) } }
    for _ in 0..<Self.waitMilliseconds / Self.stepMilliseconds {
      let (found, isOver) = state.withLock { ($0.day == day ? $0.value : nil, !$0.isAsked) }
      if let found { return found }
      if isOver { return nil }
      try? await Task.sleep(for: .milliseconds(Self.stepMilliseconds))
    }
    return nil
  }

  private func renew(_ visit: Visit, _ day: Day) async {
    let value = await ask(visit)
    let now = visit.site.now()
    state.withLock { state in
      state.isAsked = false
      if let value { (state.day, state.value, state.askedAt) = (day, value, now) }
    }
  }
}

/// What the pages of customers and of reviews keep.
struct KeptFigures: Sendable {
  /// Where the lines between segments lie (P-09).
  let means = Kept<SegmentMeans> { await $0.api.section(.profile, "/v1/segments").json.flatMap(SegmentMeans.init) }
  /// The tiers that are configured, in their order, with their names: `{"tiers": [{"tier", "name"}]}`.
  let tiers = Kept<JSONValue> { await $0.api.section(.tiering, "/v1/tiers/summary").json }
}
