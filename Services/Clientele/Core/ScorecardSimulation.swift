// What another scorecard would make of all customers (T-10), summed up from what the tiering service works out one by one.
public import Domain
import HTTP
public import Text

/// Who would move where, and what that means for the tiers.
public struct ScorecardSimulation: Sendable {
  public struct Rank: Sendable, Equatable {
    public let id: String
    public let name: LocalizedName
    /// False for a tier that customers still have although it is configured no longer.
    public let isConfigured: Bool
  }

  /// Customers of one tier today, and of one then.
  public struct Cell: Sendable, Equatable {
    public var customers = 0
    /// Minor units of the base currency.
    public var revenue: Int128 = 0
  }

  /// A customer whose tier would change.
  public struct Move: Sendable, Equatable {
    public let customer: String
    public let memberID: String?
    public let tier: String
    public let tierThen: String
    public let score: Int64?
    public let scoreThen: Int64?
    /// Net spend of 12 months, minor units of the base currency.
    public let revenue: Int64
  }

  public let scorecard: ScorecardReference
  public let policy: PolicyReference
  /// The business day whose figures were used.
  public let day: Day
  public let currency: Currency
  /// The version is registered with another content: it could not come into force.
  public let isRegisteredOtherwise: Bool
  /// Customers whose rating of today is older than their figures: a part of the moves is theirs, whatever the scorecard.
  public let waiting: Int
  /// Highest first; tiers that are configured no longer at the end.
  public private(set) var ranks: [Rank]
  private var cells: [String: [String: Cell]] = [:]
  /// In customer order.
  public private(set) var moves: [Move] = []
  public private(set) var customers = 0
  /// Customers whose figures are beyond exact arithmetic: they keep the rating they have.
  public private(set) var unratable = 0
  private var isWhole = false
  /// What the service has summed up: also the cost of benefits, the load of service, and how well labelled customers are found.
  public private(set) var summary: JSONValue?
  /// The scorecard's state after a simulation that was put on record; nil otherwise.
  public private(set) var state: String?

  /// What is simulated, and what is told of it.
  public struct Wish: Sendable {
    /// The scorecard itself; nil for one that is registered.
    public var yaml: String?
    /// A registered scorecard whose simulation is put on record.
    public var registered: ScorecardReference?
    public var actor = ""
    public var reason = ""
    /// Customers known to be worth most, by customer id or member id; empty: none are given.
    public var labelled: [String] = []
    /// The tiers that mean "worth most"; empty: the highest.
    public var highValueTiers: [String] = []
    public var listsMoves = false

    public init() {}

    var path: String {
      let path = registered.map { "/v1/scorecards/\($0.name)/\($0.version)/simulation" } ?? "/v1/scorecards/simulations"
      return path + "?lines=" + (listsMoves ? "moved" : "none")
    }

    /// The scorecard as it is where nothing else is to be said.
    var body: (bytes: [UInt8], type: String) {
      if let yaml, labelled.isEmpty { return (Array(yaml.utf8), "application/yaml") }
      var members: [JSONMember] = []
      if let yaml { members.append(JSONMember("yaml", .text(yaml))) }
      if registered != nil { members += [JSONMember("actor", .text(actor)), JSONMember("reason", .text(reason))] }
      if !labelled.isEmpty { members.append(JSONMember("labelled", .array(labelled.map { .text($0) }))) }
      if !highValueTiers.isEmpty { members.append(JSONMember("high_value_tiers", .array(highValueTiers.map { .text($0) }))) }
      return (JSONValue.object(members).encoded, "application/json")
    }
  }

  /// Asks the tiering service, which works with the customers it has stored, its own policy and settings.
  public static func run(_ wish: Wish, _ services: ServiceClient) async throws -> ScorecardSimulation {
    var simulation: ScorecardSimulation?
    let body = wish.body
    try await services.eachLine("tiering", wish.path, method: .post, body: body.bytes, contentType: body.type) { line in
      let value: JSONValue
      do { value = try JSONValue(line) } catch { throw SuiteFailure("tiering sent a line that is no JSON: \(error)") }
      if simulation == nil { simulation = try ScorecardSimulation(head: value) } else { try simulation?.add(value) }
    }
    guard let simulation, simulation.isWhole else { throw SuiteFailure("tiering ended the simulation in the middle: its log says why") }
    return simulation
  }

  private static let unread = SuiteFailure("tiering sent a simulation that cannot be read: is it of another version than this program?")

  init(head: JSONValue) throws {
    guard let name = head["scorecard"]?.stringValue, let version = head["scorecard_version"]?.intValue, let policy = head["policy"]?.stringValue,
      let policyVersion = head["policy_version"]?.intValue, let day = head["as_of"]?.stringValue.flatMap({ Day($0) }),
      let currency = head["currency"]?.stringValue.flatMap({ Currency($0) }), let tiers = head["tiers"]?.arrayValue
    else { throw ScorecardSimulation.unread }
    scorecard = ScorecardReference(name: name, version: version)
    self.policy = PolicyReference(name: policy, version: policyVersion)
    self.day = day
    self.currency = currency
    isRegisteredOtherwise = head["registered_otherwise"]?.booleanValue ?? false
    waiting = head["waiting"]?.intValue ?? 0
    ranks = tiers.compactMap { tier in
      guard let id = tier["tier"]?.stringValue else { return nil }
      return Rank(
        id: id, name: LocalizedName(en: tier["name"]?["en"]?.stringValue ?? id, zh: tier["name"]?["zh"]?.stringValue ?? id), isConfigured: true)
    }
  }

  /// One customer, or the last line.
  mutating func add(_ line: JSONValue) throws {
    if line["so_far"] != nil { return }
    if line["end"]?.booleanValue == true {
      isWhole = true
      state = line["state"]?.stringValue
      if let summary = line["summary"] { try take(summary) }
      return
    }
    guard let customer = line["customer_id"]?.stringValue, let tier = line["tier"]?.stringValue, let tierThen = line["tier_then"]?.stringValue,
      let revenue = line["monetary"]?.int64Value
    else { throw ScorecardSimulation.unread }
    for id in [tier, tierThen] where !ranks.contains(where: { $0.id == id }) {
      ranks.append(Rank(id: id, name: LocalizedName(en: id, zh: id), isConfigured: false))
    }
    cells[tier, default: [:]][tierThen, default: Cell()].customers += 1
    cells[tier, default: [:]][tierThen, default: Cell()].revenue += Int128(revenue)
    customers += 1
    if line["unratable"]?.booleanValue == true { unratable += 1 }
    if tier != tierThen {
      moves.append(
        Move(
          customer: customer, memberID: line["member_id"]?.stringValue, tier: tier, tierThen: tierThen, score: line["score"]?.int64Value,
          scoreThen: line["score_then"]?.int64Value, revenue: revenue))
    }
  }
}

// MARK: - Sums

extension ScorecardSimulation {
  /// The sums as the service worked them out: of all customers, whichever of them it has written.
  private mutating func take(_ summary: JSONValue) throws {
    guard let pairs = summary["matrix"]?.arrayValue, let all = summary["customers"]?.intValue, let left = summary["unratable"]?.intValue else {
      throw ScorecardSimulation.unread
    }
    cells = [:]
    for pair in pairs {
      guard let from = pair["tier_now"]?.stringValue, let to = pair["tier_then"]?.stringValue, let count = pair["customers"]?.intValue,
        let revenue = pair["revenue"]?.numberText.flatMap({ Int128($0) })
      else { throw ScorecardSimulation.unread }
      for id in [from, to] where !ranks.contains(where: { $0.id == id }) {
        ranks.append(Rank(id: id, name: LocalizedName(en: id, zh: id), isConfigured: false))
      }
      if count > 0 { cells[from, default: [:]][to] = Cell(customers: count, revenue: revenue) }
    }
    (customers, unratable) = (all, left)
    self.summary = summary
  }

  /// What the benefits of one tier, or of all, cost in a year, and the minutes of service a working day: now and then. nil where not told.
  func load(_ tier: String?) -> (now: JSONValue, then: JSONValue)? {
    let place = tier == nil ? summary : summary?["tiers"]?.arrayValue?.first { $0["tier"]?.stringValue == tier }
    guard let now = place?["now"], let then = place?["then"] else { return nil }
    return (now, then)
  }

  /// Customers of tier `from` today who would be in tier `to`.
  public func cell(_ from: String, _ to: String) -> Cell { cells[from]?[to] ?? Cell() }

  /// All of a tier today.
  public func now(_ tier: String) -> Cell { sum(ranks.map { cell(tier, $0.id) }) }

  /// All of a tier then.
  public func then(_ tier: String) -> Cell { sum(ranks.map { cell($0.id, tier) }) }

  /// Those who would keep their tier.
  public var kept: Cell { sum(ranks.map { cell($0.id, $0.id) }) }

  public var all: Cell { sum(ranks.map { now($0.id) }) }

  /// Moves between configured tiers, upwards and downwards.
  public var directions: (up: Int, down: Int) {
    var (up, down) = (0, 0)
    for (place, from) in ranks.enumerated() where from.isConfigured {
      for (other, to) in ranks.enumerated() where to.isConfigured {
        if other < place { up += cell(from.id, to.id).customers }
        if other > place { down += cell(from.id, to.id).customers }
      }
    }
    return (up, down)
  }

  private func sum(_ cells: [Cell]) -> Cell {
    cells.reduce(into: Cell()) { sum, cell in
      sum.customers += cell.customers
      sum.revenue += cell.revenue
    }
  }
}
