// Figures of the first page as they change, for as long as somebody looks (Server-Sent Events). Viewers who may see the same are told by one poll.
import Access
import ConsoleCore
import ConsoleStore
import Domain
import HTML
import HTTP
import Postgres
import Synchronization
import Telemetry
import Text

/// Who watches, and what was last read for them.
final class LiveBoard: Sendable {
  /// Between two polls, in milliseconds.
  static let pollMilliseconds: Int64 = 5_000
  /// Pages that are watched at one time; whoever comes after sees the figures of when the page was loaded.
  static let viewersMax = 200
  /// Of one session: somebody with more pages open looks at one of them.
  static let viewersPerSessionMax = 8
  /// After which time a browser comes back when the connection was lost, in milliseconds.
  static let retryMilliseconds = 5_000

  /// Those who see the same.
  struct Audience: Hashable, Sendable {
    let roles: String
    let language: PageLanguage
    /// Whose own figures they are; nil: everybody's with these roles.
    let person: String?
  }

  private struct Poll {
    let startedAt: Int64
    let task: Task<HomeFigures, Never>
  }

  private struct State {
    var viewers: [Audience: Int] = [:]
    var perSession: [String: Int] = [:]
    /// No more than there are audiences that watch.
    var polls: [Audience: Poll] = [:]
    var count: Int { viewers.values.reduce(0, +) }
  }

  private let state = Mutex(State())
  let pollMilliseconds: Int64

  init(pollMilliseconds: Int64 = LiveBoard.pollMilliseconds) { self.pollMilliseconds = pollMilliseconds }

  /// A place among the viewers, given back when nobody holds it any more.
  final class Seat: Sendable {
    let audience: Audience
    private let session: String
    private let board: LiveBoard

    fileprivate init(_ audience: Audience, _ session: String, _ board: LiveBoard) {
      self.audience = audience
      self.session = session
      self.board = board
    }

    deinit { board.leave(audience, session) }
  }

  /// nil: too many watch.
  func seat(_ audience: Audience, session: String) -> Seat? {
    let isFree = state.withLock { state -> Bool in
      guard state.count < LiveBoard.viewersMax, state.perSession[session, default: 0] < LiveBoard.viewersPerSessionMax else { return false }
      state.viewers[audience, default: 0] += 1
      state.perSession[session, default: 0] += 1
      return true
    }
    return isFree ? Seat(audience, session, self) : nil
  }

  private func leave(_ audience: Audience, _ session: String) {
    state.withLock { state in
      state.viewers[audience, default: 0] -= 1
      if state.viewers[audience] == 0 { (state.viewers[audience], state.polls[audience]) = (nil, nil) }
      state.perSession[session, default: 0] -= 1
      if state.perSession[session] == 0 { state.perSession[session] = nil }
    }
  }

  var viewers: Int { state.withLock(\.count) }

  /// What is told now: read once for all who ask within the time of a poll. Viewers do not come at exactly the same moment: a tenth of it is left for
  /// one who is a little early.
  func figures(_ audience: Audience, now: Int64, _ read: @escaping @Sendable () async -> HomeFigures) async -> HomeFigures {
    let task = state.withLock { state -> Task<HomeFigures, Never> in
      if let poll = state.polls[audience], now - poll.startedAt < pollMilliseconds * 900 { return poll.task }
      // No child of the viewer who comes first: the others still want the answer when that one has gone.
      let task = Task { await read() }
      state.polls[audience] = Poll(startedAt: now, task: task)
      return task
    }
    return await task.value
  }
}

struct LiveFigures: Sendable {
  static let path = "/live"

  let board: LiveBoard

  func answer(_ visit: Visit) async throws -> Response {
    guard let caller = visit.caller else { throw SessionGuard.NotSignedIn() }
    let isOwn = visit.may(.ticketsRead) && !visit.may(.ticketsAll)
    let audience = LiveBoard.Audience(
      roles: caller.session.roles.sorted().joined(separator: " "), language: visit.language, person: isOwn ? caller.principal.actor : nil)
    guard let seat = board.seat(audience, session: caller.secret.text) else {
      throw Problem(.serviceUnavailable, title: "Too many watch", detail: "load the page anew to see newer figures")
    }
    return .events { stream in
      do { try await tell(visit, caller, seat, stream) } catch is CancellationError {
        // The page was left, or the console stops.
      }
    }
  }

  private func tell(_ visit: Visit, _ caller: SignedIn, _ seat: LiveBoard.Seat, _ stream: EventStream) async throws {
    var retry: Int? = LiveBoard.retryMilliseconds
    while try await isSignedIn(visit.site, caller) {
      let figures = await board.figures(seat.audience, now: visit.site.now()) { await HomeFigures.read(visit) }
      try await stream.send(figures.event(visit), event: "figures", retryMilliseconds: retry)
      retry = nil
      try await Task.sleep(for: .milliseconds(board.pollMilliseconds))
    }
  }

  /// Seconds before an identity provider's token ends: the browser then comes back, and is given a newer one.
  private static let tokenSeconds: Int64 = 30

  /// To look on keeps nobody signed in: a session that is not used otherwise ends in its time.
  private func isSignedIn(_ site: Site, _ caller: SignedIn) async throws -> Bool {
    let now = site.now()
    if let end = caller.tokens?.endsAt, end - LiveFigures.tokenSeconds <= now / 1_000_000 { return false }
    guard let session = try await site.pool.withSession({ try SessionRows.find(caller.secret, $0) }) else { return false }
    return !session.isOver(site.settings.rules, at: now) && session.roles == caller.session.roles
  }
}
