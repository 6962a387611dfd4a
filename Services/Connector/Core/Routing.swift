// By which way a message goes, and to which address (E-05): decided anew for every attempt, by what is known then.
public import Contracts
import Domain

/// The ways that are open: those that an operator has set up.
public struct OpenWays: Hashable, Sendable {
  public let hasMail: Bool
  public let hasWebhook: Bool

  public init(hasMail: Bool, hasWebhook: Bool) {
    self.hasMail = hasMail
    self.hasWebhook = hasWebhook
  }

  public var all: [DeliveryOutcome.Way] { (hasMail ? [.email] : []) + (hasWebhook ? [.webhook] : []) }
}

public enum Route: Hashable, Sendable {
  case email(KnownAddress)
  /// Whoever is behind it chooses among the addresses: the best of each kind.
  case webhook([KnownAddress])
  case none(WhyNot)

  public enum WhyNot: String, Hashable, Sendable, CaseIterable {
    /// Nothing is set up by which it could be sent.
    case noWay = "no_way"
    /// The customer has no address that may be used.
    case noAddress = "no_address"
    /// Its link names no host: nobody could open it.
    case noLink = "no_link"
  }

  /// The channel of mail, as requests name it.
  public static let emailChannel = "email"

  /// Mail where it is asked for or nothing is; whatever else is asked for is the webhook's. Where the one is not to be had the other has its turn.
  public static func choose(channel: String, addresses: [KnownAddress], ways: OpenWays) -> Route {
    let usable = addresses.filter(\.isUsable).sorted(by: isBetter)
    let mail = ways.hasMail ? usable.first { $0.kind == .email }.map(Route.email) : nil
    let webhook = ways.hasWebhook ? Route.webhook(AddressKind.allCases.compactMap { kind in usable.first { $0.kind == kind } }) : nil
    let isForMail = channel.isEmpty || channel == emailChannel
    if let route = isForMail ? mail ?? webhook : webhook ?? mail { return route }
    return .none(ways.hasMail ? .noAddress : .noWay)
  }

  /// A verified address before others, a newer one before an older.
  private static func isBetter(_ left: KnownAddress, _ right: KnownAddress) -> Bool {
    if left.isVerified != right.isVerified { return left.isVerified }
    if left.firstSeenAt != right.firstSeenAt { return left.firstSeenAt > right.firstSeenAt }
    return left.identity < right.identity
  }
}
