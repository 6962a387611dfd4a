// Invitations and opt-outs over HTTP (F-02, F-03).
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Telemetry
import TestSupport
import Testing
import Text

@testable import feedback

@Suite(.enabled(if: TestDatabase.isAvailable, "\(TestDatabase.whyNot)")) struct InvitationAPITests {
  private static let now = moment("2026-11-29", hours: 9)
  private static func id(_ number: Int64) -> String { CustomerID(number: number).description }

  private struct Site {
    let router: Router
    let links: LinkTokens

    func ask(_ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil) async throws -> (status: HTTPStatus, answer: JSONValue) {
      let request = try Request(method, target, headers: ["Content-Type": "application/json"], body: body?.encoded ?? [])
      let response = try await router.respond(to: request)
      return (response.status, try JSONValue(response.bytes ?? []))
    }
  }

  private func with(_ body: (Site) async throws -> Void) async throws {
    try await Tables.with { tables in
      try await Tables.session(tables) { session in
        _ = try Tables.take((1...3).map { .tier(tier($0, 1, "key", at: moment("2026-01-01"))) }, session)
      }
      let settings = try #require(try FeedbackSettings.shipped())
      let pool = PostgresPool(tables)
      var router = Router()
      InvitationsAPI(settings: settings, clock: FixedClock(Self.now), pool: pool, measures: FeedbackMeasures(Metrics())).add(to: &router)
      try await body(Site(router: router, links: settings.pages.links))
      await pool.close()
    }
  }

  private func order(_ customers: [Int64], _ more: [JSONMember] = [JSONMember("reference", "spring")]) -> JSONValue {
    .object(
      [
        JSONMember("actor", "Wang"), JSONMember("survey", "nps-quarterly"), JSONMember("customers", .array(customers.map { .text(Self.id($0)) })),
      ] + more)
  }

  @Test func anOrderGivesEachCustomerALinkOrAReasonAndTheSameOrderTheSameLinks() async throws {
    try await with { site in
      let made = try await site.ask(.post, "/v1/invitations", order([1, 9, 2, 1]))
      #expect(made.status == .created && made.answer["invited"] == 2 && made.answer["version"] == 1)
      let lines = made.answer["invitations"]?.arrayValue ?? []
      #expect(lines.map { $0["outcome"] } == ["invited", "unknown", "invited", "twice"])
      #expect(lines.map { $0["customer_id"]?.stringValue } == [1, 9, 2, 1].map(Self.id))
      let link = try #require(lines.first?["link"]?.stringValue)
      let token = link.dropFirst("https://ask.example.com/s/".count)
      #expect(try site.links.invitation(of: String(token))?.description == lines.first?["invitation_id"]?.stringValue, "\(link)")
      #expect(lines[1]["link"] == .null && lines.first?["expires_at"] == "2026-12-13T09:00:00Z")
      let again = try await site.ask(.post, "/v1/invitations", order([1]))
      #expect(again.status == .ok && again.answer["invited"] == 0)
      let line = again.answer["invitations"]?.arrayValue?.first
      #expect(line?["outcome"] == "known" && line?["link"]?.stringValue == link)
      // Without a reference each order is one of its own, and the budget speaks of who was asked already.
      #expect(try await site.ask(.post, "/v1/invitations", order([3], [])).status == .created)
      let other = try await site.ask(.post, "/v1/invitations", order([3], []))
      let held = other.answer["invitations"]?.arrayValue?.first
      #expect(other.status == .ok && held?["outcome"] == "gap" && held?["link"] == .null && held?["held_until"] == "2026-12-29T09:00:00Z")
    }
  }

  @Test func whatCannotBeOrderedIsRefusedWithEveryFieldAtFault() async throws {
    try await with { site in
      let bad: JSONValue = [
        "actor": "Wang", "survey": "mood", "customers": ["c5", .integer(1)], "language": "fr", "channel": .text(String(repeating: "x", count: 61)),
        "item": .integer(1),
      ]
      let refused = try await site.ask(.post, "/v1/invitations", bad)
      let fields = refused.answer["errors"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? []
      #expect(refused.status == .unprocessable && fields == ["survey", "customers[0]", "customers[1]", "language", "item", "channel"], "\(fields)")
      let many = (1...InvitationsAPI.customersMax + 1).map { Int64($0) }
      let more = try await site.ask(.post, "/v1/invitations", order(many))
      #expect(more.answer["errors"]?.arrayValue?.first?["field"] == "customers")
      #expect(try await site.ask(.post, "/v1/invitations", order([])).status == .unprocessable)
      #expect(try await site.ask(.get, "/v1/invitations?state=lost").answer["errors"]?.arrayValue?.first?["field"] == "state")
      #expect(try await site.ask(.get, "/v1/invitations/\(Self.id(7))").status == .notFound)
      #expect(try await site.ask(.get, "/v1/invitations/x").status == .unprocessable)
    }
  }

  @Test func invitationsAreListedPageByPageAndByWhatTheyAre() async throws {
    try await with { site in
      _ = try await site.ask(.post, "/v1/invitations", order([1, 2, 3], [JSONMember("ticket_id", "T7"), JSONMember("language", "zh-CN")]))
      let first = try await site.ask(.get, "/v1/invitations?limit=2").answer
      let next = try #require(first["next"]?.stringValue)
      let rest = try await site.ask(.get, "/v1/invitations?limit=2&after=\(next)").answer
      let all = (first["invitations"]?.arrayValue ?? []) + (rest["invitations"]?.arrayValue ?? [])
      #expect(Set(all.compactMap { $0["invitation_id"]?.stringValue }).count == 3 && rest["next"] == .null)
      let own = try await site.ask(.get, "/v1/invitations?customer_id=\(Self.id(2))&state=sent&survey=nps-quarterly").answer["invitations"]?.arrayValue ?? []
      #expect(own.count == 1 && own.first?["tier"] == "key" && own.first?["ticket_id"] == "T7" && own.first?["language"] == "zh-CN")
      let id = try #require(own.first?["invitation_id"]?.stringValue)
      #expect(try await site.ask(.get, "/v1/invitations/\(id)").answer == own.first)
      #expect(try await site.ask(.get, "/v1/invitations?state=answered").answer["invitations"]?.arrayValue == [])
    }
  }

  @Test func whoWantsNoneIsNotedOnceAndMayComeBack() async throws {
    try await with { site in
      let path = "/v1/customers/\(Self.id(1))/opt-out"
      #expect(try await site.ask(.get, path).answer["is_opted_out"] == false)
      let noted = try await site.ask(.put, path, ["actor": "Li", "reason": "by phone"])
      #expect(noted.status == .ok && noted.answer["is_opted_out"] == true && noted.answer["actor"] == "Li" && noted.answer["reason"] == "by phone")
      // What was said first stays.
      #expect(try await site.ask(.put, path, ["actor": "Wang"]).answer["actor"] == "Li")
      let made = try await site.ask(.post, "/v1/invitations", order([1, 2]))
      #expect(made.answer["invitations"]?.arrayValue?.map { $0["outcome"] } == ["opted_out", "invited"])
      #expect(try await site.ask(.delete, path).answer["is_opted_out"] == false)
      #expect(try await site.ask(.post, "/v1/invitations", order([1])).answer["invited"] == 1)
      #expect(try await site.ask(.put, "/v1/customers/\(Self.id(9))/opt-out", ["actor": "Li"]).status == .notFound)
    }
  }
}
