// Orders that were put away, over HTTP (S-09): how many there are, and all of them as lines for whoever keeps archives.
import Access
import Domain
import HTTP
import Postgres
import ProfileCore
import ProfileStore
import Text

struct ColdRoutes: Sendable {
  let environment: ProfileEnvironment
  let pool: PostgresPool

  func add(to router: inout Router) {
    router.get("/v1/cold-orders/summary", needs: .figuresRead) { _ in try await summary() }
    router.get("/v1/cold-orders", needs: .customersExport) { _ in export() }
  }

  private func summary() async throws -> Response {
    let (before, moved) = try await pool.withSession { try (ColdRows.before($0), ColdRows.moved($0)) }
    return .json(
      JSONValue.object([
        JSONMember("cold_after_months", environment.rules.coldAfterMonths.map { .integer(Int64($0)) } ?? .null),
        JSONMember("cold_before", .textOrNull(before?.description)), JSONMember("moved", .integer(moved)),
      ]).encoded)
  }

  /// One line of JSON for every order that was put away.
  private func export() -> Response {
    .stream(contentType: "application/x-ndjson") { body in
      var place: UnificationPlace? = UnificationPlace()
      while let start = place {
        let (lines, next) = try await pool.transaction { session -> ([UInt8], UnificationPlace?) in
          let (records, next) = try ColdRows.orders(after: start, session)
          var store = PostgresProfileStore(session)
          let owners = try store.identities(numbered: Set(records.map(\.identity)).sorted())
          let byIdentity = Dictionary(owners.map { ($0.identity.id, $0.identity.customer) }) { first, _ in first }
          return (records.flatMap { line($0.record, byIdentity[$0.identity]).encoded + [0x0A] }, next)
        }
        if !lines.isEmpty { try await body.write(lines) }
        place = next
      }
    }
  }

  private func line(_ record: OrderRecord, _ customer: CustomerID?) -> JSONValue {
    func money(_ minorUnits: Int64) -> JSONValue { .text(MinorUnits.text(minorUnits, digits: environment.currency.minorDigits)) }
    var members = [
      JSONMember("customer_id", .textOrNull(customer?.description)), JSONMember("source", .text(record.source)),
      JSONMember("order_id", .text(record.orderID)), JSONMember("credit_note", .text(record.creditNote)),
    ]
    if let header = record.header {
      let lines = header.lines.map { line -> JSONValue in
        ["sku": .text(line.sku), "name": .text(line.name), "quantity": .text(line.quantity), "category": .text(line.category)]
      }
      members += [
        JSONMember("revision", .integer(header.revision)), JSONMember("ordered_at", .text(RFC3339.text(header.orderedAt.microseconds))),
        JSONMember("paid_at", .textOrNull(header.paidAt.map { RFC3339.text($0.microseconds) })), JSONMember("total", money(header.baseMinorUnits)),
        JSONMember("channel", .text(header.channel)), JSONMember("lines", .array(lines)),
      ]
    }
    let movements = record.movements.map { movement -> JSONValue in
      [
        "type": .text(movement.kind.name), "reference": .text(movement.reference), "at": .text(RFC3339.text(movement.at.microseconds)),
        "amount": money(movement.baseMinorUnits),
      ]
    }
    return .object(members + [JSONMember("movements", .array(movements))])
  }
}
