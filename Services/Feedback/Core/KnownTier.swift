// What is known of a customer's tier, and which one counted at a moment (F-04).
public import Domain

/// The tier of a customer, as its newest snapshot says.
public struct KnownTier: Hashable, Sendable {
  public var customer: CustomerID
  /// 0: none came yet.
  public var version: Int64
  public var tier: TierID?
  public var before: TierID?
  public var since: Instant?

  public init(customer: CustomerID, version: Int64 = 0, tier: TierID? = nil, before: TierID? = nil, since: Instant? = nil) {
    self.customer = customer
    self.version = version
    self.tier = tier
    self.before = before
    self.since = since
  }

  /// The tier that the customer had at a moment, as far as is known.
  public func tier(at moment: Instant) -> TierID? {
    if let since, moment < since, let before { return before }
    return tier
  }
}
