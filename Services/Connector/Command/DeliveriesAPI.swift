// Deliveries over HTTP, and what those who carry messages on tell of them (E-05).
import Access
import ConnectorCore
import ConnectorStore
import Contracts
import Documents
import Domain
import HTTP
import Handling
import Messaging
import Postgres
import Runtime
import Text

struct DeliveriesAPI: Sendable {
  let settings: ConnectorSettings
  let clock: any BusinessClock
  let pool: PostgresPool

  /// Rows of one answer.
  static let rowsMax = 200
  static let rowsUsual = 50
  static let attemptsMax = 100
  static let bodyBytesMax = 16 << 10

  func add(to router: inout Router) {
    let small = RouteLimits(bodyBytesMax: Instruction.bodyBytesMax)
    router.get("/v1/deliveries", needs: .invitationsRead) { try await list($0) }
    router.get("/v1/deliveries/{delivery_id}", needs: .invitationsRead) { try await show($0) }
    router.post("/v1/deliveries/{delivery_id}/retry", needs: .invitationsSend, limits: small) { try await retry($0) }
    router.get("/v1/ways", needs: .invitationsRead) { _ in try await ways() }
    // Whoever carries messages on has no token, and signs what they tell.
    router.post("/v1/outcomes", needs: .everybody, limits: RouteLimits(bodyBytesMax: DeliveriesAPI.bodyBytesMax)) { try await hear($0) }
  }

  // MARK: - Looking

  private func list(_ request: Request) async throws -> Response {
    var reader = QueryReader(request.query)
    let filter = DeliveryFilter(state: reader.choice("state", of: Delivery.State.self), customer: reader.customer("customer_id"))
    let limit = reader.number("limit", in: 1...DeliveriesAPI.rowsMax) ?? DeliveriesAPI.rowsUsual
    let place = reader.place("after").map { DeliveryPlace(askedAt: $0.at, id: DeliveryID(number: $0.number)) }
    try reader.finish()
    let found = try await pool.withSession { try DeliveryQueries.page(filter, after: place, limit: limit + 1, $0) }
    let page = found.prefix(limit)
    let next = found.count > limit ? page.last.map { ListPlace(at: $0.delivery.askedAt, number: $0.delivery.id.number).description } : nil
    return .json(
      JSONValue.object([JSONMember("deliveries", .array(page.map { DeliveryView.delivery($0) })), JSONMember("next", .textOrNull(next))]).encoded)
  }

  private static func id(_ request: Request) throws(Problem) -> DeliveryID {
    guard let id = DeliveryID(try request.parameter("delivery_id")) else {
      throw Problem.invalid([.init(field: "delivery_id", rule: "format", detail: "a delivery's id has 16 hexadecimal digits")])
    }
    return id
  }

  private func show(_ request: Request) async throws -> Response { try await show(try DeliveriesAPI.id(request)) }

  private func show(_ id: DeliveryID) async throws -> Response {
    let (record, attempts) = try await pool.withSession { session in
      (try DeliveryQueries.records([id], session).first, try DeliveryQueries.attempts(of: id, max: DeliveriesAPI.attemptsMax, session))
    }
    guard let record else { throw Problem(.notFound, title: "No such delivery", detail: "there is no delivery \(id)") }
    return .json(DeliveryView.delivery(record, attempts).encoded)
  }

  private func ways() async throws -> Response {
    let counts = try await pool.withSession { try DeliveryQueries.states($0) }
    let now = Sender.machineTime()
    let rests = DeliveryOutcome.Way.allCases.map { way in
      JSONMember(way.rawValue, .textOrNull(settings.rests.end(of: way, at: now).map { RFC3339.text($0.microseconds) }))
    }
    let states = Delivery.State.allCases.map { JSONMember($0.rawValue, .integer(counts[$0] ?? 0)) }
    return .json(
      JSONValue.object([
        JSONMember("email", .boolean(settings.ways.hasMail)), JSONMember("webhook", .boolean(settings.ways.hasWebhook)),
        JSONMember("texts", ["version": .integer(Int64(settings.texts.content.version)), "source": .text(settings.texts.source)]),
        JSONMember("deliveries", .object(states)), JSONMember("resting_until", .object(rests)),
      ]).encoded)
  }

  // MARK: - Once more

  private func retry(_ request: Request) async throws -> Response {
    let id = try DeliveriesAPI.id(request)
    _ = try Instruction(request, needsReason: false)
    let now = clock.now()
    guard try await !pool.withSession({ try DeliveryQueries.records([id], $0) }).isEmpty else {
      throw Problem(.notFound, title: "No such delivery", detail: "there is no delivery \(id)")
    }
    do { try await pool.transaction { try DeliveryQueries.retry(id, at: now, $0) } } catch is DeliveryQueries.NothingToRetry {
      throw Problem(.conflict, title: "Nothing to try", detail: "only a bounced or undeliverable one is tried anew, and only while its link works")
    }
    return try await show(id)
  }

  // MARK: - What comes back

  private static let results: [DeliveryOutcome.Result] = [.delivered, .opened, .bounced]
  static let reasonMax = 64

  private func hear(_ request: Request) async throws -> Response {
    try check(request)
    guard let body = try? JSONValue(request.body), let members = body.members else { throw Problem(.badRequest, detail: "the body must be a JSON object") }
    var faults: [Problem.FieldFault] = []
    func refuse(_ field: String, _ rule: String, _ detail: String) { faults.append(.init(field: field, rule: rule, detail: detail)) }
    let id = body["delivery_id"]?.stringValue.flatMap { DeliveryID($0) }
    if id == nil { refuse("delivery_id", "format", "delivery_id is what the call said: 16 hexadecimal digits") }
    let result = body["result"]?.stringValue.flatMap { word in DeliveriesAPI.results.first { $0.rawValue == word } }
    if result == nil { refuse("result", "enum", "result is one of \(DeliveriesAPI.results.map(\.rawValue).joined(separator: ", "))") }
    let reason = body["reason"] == nil ? "" : body["reason"]?.stringValue
    let isWord = reason.map { $0.utf8.count <= DeliveriesAPI.reasonMax && $0.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == 0x5F } } ?? false
    if !isWord { refuse("reason", "format", "reason is a word of at most \(DeliveriesAPI.reasonMax) small letters and underscores") }
    for member in members where !["delivery_id", "result", "reason"].contains(member.key) {
      refuse(String(member.key.prefix(DeliveriesAPI.reasonMax)), "unknown", "there is no such member here")
    }
    guard faults.isEmpty, let id, let result, let reason else { throw Problem.invalid(faults) }
    let now = clock.now()
    let isNew = try await pool.transaction { session in
      guard try !DeliveryQueries.records([id], session).isEmpty else {
        throw Problem(.notFound, title: "No such delivery", detail: "there is no delivery \(id)")
      }
      return try DeliveryQueries.hear(result, of: id, reason: result == .bounced ? reason : "", at: now, session)
    }
    if isNew { settings.lane.ring() }
    return .json(JSONValue.object([JSONMember("delivery_id", .text(id.description)), JSONMember("is_new", .boolean(isNew))]).encoded)
  }

  private func check(_ request: Request) throws {
    guard let id = request.headers[WebhookSignature.idHeader], let second = request.headers[WebhookSignature.timeHeader].flatMap({ Int64($0) }),
      let signatures = request.headers[WebhookSignature.signatureHeader], id.utf8.count <= DeliveriesAPI.bodyBytesMax
    else {
      let headers = "\(WebhookSignature.idHeader), \(WebhookSignature.timeHeader) and \(WebhookSignature.signatureHeader)"
      throw Problem(.badRequest, title: "Not signed", detail: "sign the call as Standard Webhooks has it: \(headers)")
    }
    guard let signature = settings.webhook?.signature else {
      throw Problem(.notFound, title: "No webhook", detail: "nothing is sent by a webhook here, so nothing can come back")
    }
    switch try signature.check(signatures, id: id, second: second, body: request.body, now: Sender.machineTime()) {
    case .genuine: return
    case .forged: throw Problem(.unauthorized, title: "Not signed", detail: "the signature is not of this body with the key of the webhook")
    case .tooOld:
      throw Problem(
        .unauthorized, title: "Not signed now", detail: "the signature is more than \(WebhookSignature.skewSecondsMax) seconds from now: compare the clocks")
    }
  }
}

enum DeliveryView {
  static func delivery(_ record: DeliveryRecord, _ attempts: [AttemptRecord]? = nil) -> JSONValue {
    func moment(_ instant: Instant?) -> JSONValue { .textOrNull(instant.map { RFC3339.text($0.microseconds) }) }
    let (delivery, request) = (record.delivery, record.delivery.request)
    let isWaiting = delivery.state == .waiting
    var members = [
      JSONMember("delivery_id", .text(delivery.id.description)), JSONMember("state", .text(delivery.state.rawValue)),
      JSONMember("kind", .text(request.kind.rawValue)), JSONMember("invitation_id", .text(request.invitation.description)),
      JSONMember("customer_id", .text(delivery.customer.description)), JSONMember("survey", .text(request.survey)),
      JSONMember("survey_version", .integer(request.surveyVersion)), JSONMember("purpose", .text(request.purpose.rawValue)),
      JSONMember("channel", .textOrNull(request.channel.isEmpty ? nil : request.channel)), JSONMember("language", .textOrNull(request.language?.rawValue)),
      JSONMember("asked_at", moment(delivery.askedAt)), JSONMember("expires_at", moment(request.expiresAt)),
      JSONMember("way", .textOrNull(record.way?.rawValue)), JSONMember("reason", .textOrNull(record.reason.isEmpty ? nil : record.reason)),
      JSONMember("attempts", .integer(Int64(delivery.attempts))), JSONMember("next_attempt_at", moment(isWaiting ? delivery.dueAt : nil)),
      JSONMember("finished_at", moment(record.finishedAt)), JSONMember("delivered_at", moment(record.deliveredAt)),
      JSONMember("opened_at", moment(record.openedAt)),
    ]
    if let attempts {
      members.append(
        JSONMember(
          "history",
          .array(
            attempts.map { attempt in
              [
                "number": .integer(Int64(attempt.number)), "at": moment(attempt.at), "way": .textOrNull(attempt.way?.rawValue),
                "result": .textOrNull(attempt.result), "code": attempt.code == 0 ? .null : .integer(Int64(attempt.code)),
              ]
            })))
    }
    return .object(members)
  }
}
