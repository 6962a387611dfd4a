// Whose contact data was seen in full, by whom, which fields, how often and why, put together from the trails of all services (S-06).
public import Text
import HTTP

public struct Exposure: Sendable {
  /// By what it is told.
  public enum Grouping: String, CaseIterable, Sendable { case person, customer }

  private struct Person: Hashable {
    let name: String
    let subject: String
  }

  /// A customer; or a record, where nobody knows whose it is.
  private struct Owner: Hashable {
    let customer: String
    let record: String
  }

  private struct Tally {
    var looks: Int64 = 0
    var first = Int64.max
    var last = Int64.min
    var fields: Set<String> = []
    var reasons: [String: Int64] = [:]
    var services: Set<String> = []

    mutating func add(at: Int64, _ reason: String, _ service: String, _ fields: [String]) {
      looks += 1
      (first, last) = (min(first, at), max(last, at))
      reasons[reason, default: 0] += 1
      services.insert(service)
      self.fields.formUnion(fields)
    }
  }

  private var looks: Int64 = 0
  private var people: [Person: Tally] = [:]
  private var owners: [Owner: Tally] = [:]
  private var pairs: [Person: [Owner: Tally]] = [:]

  public init() {}

  /// Rows of one answer.
  private static let rowsPerPage = 200

  /// Everything that the trail of a service has between two days.
  public mutating func read(_ service: String, _ asked: [(name: String, value: String?)], _ services: ServiceClient) async throws {
    var before: String?
    repeat {
      let path = ServiceClient.path("/v1/audit/exposure", asked + [("limit", String(Exposure.rowsPerPage)), ("before", before)])
      let page = try await services.call(service, .get, path)
      for look in page["looks"]?.arrayValue ?? [] { try add(look, of: service) }
      before = page["next"]?.stringValue
    } while before != nil
  }

  mutating func add(_ look: JSONValue, of service: String) throws {
    func text(_ name: String) -> String { look[name]?.stringValue ?? "" }
    guard let at = try? RFC3339.parse(text("at")) else { throw SuiteFailure("\(service) answered with a look that has no moment") }
    guard let seen = look["seen"]?.arrayValue else {
      throw SuiteFailure("\(service): what was seen in entry \(text("day"))/\(look["entry"]?.numberText ?? "-") cannot be read: `clientele audit verify`")
    }
    let (person, reason) = (Person(name: text("actor"), subject: text("subject")), text("reason"))
    looks += 1
    var all: [String] = []
    for one in seen {
      let owner = Owner(customer: one["customer"]?.stringValue ?? "", record: one["record"]?.stringValue ?? "")
      let fields = (one["fields"]?.arrayValue ?? []).compactMap(\.stringValue)
      all += fields
      owners[owner, default: Tally()].add(at: at, reason, service, fields)
      pairs[person, default: [:]][owner, default: Tally()].add(at: at, reason, service, fields)
    }
    people[person, default: Tally()].add(at: at, reason, service, all)
  }

  public var isEmpty: Bool { looks == 0 }
  private var customers: Int { owners.keys.count { !$0.customer.isEmpty } }

  private var sortedPeople: [(Person, Tally)] { people.sorted { ($0.key.name, $0.key.subject) < ($1.key.name, $1.key.subject) } }
  private static func sorted(_ owners: [Owner: Tally]) -> [(Owner, Tally)] {
    owners.sorted { ($0.key.customer, $0.key.record) < ($1.key.customer, $1.key.record) }
  }
  /// Who saw what is an owner's.
  private func viewers(of owner: Owner) -> [(Person, Tally)] { sortedPeople.compactMap { person, _ in pairs[person]?[owner].map { (person, $0) } } }

  // MARK: - JSON

  public func json(by grouping: Grouping) -> JSONValue {
    let groups: JSONValue =
      switch grouping {
      case .person:
        .array(
          sortedPeople.map { person, tally in
            let seen = Exposure.sorted(pairs[person] ?? [:]).map { JSONValue.object(Exposure.members($0) + Exposure.members($1)) }
            return .object(Exposure.members(person) + Exposure.members(tally) + [JSONMember("seen", .array(seen))])
          })
      case .customer:
        .array(
          Exposure.sorted(owners).map { owner, tally in
            let viewers = viewers(of: owner).map { JSONValue.object(Exposure.members($0) + Exposure.members($1)) }
            return .object(Exposure.members(owner) + Exposure.members(tally) + [JSONMember("seen_by", .array(viewers))])
          })
      }
    return [
      grouping == .person ? "people" : "customers": groups,
      "summary": ["customers": .integer(Int64(customers)), "people": .integer(Int64(people.count)), "looks": .integer(looks)],
    ]
  }

  private static func members(_ person: Person) -> [JSONMember] {
    [JSONMember("actor", .text(person.name)), JSONMember("subject", .text(person.subject))]
  }

  private static func members(_ owner: Owner) -> [JSONMember] {
    let customer: JSONValue = owner.customer.isEmpty ? .null : .text(owner.customer)
    return [JSONMember("customer", customer)] + (owner.record.isEmpty ? [] : [JSONMember("record", .text(owner.record))])
  }

  private static func members(_ tally: Tally) -> [JSONMember] {
    [
      JSONMember("looks", .integer(tally.looks)), JSONMember("first_at", .text(RFC3339.text(tally.first))),
      JSONMember("last_at", .text(RFC3339.text(tally.last))), JSONMember("fields", .array(tally.fields.sorted().map { .text($0) })),
      JSONMember("reasons", .array(tally.reasons.keys.sorted().map { ["reason": .text($0), "looks": .integer(tally.reasons[$0] ?? 0)] })),
      JSONMember("services", .array(tally.services.sorted().map { .text($0) })),
    ]
  }
}
