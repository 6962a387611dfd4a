// The ways by which messages go, each with its connections and its rest when nobody takes anything.
import ConnectorCore
import ConnectorStore
import Contracts
import Documents
import Domain
import HTTP
import Handling
import Telemetry

/// The ways that are set up, each with its connections.
struct Ways: Sendable {
  /// How an attempt ended.
  struct Trial: Sendable {
    let result: AttemptResult
    let way: DeliveryOutcome.Way?
    var code = 0
    /// The address that was refused for good.
    var refused: CustomerID?
    /// Without a word of the other side's: it may name the address.
    var problem = ""
    /// What it says of the way: that somebody is there, unless told otherwise.
    var sign = WaySign.up
  }

  enum Attempt: Sendable {
    case made(Trial)
    /// There was none: nobody takes anything there just now.
    case resting(until: Instant)
  }

  private let settings: ConnectorSettings
  private let measures: ConnectorMeasures
  private let logger: Logger
  private let mail: MailTransport?
  private let client: HTTPClient?

  init(_ settings: ConnectorSettings, _ measures: ConnectorMeasures, _ logger: Logger) {
    self.settings = settings
    self.measures = measures
    self.logger = logger
    var limits = MailLimits()
    limits.connectionsMax = settings.senders
    mail = settings.mail.map { MailTransport($0.server, limits: limits) }
    var policy = HTTPClientSettings(policy: ConnectionPolicy(schemes: settings.webhook?.url.hasPrefix("http://") == true ? [.http] : [.https]))
    policy.limits.totalMillisecondsMax = Sender.webhookMillisecondsMax
    policy.limits.transfersMax = settings.senders
    policy.certificatesPath = settings.certificatesPath
    client = settings.webhook == nil ? nil : HTTPClient(settings: policy)
  }

  func close() async {
    mail?.close()
    await client?.close()
  }

  func attempt(_ delivery: Delivery, _ route: Route, _ zone: BusinessZone) async throws -> Attempt {
    let (link, stopLink) = (whole(delivery.request.link), whole(delivery.request.stopLink))
    if link.hasPrefix("/") { return .made(Trial(result: .noRoute(.noLink), way: nil)) }
    let wording = Wording(delivery.request, link: link, texts: settings.texts.content, zone: zone)
    switch route {
    case .none(let why): return .made(Trial(result: .noRoute(why), way: nil))
    case .email(let address): return try await go(.email) { await send(delivery, wording, stopLink.isEmpty ? .page(link) : .oneClick(stopLink), to: address) }
    case .webhook(let addresses): return try await go(.webhook) { try await call(delivery, wording, link, stopLink, addresses) }
    }
  }

  /// With its host, where that is known.
  private func whole(_ link: String) -> String { link.hasPrefix("/") ? settings.linkBase + link : link }

  /// Unless the way rests; what the attempt says of it is noted.
  private func go(_ way: DeliveryOutcome.Way, _ attempt: () async throws -> Trial) async throws -> Attempt {
    if let until = settings.rests.refusal(of: way, at: Sender.machineTime()) { return .resting(until: until) }
    do {
      let trial = try await attempt()
      note(trial.sign, of: way)
      return .made(trial)
    } catch {
      note(.unknown, of: way)
      throw error
    }
  }

  private func note(_ sign: WaySign, of way: DeliveryOutcome.Way) {
    let now = Sender.machineTime()
    switch settings.rests.note(sign, of: way, at: now) {
    case .none: return
    case .rests(let until):
      measures.noteRest(of: way, true)
      let seconds = (until.microseconds - now.microseconds) / 1_000_000
      logger.warning("nobody takes messages there: they wait", ["way": .string(way.rawValue), "seconds": .int(Int(seconds))])
    case .isBack:
      measures.noteRest(of: way, false)
      logger.info("messages are taken again", ["way": .string(way.rawValue)])
    }
  }

  private func send(_ delivery: Delivery, _ wording: Wording, _ stop: MailText.Unsubscribe, to address: KnownAddress) async -> Trial {
    guard let mail, let from = settings.mail?.from else { return Trial(result: .noRoute(.noWay), way: nil) }
    let message = MailText.message(wording, from: from, to: address.value, id: delivery.id, unsubscribe: stop, date: Sender.machineTime())
    do throws(MailFailure) {
      try await mail.send(MailEnvelope(from: from, to: address.value, message: message))
      return Trial(result: .accepted, way: .email)
    } catch {
      switch error.kind {
      case .refusedRecipient: return Trial(result: .refusedAddress, way: .email, code: error.code, refused: address.identity)
      // An address that no mail server could be told of is refused as well.
      case .invalidMail where !MailEnvelope.isAddress(address.value): return Trial(result: .refusedAddress, way: .email, refused: address.identity)
      case .refusedMessage, .invalidMail: return Trial(result: .refusedMessage, way: .email, code: error.code)
      default: return Trial(result: .later, way: .email, code: error.code, problem: error.kind.rawValue, sign: error.sign)
      }
    }
  }

  private func call(
    _ delivery: Delivery, _ wording: Wording, _ link: String, _ stopLink: String, _ addresses: [KnownAddress]
  ) async throws -> Trial {
    guard let client, let webhook = settings.webhook else { return Trial(result: .noRoute(.noWay), way: nil) }
    let body = WebhookMessage.body(delivery, wording, link: link, stopLink: stopLink, to: addresses)
    let (id, second) = (delivery.id.description, floorDivide(Sender.machineTime().microseconds, 1_000_000))
    let headers: HTTPHeaders = [
      "Content-Type": "application/json", WebhookSignature.idHeader: id, WebhookSignature.timeHeader: String(second),
      WebhookSignature.signatureHeader: try webhook.signature.sign(id: id, second: second, body: body),
    ]
    do throws(HTTPClientFailure) {
      let status = try await client.send(ClientRequest(.post, webhook.url, headers: headers, body: body)).status.rawValue
      let result = WebhookMessage.result(ofStatus: status)
      return Trial(result: result, way: .webhook, code: status, problem: "status \(status)", sign: result == .later ? .down : .up)
    } catch { return Trial(result: .later, way: .webhook, problem: "\(error.kind)", sign: Task.isCancelled ? .unknown : .down) }
  }
}

extension MailFailure {
  /// Code of a server that takes no mail at all for now.
  private static let unavailable = 421

  fileprivate var sign: WaySign {
    switch kind {
    case .unresolved, .unreachable, .timedOut, .disconnected, .insecure, .refusedSender: .down
    case .later: code == MailFailure.unavailable ? .down : .up
    case .refusedRecipient, .refusedMessage: .up
    case .invalidMail, .overloaded, .cancelled, .closed, .other: .unknown
    }
  }
}
