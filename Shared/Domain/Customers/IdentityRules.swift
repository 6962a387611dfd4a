/// What decides who is who, as data: how much an identifier's kind weighs, how many values of it one person may have, when an identifier is
/// no person's own, and which values name nobody (P-03).
public struct IdentityRules: Sendable {
  public struct KindRule: Hashable, Sendable {
    /// 1 weighs most. Where a limit is reached, what heavier kinds say counts first.
    public var priority: Int
    /// How many different values of this kind one customer may collect by merging.
    public var perCustomerMax: Int

    public init(priority: Int, perCustomerMax: Int) {
      self.priority = priority
      self.perCustomerMax = perCustomerMax
    }
  }
  /// The name and version of the rules, as records show them.
  public var name: String
  public var version: Int
  private var kinds: [KindRule]
  /// One event merges at most this many customers into another.
  public var customersPerEventMax: Int
  public var junk: JunkIdentifiers

  public static let standard = IdentityRules(
    name: "standard", version: 1,
    kinds: Dictionary(
      uniqueKeysWithValues: IdentifierKind.allCases.map { kind in
        (kind, KindRule(priority: Int(kind.rawValue), perCustomerMax: kind.valuesPerCustomerMax))
      }), customersPerEventMax: 10, junk: .standard)

  public init(name: String, version: Int, kinds: [IdentifierKind: KindRule], customersPerEventMax: Int, junk: JunkIdentifiers) {
    self.name = name
    self.version = version
    self.kinds = IdentifierKind.allCases.map { kind in
      kinds[kind] ?? KindRule(priority: Int(kind.rawValue), perCustomerMax: kind.valuesPerCustomerMax)
    }
    self.customersPerEventMax = customersPerEventMax
    self.junk = junk
  }

  public subscript(_ kind: IdentifierKind) -> KindRule { kinds[Int(kind.rawValue) - 1] }
}
