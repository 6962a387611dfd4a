// Invitations and opt-outs over HTTP (F-02, F-03).
import Access
import Contracts
import Documents
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Runtime
import Text

struct InvitationsAPI: Sendable {
  let settings: FeedbackSettings
  let clock: any BusinessClock
  let pool: PostgresPool
  let measures: FeedbackMeasures
  /// What makes two orders without a reference of their own two invitations.
  var draw: @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) }

  /// Customers of one order.
  static let customersMax = 1_000
  static let bodyBytesMax = 64 << 10
  static let referenceMax = 100
  static let channelMax = 60
  static let subjectMax = 90

  func add(to router: inout Router) {
    let limits = RouteLimits(bodyBytesMax: InvitationsAPI.bodyBytesMax)
    router.post("/v1/invitations", needs: .invitationsSend, limits: limits) { try await invite($0) }
    router.get("/v1/invitations", needs: .invitationsRead) { try await list($0) }
    router.get("/v1/invitations/{invitation_id}", needs: .invitationsRead) { try await show($0) }
    router.get("/v1/customers/{customer_id}/opt-out", needs: .consentsRead) { request in try await optOut(of: try request.customerID("customer_id")) }
    router.put("/v1/customers/{customer_id}/opt-out", needs: .consentsChange, limits: RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)) {
      try await optOut($0)
    }
    router.delete("/v1/customers/{customer_id}/opt-out", needs: .consentsChange) { try await optIn($0) }
  }

  // MARK: - Inviting

  private static let members: Set<String> = ["survey", "customers", "reference", "channel", "language", "ticket_id", "order_id", "item"]

  private func invite(_ request: Request) async throws -> Response {
    let instruction = try Instruction(request, members: InvitationsAPI.members, needsReason: false)
    let order = try order(instruction)
    let (now, budget) = (clock.now(), settings.asking.content.budget)
    let outcomes = try await pool.transaction { session in
      var store = PostgresFeedbackStore(session)
      return try InvitationDesk.invite(order, &store, budget: budget, at: now)
    }
    let invited = outcomes.count { if case .invited = $0 { true } else { false } }
    measures.noteInvited(invited)
    let listed = try zip(order.customers, outcomes).map { customer, outcome in try view(outcome, customer, at: now) }
    return .json(
      JSONValue.object([
        JSONMember("survey", .text(order.survey.reference.name)), JSONMember("version", .integer(Int64(order.survey.reference.version))),
        JSONMember("invited", .integer(Int64(invited))), JSONMember("invitations", .array(listed)),
      ]).encoded, status: invited > 0 ? .created : .ok)
  }

  private func order(_ instruction: Instruction) throws(Problem) -> InvitationOrder {
    var faults: [Problem.FieldFault] = []
    let body = instruction.body
    func refuse(_ field: String, _ rule: String, _ detail: String) { faults.append(.init(field: field, rule: rule, detail: detail)) }
    func text(_ field: String, max: Int) -> String {
      guard let given = body[field] else { return "" }
      guard let text = given.stringValue, text.unicodeScalars.count <= max, !text.contains("\0") else {
        refuse(field, "format", "\(field) is a text of at most \(max) characters, without NUL")
        return ""
      }
      return text
    }
    let survey = body["survey"]?.stringValue.flatMap { settings.surveys.value.current(named: $0) }
    if survey == nil { refuse("survey", "unknown", "survey is the name of one that there is; GET /v1/surveys lists them") }
    let given = body["customers"]?.arrayValue ?? []
    if !(1...InvitationsAPI.customersMax).contains(given.count) {
      refuse("customers", "range", "customers is a list of 1 to \(InvitationsAPI.customersMax) customer ids")
    }
    let customers = given.prefix(InvitationsAPI.customersMax).enumerated().compactMap { place, value -> CustomerID? in
      let id = value.stringValue.flatMap { CustomerID($0) }
      if id == nil { refuse("customers[\(place)]", "format", "a customer id has 16 hexadecimal digits") }
      return id
    }
    let language = body["language"]?.stringValue.flatMap { Language(rawValue: $0) }
    if body["language"] != nil, language == nil {
      refuse("language", "enum", "language is one of \(Language.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let reference = text("reference", max: InvitationsAPI.referenceMax)
    let (ticket, order) = (text("ticket_id", max: InvitationsAPI.subjectMax), text("order_id", max: InvitationsAPI.subjectMax))
    let subject = InvitationSubject(
      ticketID: ticket.isEmpty ? nil : ticket, orderID: order.isEmpty ? nil : order, item: text("item", max: InvitationsAPI.subjectMax))
    let channel = text("channel", max: InvitationsAPI.channelMax)
    guard faults.isEmpty, let survey else { throw Problem.invalid(faults) }
    let cause = InvitationCause(.hand, reason: instruction.reason, reference: reference.isEmpty ? "draw \(String(draw(), radix: 16))" : "given \(reference)")
    return InvitationOrder(survey, to: customers, because: cause, about: subject, channel: channel, in: language, by: instruction.actor, isSent: true)
  }

  private func view(_ outcome: InvitationOutcome, _ customer: CustomerID, at now: Instant) throws -> JSONValue {
    var until: Instant?
    if case .held(_, let moment) = outcome { until = moment }
    let (word, invitation, detail): (String, Invitation?, String?) =
      switch outcome {
      case .invited(let invitation): ("invited", invitation, nil)
      case .known(let invitation): ("known", invitation, nil)
      case .refused(let refusal): (refusal.rawValue, nil, refusal.detail)
      case .held(let reason, _): (reason.rawValue, nil, reason.name.en)
      }
    return [
      "customer_id": .text(customer.description), "outcome": .text(word), "detail": .textOrNull(detail),
      "invitation_id": .textOrNull(invitation?.id.description), "state": .textOrNull(invitation?.state(at: now).rawValue),
      "link": .textOrNull(try invitation.map { try settings.pages.link(to: $0.id) }),
      "expires_at": .textOrNull(invitation.map { RFC3339.text($0.expiresAt.microseconds) }),
      "held_until": .textOrNull(until.map { RFC3339.text($0.microseconds) }),
    ]
  }

  // MARK: - Looking

  private func list(_ request: Request) async throws -> Response {
    let now = clock.now()
    var reader = QueryReader(request.query)
    let filter = InvitationFilter(
      customer: reader.customer("customer_id"), survey: reader.text("survey", max: FeedbackAPI.surveyMax),
      state: reader.choice("state", of: Invitation.State.self))
    let limit = reader.number("limit", in: 1...FeedbackAPI.rowsMax) ?? FeedbackAPI.rowsUsual
    let after = reader.place("after").map { InvitationPlace(createdAt: $0.at, id: InvitationID(number: $0.number)) }
    try reader.finish()
    let found = try await pool.withSession { try InvitationQueries.page(filter, at: now, after: after, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.map { ListPlace(at: $0.createdAt, number: $0.id.number).description } : nil
    return .json(
      JSONValue.object([
        JSONMember("invitations", .array(page.map { InvitationView.invitation($0, at: now) })), JSONMember("next", .textOrNull(next)),
      ]).encoded)
  }

  private func show(_ request: Request) async throws -> Response {
    guard let id = InvitationID(try request.parameter("invitation_id")) else {
      throw Problem.invalid([.init(field: "invitation_id", rule: "format", detail: "an invitation's id has 16 hexadecimal digits")])
    }
    guard let found = try await pool.withSession({ try InvitationQueries.invitation(id, $0) }) else {
      throw Problem(.notFound, title: "No such invitation", detail: "there is no invitation \(id)")
    }
    return .json(InvitationView.invitation(found, at: clock.now()).encoded)
  }

  // MARK: - Who wants none

  private func optOut(of customer: CustomerID) async throws -> Response {
    let found = try await pool.withSession { session in
      let owner = try InvitationQueries.owner(of: customer, session)
      return (owner, try InvitationQueries.optOut(of: owner, session))
    }
    let (owner, optOut) = found
    return .json(
      JSONValue.object([
        JSONMember("customer_id", .text(owner.description)), JSONMember("is_opted_out", .boolean(optOut != nil)),
        JSONMember("since", .textOrNull(optOut.map { RFC3339.text($0.since.microseconds) })), JSONMember("actor", .textOrNull(optOut?.actor)),
        JSONMember("reason", .textOrNull(optOut.flatMap { $0.reason.isEmpty ? nil : $0.reason })),
      ]).encoded)
  }

  private func optOut(_ request: Request) async throws -> Response {
    let customer = try request.customerID("customer_id")
    let order = try Instruction(request, needsReason: false)
    let now = clock.now()
    try await pool.transaction { session in
      guard try InvitationDesk.optOut(customer, by: order.actor, because: order.reason, PostgresFeedbackStore(session), at: now) else {
        throw Problem(.notFound, title: "No such customer", detail: "nothing was ever heard of a customer \(customer)")
      }
    }
    return try await optOut(of: customer)
  }

  private func optIn(_ request: Request) async throws -> Response {
    let customer = try request.customerID("customer_id")
    _ = try await pool.transaction { session in try InvitationQueries.optIn(try InvitationQueries.owner(of: customer, session), session) }
    return try await optOut(of: customer)
  }
}

extension InvitationRefusal {
  fileprivate var detail: String {
    switch self {
    case .unknown: "nothing was ever heard of such a customer"
    case .optedOut: "the customer wants no surveys"
    case .twice: "another id of this order is the same customer"
    }
  }
}

enum InvitationView {
  static func invitation(_ invitation: Invitation, at now: Instant) -> JSONValue {
    func moment(_ instant: Instant?) -> JSONValue { .textOrNull(instant.map { RFC3339.text($0.microseconds) }) }
    func textOrNull(_ text: String) -> JSONValue { text.isEmpty ? .null : .text(text) }
    return [
      "invitation_id": .text(invitation.id.description), "state": .text(invitation.state(at: now).rawValue),
      "customer_id": .text(invitation.customer.description), "tier": .textOrNull(invitation.tier?.text), "survey": .text(invitation.survey.name),
      "survey_version": .integer(Int64(invitation.survey.version)), "metric": .text(invitation.metric.rawValue),
      "cause": .text(invitation.cause.kind.rawValue), "reason": textOrNull(invitation.cause.reason), "actor": .text(invitation.actor),
      "channel": textOrNull(invitation.channel), "language": .textOrNull(invitation.language?.rawValue),
      "ticket_id": .textOrNull(invitation.subject.ticketID), "order_id": .textOrNull(invitation.subject.orderID),
      "item": textOrNull(invitation.subject.item), "created_at": moment(invitation.createdAt), "sent_at": moment(invitation.sentAt),
      "expires_at": moment(invitation.expiresAt), "opened_at": moment(invitation.openedAt),
      "score": invitation.draft.score.map { .integer($0) } ?? .null, "answered_at": moment(invitation.answeredAt),
      "purpose": .text(invitation.purpose.rawValue), "planned_at": moment(invitation.plan?.at), "not_after": moment(invitation.plan?.notAfter),
      "holds": .integer(Int64(invitation.holds)), "held": .textOrNull(invitation.held?.rawValue), "dropped": .textOrNull(invitation.dropped?.rawValue),
      "dropped_at": moment(invitation.droppedAt), "reminded_at": moment(invitation.remindedAt),
      "delivery": .textOrNull(invitation.delivery?.result.rawValue), "delivery_at": moment(invitation.delivery?.at),
      "delivery_reason": textOrNull(invitation.delivery?.reason ?? ""), "withdrawn_at": moment(invitation.withdrawnAt),
    ]
  }
}
