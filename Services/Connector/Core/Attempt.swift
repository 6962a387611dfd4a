// What an attempt came to, and what follows from it: done, once more later, or given up (E-05).
public import Contracts
public import Domain

/// What became of one attempt.
public enum AttemptResult: Hashable, Sendable {
  case accepted
  /// This address is refused for good; another may do.
  case refusedAddress
  /// The message is refused for good, whatever the address.
  case refusedMessage
  /// Nobody said no: a server that is away or busy, a login that is wrong.
  case later
  case noRoute(Route.WhyNot)
  /// There was none: the message is wanted no longer.
  case withdrawn(SurveyWithdrawal.Reason)

  /// For the history.
  public var word: String {
    switch self {
    case .accepted: "accepted"
    case .refusedAddress: "refused_address"
    case .refusedMessage: "refused_message"
    case .later: "later"
    case .noRoute(let why): why.rawValue
    case .withdrawn: "withdrawn"
    }
  }
}

/// What follows.
public enum AttemptVerdict: Hashable, Sendable {
  case done
  case again(at: Instant)
  /// Told as refused, or as undeliverable.
  case over(DeliveryOutcome.Result, reason: String)

  /// The first pause, doubled with every attempt, and the longest.
  public static let pauseSecondsMin: Int64 = 60
  public static let pauseSecondsMax: Int64 = 6 * 3_600
  /// An address may come later than the request that needs it: so many attempts, about 17 hours, are made without one.
  public static let addressAttemptsMax = 10
  /// More than there is time for before a link is over; a bound where business time stands still.
  public static let attemptsMax = 400

  public static let (expired, refused, tooMany) = ("expired", "refused", "too_many_attempts")

  /// Wanted no longer: whatever became of attempts, there is no other.
  public static func withdrawn(_ reason: SurveyWithdrawal.Reason) -> AttemptVerdict { .over(.undeliverable, reason: reason.rawValue) }

  /// - Parameters:
  ///   - attempts: this one included.
  ///   - hasOther: whether there is another route now that the address is known to be refused.
  ///   - isOver: the link no longer works when it would be tried again.
  ///   - now: by the machine's clock.
  public static func of(_ result: AttemptResult, attempts: Int, hasOther: Bool, isOver: (Instant) -> Bool, at now: Instant) -> AttemptVerdict {
    let next = now.adding(seconds: pauseSeconds(after: attempts))
    switch result {
    case .accepted: return .done
    case .refusedMessage: return .over(.bounced, reason: refused)
    case .withdrawn(let reason): return .withdrawn(reason)
    case .refusedAddress: return hasOther ? .again(at: now) : .over(.bounced, reason: refused)
    case .noRoute(let why) where attempts >= addressAttemptsMax: return .over(.undeliverable, reason: why.rawValue)
    case .later where attempts >= attemptsMax: return .over(.undeliverable, reason: tooMany)
    case .later, .noRoute: return isOver(next) ? .over(.undeliverable, reason: expired) : .again(at: next)
    }
  }

  /// A minute, then two, four and so on.
  static func pauseSeconds(after attempts: Int) -> Int64 { min(pauseSecondsMax, pauseSecondsMin << Int64(min(max(attempts, 1), 20) - 1)) }
}
