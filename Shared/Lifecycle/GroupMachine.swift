// How a group of services stops: the decisions alone, without tasks, threads or time.

/// How a group ended.
public struct GroupOutcome: Sendable, Equatable {
  public struct Failure: Sendable, Equatable {
    public let service: String
    /// The error, as it describes itself.
    public let words: String

    public init(service: String, words: String) {
      self.service = service
      self.words = words
    }
  }

  /// What began the stop.
  public let reason: StopReason
  /// Services that failed, in the order they did.
  public let failures: [Failure]
  /// Services that had not ended when the limit was reached or a repeated signal cut the stop short. Their tasks may still run, so the
  /// process should exit.
  public let abandoned: [String]
  /// The signal that, repeated, cut the stop short.
  public let forcedBy: Int32?

  public init(reason: StopReason, failures: [Failure] = [], abandoned: [String] = [], forcedBy: Int32? = nil) {
    self.reason = reason
    self.failures = failures
    self.abandoned = abandoned
    self.forcedBy = forcedBy
  }

  /// Every service ended as it should.
  public var isClean: Bool { self.failures.isEmpty && self.abandoned.isEmpty && self.forcedBy == nil }

  /// For the process: 0 when clean, 128 and the signal's number when forced, else 1.
  public var exitCode: Int32 { self.isClean ? 0 : self.forcedBy.map { 128 + $0 } ?? 1 }
}

/// Decides who is asked to stop, and when. Services stop one after the other in reverse order; three marks inside the limit see to it
/// that one that hangs takes neither the others' chance nor the process with it.
struct GroupMachine {
  enum Ending: Equatable {
    case returned
    case cancelled
    case failed(String)
  }

  /// Moments inside the limit, in this order.
  enum Mark: CaseIterable {
    /// The one waited for is cancelled, all others are asked now instead of one by one.
    case askAll
    case cancelAll
    case abandon

    /// When, as a part of the limit.
    var tenths: Int {
      switch self {
      case .askAll: 8
      case .cancelAll: 9
      case .abandon: 10
      }
    }
  }

  enum Event {
    case ended(Int, Ending)
    case stopAsked(StopReason)
    case reached(Mark)
  }

  enum Action: Equatable {
    /// The limit begins to count.
    case startLimit(StopReason)
    case ask(Int, StopReason)
    case cancel(Int)
    case finish(GroupOutcome)
  }

  private enum Phase {
    case running, asked, ended
  }

  private let names: [String]
  private var phases: [Phase]
  private var reason: StopReason?
  private var failures: [GroupOutcome.Failure] = []
  private var signalsSeen: Set<Int32> = []
  private var isFinished = false

  init(names: [String]) {
    self.names = names
    self.phases = Array(repeating: .running, count: names.count)
  }

  mutating func handle(_ event: Event) -> [Action] {
    guard !self.isFinished else { return [] }
    switch event {
    case .ended(let index, let ending): return self.ended(index, ending)
    case .stopAsked(let reason): return self.stopAsked(reason)
    case .reached(let mark): return self.reached(mark)
    }
  }

  private mutating func ended(_ index: Int, _ ending: Ending) -> [Action] {
    guard self.phases.indices.contains(index), self.phases[index] != .ended else { return [] }
    let wasAsked = self.phases[index] == .asked
    self.phases[index] = .ended
    switch ending {
    case .returned where wasAsked, .cancelled where wasAsked: break
    case .returned: self.failed(index, "ended before it was asked to stop")
    case .cancelled: self.failed(index, "was cancelled before it was asked to stop")
    case .failed(let words): self.failed(index, words)
    }
    guard let reason = self.reason else { return self.begin(.failure(service: self.names[index])) }
    return self.next(reason)
  }

  private mutating func failed(_ index: Int, _ words: String) {
    self.failures.append(.init(service: self.names[index], words: words))
  }

  /// Only the same signal a second time cuts the stop short: a Ctrl-C reaches all processes of a terminal, and a parent may then pass a
  /// SIGTERM on to its children.
  private mutating func stopAsked(_ reason: StopReason) -> [Action] {
    var forcedBy: Int32?
    if case .signal(let number) = reason, !self.signalsSeen.insert(number).inserted { forcedBy = number }
    guard let first = self.reason else { return self.begin(reason) }
    guard let forcedBy else { return [] }
    return self.cancelAll() + [self.finish(first, forcedBy: forcedBy)]
  }

  private mutating func begin(_ reason: StopReason) -> [Action] {
    self.reason = reason
    return [.startLimit(reason)] + self.next(reason)
  }

  /// The next one to ask, unless one that was asked has not ended.
  private mutating func next(_ reason: StopReason) -> [Action] {
    guard !self.phases.contains(.asked) else { return [] }
    guard let index = self.phases.lastIndex(of: .running) else { return [self.finish(reason)] }
    self.phases[index] = .asked
    return [.ask(index, reason)]
  }

  private mutating func reached(_ mark: Mark) -> [Action] {
    guard let reason = self.reason else { return [] }
    switch mark {
    case .askAll:
      let late = self.phases.indices.filter { self.phases[$0] == .asked }
      let rest = self.phases.indices.reversed().filter { self.phases[$0] == .running }
      for index in rest { self.phases[index] = .asked }
      return late.map { .cancel($0) } + rest.map { .ask($0, reason) }
    case .cancelAll: return self.cancelAll()
    case .abandon: return [self.finish(reason)]
    }
  }

  private func cancelAll() -> [Action] { self.phases.indices.filter { self.phases[$0] != .ended }.map { .cancel($0) } }

  private mutating func finish(_ reason: StopReason, forcedBy: Int32? = nil) -> Action {
    self.isFinished = true
    let abandoned = self.phases.indices.filter { self.phases[$0] != .ended }.map { self.names[$0] }
    return .finish(GroupOutcome(reason: reason, failures: self.failures, abandoned: abandoned, forcedBy: forcedBy))
  }
}
