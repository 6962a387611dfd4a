// The decisions of a stopping group, without tasks or time.
import Testing

@testable import Lifecycle

@Suite struct GroupMachineTests {
  private let asked = StopReason.asked("test")

  @Test func stopAsksTheLastServiceOnlyAndTheNextWhenItHasEnded() {
    var machine = GroupMachine(names: ["a", "b", "c"])
    #expect(machine.handle(.stopAsked(self.asked)) == [.startLimit(self.asked), .ask(2, self.asked)])
    #expect(machine.handle(.ended(2, .returned)) == [.ask(1, self.asked)])
    #expect(machine.handle(.ended(1, .returned)) == [.ask(0, self.asked)])
    #expect(machine.handle(.ended(0, .returned)) == [.finish(GroupOutcome(reason: self.asked))])
  }

  @Test func aServiceThatEndsWhileAnotherIsAwaitedIsNotAskedLater() {
    var machine = GroupMachine(names: ["a", "b", "c"])
    _ = machine.handle(.stopAsked(self.asked))
    #expect(machine.handle(.ended(1, .failed("broke"))) == [])
    #expect(machine.handle(.ended(2, .returned)) == [.ask(0, self.asked)])
    let failure = GroupOutcome.Failure(service: "b", words: "broke")
    #expect(machine.handle(.ended(0, .returned)) == [.finish(GroupOutcome(reason: self.asked, failures: [failure]))])
  }

  @Test func aFailureStopsTheRestInReverseOrder() {
    var machine = GroupMachine(names: ["a", "b", "c"])
    let reason = StopReason.failure(service: "b")
    #expect(machine.handle(.ended(1, .failed("broke"))) == [.startLimit(reason), .ask(2, reason)])
    #expect(machine.handle(.ended(2, .returned)) == [.ask(0, reason)])
  }

  @Test(arguments: [GroupMachine.Ending.returned, .cancelled])
  func endingBeforeTheStopIsAFailureHoweverItEnds(ending: GroupMachine.Ending) {
    var machine = GroupMachine(names: ["a"])
    let actions = machine.handle(.ended(0, ending))
    guard case .finish(let outcome)? = actions.last else {
      Issue.record("no outcome in \(actions)")
      return
    }
    #expect(outcome.failures.map(\.service) == ["a"])
    #expect(outcome.exitCode == 1)
  }

  @Test func cancellationAfterTheStopIsNoFailure() {
    var machine = GroupMachine(names: ["a"])
    _ = machine.handle(.stopAsked(self.asked))
    #expect(machine.handle(.ended(0, .cancelled)) == [.finish(GroupOutcome(reason: self.asked))])
  }

  @Test func nearTheLimitTheLateOneIsCancelledAndAllOthersAreAskedAtOnce() {
    var machine = GroupMachine(names: ["a", "b", "c"])
    _ = machine.handle(.stopAsked(self.asked))
    #expect(machine.handle(.reached(.askAll)) == [.cancel(2), .ask(1, self.asked), .ask(0, self.asked)])
    #expect(machine.handle(.ended(0, .returned)) == [])
    #expect(machine.handle(.reached(.cancelAll)) == [.cancel(1), .cancel(2)])
    #expect(machine.handle(.ended(1, .cancelled)) == [])
    let outcome = GroupOutcome(reason: self.asked, abandoned: ["c"])
    #expect(machine.handle(.reached(.abandon)) == [.finish(outcome)])
    #expect(outcome.exitCode == 1)
  }

  @Test func theSameSignalTwiceCutsTheStopShort() {
    var machine = GroupMachine(names: ["a", "b"])
    _ = machine.handle(.stopAsked(.signal(15)))
    let outcome = GroupOutcome(reason: .signal(15), abandoned: ["a", "b"], forcedBy: 15)
    #expect(machine.handle(.stopAsked(.signal(15))) == [.cancel(0), .cancel(1), .finish(outcome)])
    #expect(outcome.exitCode == 143)
  }

  @Test func twoDifferentSignalsAreOnePatientStop() {
    var machine = GroupMachine(names: ["a"])
    _ = machine.handle(.stopAsked(.signal(2)))
    #expect(machine.handle(.stopAsked(.signal(15))) == [])
    #expect(machine.handle(.ended(0, .returned)) == [.finish(GroupOutcome(reason: .signal(2)))])
  }

  @Test func nothingHappensAfterTheOutcome() {
    var machine = GroupMachine(names: ["a"])
    _ = machine.handle(.stopAsked(self.asked))
    _ = machine.handle(.reached(.abandon))
    #expect(machine.handle(.ended(0, .returned)) == [])
    #expect(machine.handle(.stopAsked(.signal(15))) == [])
  }

  /// Whatever happens in whatever order, there is exactly one outcome once all have ended, nobody is asked twice, and nobody is asked
  /// who has ended.
  @Test(arguments: 0..<200 as Range<UInt64>)
  func everyHistoryEndsOnceAndAsksNobodyTwice(seed: UInt64) {
    var random = SplitMix(state: seed)
    let count = Int.random(in: 1...5, using: &random)
    var machine = GroupMachine(names: (0..<count).map { "s\($0)" })
    var asked: Set<Int> = []
    var ended: Set<Int> = []
    var outcomes = 0
    func check(_ actions: [GroupMachine.Action], _ step: Int) {
      for action in actions {
        switch action {
        case .ask(let index, _):
          #expect(asked.insert(index).inserted, "seed \(seed) step \(step)")
          #expect(!ended.contains(index), "seed \(seed) step \(step)")
        case .finish: outcomes += 1
        case .startLimit, .cancel: break
        }
      }
    }
    for step in 0..<30 {
      let event: GroupMachine.Event
      switch Int.random(in: 0..<6, using: &random) {
      case 0: event = .stopAsked(.asked("x"))
      case 1: event = .stopAsked(.signal([2, 15].randomElement(using: &random) ?? 2))
      default:
        let index = Int.random(in: 0..<count, using: &random)
        ended.insert(index)
        event = .ended(index, [.returned, .cancelled, .failed("x")].randomElement(using: &random) ?? .returned)
      }
      check(machine.handle(event), step)
    }
    for index in 0..<count { check(machine.handle(.ended(index, .returned)), 100 + index) }
    #expect(outcomes == 1, "seed \(seed)")
  }
}

/// A small generator, so that a seed names a history.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    self.state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = self.state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
