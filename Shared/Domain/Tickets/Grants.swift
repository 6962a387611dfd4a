// What the front line may give a customer, and who has to agree (K-08). Pure: what was given before is an argument.

/// What a customer is given.
public enum GrantKind: Hashable, Sendable {
  case compensation
  /// A service that the tier does not have, by its id; it has a worth.
  case upgrade(String)

  public var word: String {
    switch self {
    case .compensation: "compensation"
    case .upgrade: "upgrade"
    }
  }
}

public enum GrantState: String, Hashable, Sendable, CaseIterable {
  /// Somebody else has to agree.
  case waiting
  case granted, rejected

  public var name: LocalizedName {
    switch self {
    case .waiting: LocalizedName(en: "waits for approval", zh: "待审批")
    case .granted: LocalizedName(en: "granted", zh: "已授予")
    case .rejected: LocalizedName(en: "rejected", zh: "已驳回")
    }
  }
}

public struct Grant: Hashable, Sendable {
  public let id: TicketID
  public let ticket: TicketID
  public let kind: GrantKind
  /// Minor units of the base currency; of an upgrade its worth.
  public let minorUnits: Int64
  public let askedAt: Instant
  public let asker: TicketActor
  public private(set) var state: GrantState
  /// nil while it waits. What needed nobody else was decided by who gave it.
  public private(set) var decidedAt: Instant?
  public private(set) var decider: TicketActor?

  public init(
    id: TicketID, ticket: TicketID, kind: GrantKind, minorUnits: Int64, askedAt: Instant, asker: TicketActor, state: GrantState = .waiting,
    decidedAt: Instant? = nil, decider: TicketActor? = nil
  ) {
    self.id = id
    self.ticket = ticket
    self.kind = kind
    self.minorUnits = minorUnits
    self.askedAt = askedAt
    self.asker = asker
    self.state = state
    self.decidedAt = decidedAt
    self.decider = decider
  }

  fileprivate mutating func decide(_ state: GrantState, by decider: TicketActor, at: Instant) {
    (self.state, self.decider, decidedAt) = (state, decider, at)
  }
}

/// Why nothing is given.
public enum GrantRefusal: Error, Hashable, Sendable {
  /// Only people of the staff's file have a role, and with it a limit.
  case notStaff(String)
  case unknownUpgrade(String)
  /// So much may be given to the customer until the year ends.
  case beyondYear(leftMinorUnits: Int64)
  /// So much may this person give for one ticket, what it was given before included.
  case beyondLimit(minorUnits: Int64)
  /// So much may anybody give for one ticket.
  case beyondAnybody(minorUnits: Int64)
  /// Who asked cannot be who agrees.
  case ownRequest
  case decided(GrantState)
}

/// What was given already.
public struct GivenBefore: Hashable, Sendable {
  /// For the ticket, ever; for the customer, this year, whatever customers it is made of.
  public var ticketMinorUnits: Int64
  public var yearMinorUnits: Int64

  public init(ticketMinorUnits: Int64, yearMinorUnits: Int64) {
    self.ticketMinorUnits = ticketMinorUnits
    self.yearMinorUnits = yearMinorUnits
  }
}

public struct GrantRules: Hashable, Sendable {
  /// What each role may give for one ticket; a role that is not in it gives nothing.
  public let limits: [StaffRole: Int64]
  /// What a customer of each tier may be given in a calendar year.
  public let yearly: [TierID: Int64]
  public let upgrades: [Upgrade]

  /// A service that customers may be given beyond their tier.
  public struct Upgrade: Hashable, Sendable {
    public let id: String
    public let name: LocalizedName
    public let minorUnits: Int64

    public init(id: String, name: LocalizedName, minorUnits: Int64) {
      self.id = id
      self.name = name
      self.minorUnits = minorUnits
    }
  }

  public static let upgradesMax = 200

  public init(ladder: TierLadder, limits: [StaffRole: Int64], yearly: [TierID: Int64], upgrades: [Upgrade]) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    func add(_ path: String, _ problem: String) { faults.append(ConfigurationFault(path: "grants.\(path)", problem: problem)) }
    let roles = StaffRole.allCases
    for (lower, higher) in zip(roles, roles.dropFirst()) where (limits[lower] ?? 0) > (limits[higher] ?? 0) {
      add("limits.\(higher.rawValue)", "must not be less than what \(lower.rawValue) may give")
    }
    if upgrades.count > GrantRules.upgradesMax { add("upgrades", "at most \(GrantRules.upgradesMax), not \(upgrades.count)") }
    for (place, upgrade) in upgrades.enumerated() {
      if !isSlug(upgrade.id, bytesMax: StaffRules.codeBytesMax) {
        add("upgrades[\(place)].id", "small letters, digits and hyphens, at most \(StaffRules.codeBytesMax)")
      }
      if upgrades[..<place].contains(where: { $0.id == upgrade.id }) { add("upgrades[\(place)].id", "`\(upgrade.id)` is listed already") }
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.limits = limits
    self.yearly = yearly
    self.upgrades = upgrades
  }

  public func upgrade(_ id: String) -> Upgrade? { upgrades.first { $0.id == id } }

  /// What a customer of the tier may be given in a year; of one that the file does not speak of nothing.
  public func cap(_ tier: TierID) -> Int64 { yearly[tier] ?? 0 }

  private func checkYear(_ amount: Int64, _ before: GivenBefore, _ tier: TierID) throws(GrantRefusal) {
    let left = max(0, cap(tier) - before.yearMinorUnits)
    if amount > left { throw .beyondYear(leftMinorUnits: left) }
  }

  private func limit(of name: String, _ staff: StaffRules) throws(GrantRefusal) -> Int64 {
    guard let person = staff[name] else { throw .notStaff(name) }
    return limits[person.role] ?? 0
  }

  /// Gives something, or asks for it where that is more than the person may give. The limit holds for all that a ticket was given: it cannot be split.
  public func ask(_ grant: Grant, _ before: GivenBefore, tier: TierID, staff: StaffRules) throws(GrantRefusal) -> Grant {
    let limit = try limit(of: grant.asker.name, staff)
    if case .upgrade(let id) = grant.kind, upgrade(id) == nil { throw .unknownUpgrade(id) }
    try checkYear(grant.minorUnits, before, tier)
    let highest = limits.values.max() ?? 0
    guard grant.minorUnits <= highest - before.ticketMinorUnits else { throw .beyondAnybody(minorUnits: highest) }
    var grant = grant
    if grant.minorUnits <= limit - before.ticketMinorUnits { grant.decide(.granted, by: grant.asker, at: grant.askedAt) }
    return grant
  }

  /// Agrees to what somebody else asked for.
  public func approve(
    _ grant: Grant, by decider: TicketActor, at: Instant, _ before: GivenBefore, tier: TierID, staff: StaffRules
  ) throws(GrantRefusal) -> Grant {
    let limit = try mayDecide(grant, decider, staff)
    guard grant.minorUnits <= limit - before.ticketMinorUnits else { throw .beyondLimit(minorUnits: limit) }
    try checkYear(grant.minorUnits, before, tier)
    var grant = grant
    grant.decide(.granted, by: decider, at: at)
    return grant
  }

  /// Whoever may give anything may say no, but not to oneself: who asked in vain says so in the ticket.
  public func reject(_ grant: Grant, by decider: TicketActor, at: Instant, staff: StaffRules) throws(GrantRefusal) -> Grant {
    _ = try mayDecide(grant, decider, staff)
    var grant = grant
    grant.decide(.rejected, by: decider, at: at)
    return grant
  }

  private func mayDecide(_ grant: Grant, _ decider: TicketActor, _ staff: StaffRules) throws(GrantRefusal) -> Int64 {
    guard grant.state == .waiting else { throw .decided(grant.state) }
    guard decider.name != grant.asker.name else { throw .ownRequest }
    return try limit(of: decider.name, staff)
  }
}
