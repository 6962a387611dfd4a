// A ticket with everything that its page tells, asked from the services at once.
import Access
import Domain
import HTML
import HTTP
import Text

struct TicketLook: Sendable {
  let ticket: JSONValue
  /// What a change names, so that nobody overwrites what another did meanwhile.
  let tag: String
  let history: Section
  let explanation: Section
  let desk: Section
  /// Other tickets of the same customer.
  let others: Section
  // nil: whoever looks may not.
  let suggestions: Section?
  let staff: Section?
  let grants: Section?
  let allowance: Section?
  let attendant: Section?
  let tier: Section?
  let profile: Section?
  let nps: Section?

  /// Lines of the history that are asked for at once.
  static let historyRows = 200
  private static let othersMax = 20
  private static let suggestionsMax = 3

  static func read(_ id: String, _ visit: Visit) async throws -> TicketLook {
    let (api, path) = (visit.api, "/v1/tickets/\(id)")
    let found = try await api.call(.tickets, .get, path)
    let customer = found.json["customer_id"]?.stringValue ?? ""
    let (ofTickets, ofCustomer) = ("/v1/tickets/\(id)", "/v1/customers/\(customer)")
    func number(_ value: Int) -> String? { String(value) }
    let line = visit.request.query["line"]
    async let history = api.section(.tickets, "\(ofTickets)/history", [(name: "limit", value: number(historyRows)), (name: "after", value: line)])
    async let explanation = api.section(.tickets, "\(ofTickets)/explanation")
    async let desk = api.section(.tickets, "/v1/desk")
    async let others = api.section(.tickets, "/v1/tickets", [(name: "customer_id", value: customer), (name: "limit", value: number(othersMax))])
    async let suggestions = api.section(.tickets, "\(ofTickets)/suggestions", [(name: "limit", value: number(suggestionsMax))])
    async let staff = visit.may(.staffRead) ? api.section(.tickets, "/v1/staff") : nil
    async let grants = visit.may(.grantsRead) ? api.section(.tickets, "/v1/grants", [(name: "ticket_id", value: id)]) : nil
    async let allowance = visit.may(.grantsAsk) ? api.section(.tickets, "\(ofCustomer)/allowance") : nil
    async let attendant = visit.may(.staffRead) ? api.section(.tickets, "\(ofCustomer)/attendant") : nil
    async let tier = visit.may(.tiersRead) ? api.section(.tiering, "/v1/tiers/\(customer)") : nil
    async let profile = visit.may(.customersRead) ? api.section(.profile, ofCustomer) : nil
    async let nps = visit.may(.answersRead)
      ? api.section(.feedback, "/v1/answers", [(name: "customer_id", value: customer), (name: "metric", value: "nps"), (name: "limit", value: "1")]) : nil
    return await TicketLook(
      ticket: found.json, tag: found.tag ?? "", history: history, explanation: explanation, desk: desk, others: others, suggestions: suggestions,
      staff: staff, grants: grants, allowance: allowance, attendant: attendant, tier: tier, profile: profile, nps: nps)
  }

  var id: String { ticket["ticket_id"]?.stringValue ?? "" }
  var customer: String { ticket["customer_id"]?.stringValue ?? "" }
  var events: [JSONValue] { history.json?["events"]?.arrayValue ?? [] }
  var steps: [TicketStep] { (ticket["steps"]?.arrayValue ?? []).compactMap { $0.stringValue.flatMap(TicketStep.init(rawValue:)) } }
  var isMerged: Bool { ticket["merged_into"]?.stringValue != nil }

  /// Tickets that this one was linked or merged with, as its history tells them, each once.
  var relatives: [(id: String, isMerged: Bool)] {
    var (found, seen): ([(id: String, isMerged: Bool)], Set<String>) = ([], [id])
    for event in events where event["kind"] == "linked" || event["kind"] == "merged" {
      guard let other = (event["text"]?.stringValue ?? "").split(separator: " ").compactMap({ TicketID(String($0))?.description }).last else { continue }
      if seen.insert(other).inserted { found.append((id: other, isMerged: event["kind"] == "merged")) }
    }
    return found
  }
}
