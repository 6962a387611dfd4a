// What is missing in front of a service's partitions, and the operator's word that it goes on without (`docs/operate.md`).
import Access
import HTTP
import Messaging
import Postgres
import Telemetry
import Text

enum GapRoutes {
  static func add(to router: inout Router, _ context: ServiceContext) {
    router.get("/v1/gaps", needs: .operationsRead) { request in
      let all = request.query["state"] == "all"
      let gaps = try await context.pool.withSession { try GapLog.list(settledToo: all, $0) }
      return .json(JSONValue.object([JSONMember("gaps", .array(gaps.map(json)))]).encoded)
    }
    router.post("/v1/gaps/{id}/accept", needs: .operationsAct) { request in
      guard let id = Int64(try request.parameter("id")), id > 0 else {
        throw Problem.invalid([.init(field: "id", rule: "format", detail: "a gap has a whole number from 1, as GET /v1/gaps shows it")])
      }
      let isAccepted = try await context.pool.transaction { try GapLog.accept(id, at: SystemTime.unixMicroseconds(), $0) }
      guard isAccepted else { throw Problem(.notFound, title: "No such gap", detail: "there is no open gap \(id): it may be settled already") }
      context.logger.warning("an operator accepted a gap", ["gap": .int(id)])
      return .json(JSONValue.object([JSONMember("id", .integer(id)), JSONMember("accepted", .boolean(true))]).encoded, status: .accepted)
    }
  }

  private static func json(_ gap: GapRecord) -> JSONValue {
    let state = gap.settledAt != nil ? "settled" : gap.acceptedAt != nil ? "accepted" : "open"
    return [
      "id": .integer(gap.id), "consumer": .text(gap.consumer), "topic": .text(gap.topic), "partition": .integer(Int64(gap.partition)),
      "kind": .text(gap.missing.kind.rawValue), "lane": gap.missing.lane.map { .text($0) } ?? .null, "from": .integer(gap.missing.from),
      "to": .integer(gap.missing.to), "detail": .text(gap.detail), "found_at": .text(RFC3339.text(gap.foundAt)), "state": .text(state),
    ]
  }
}
