// The messages whose bytes are pinned, one file each in Golden. A file is never changed: what was published once must stay readable (P-11).
import Contracts
import Domain
import Testing
import Text

/// One pinned message, its type forgotten.
struct Golden: Sendable, CustomTestStringConvertible {
  let file: String
  /// Whether an older version wrote these bytes, and today's writes others.
  let isOnlyRead: Bool
  let written: @Sendable () -> (bytes: [UInt8], misuses: Int)
  /// Whether these bytes are read as exactly this message.
  let isReadFrom: @Sendable ([UInt8]) throws(JSONFault) -> Bool
  let refusal: @Sendable ([UInt8]) -> JSONFault?
  let keys: Keys

  init<Value: Message>(_ file: String, _ value: Value, _ keys: Keys, isOnlyRead: Bool = false) {
    self.file = file
    self.isOnlyRead = isOnlyRead
    self.keys = keys
    written = { value.written() }
    isReadFrom = { (bytes) throws(JSONFault) in try Value.read(bytes) == value }
    refusal = { Value.refusal($0) }
  }

  /// The members of a message by what becomes of a reader that does not find them.
  struct Keys: Sendable {
    /// Refused by name. `identifiers.kind` is a member of an item of `identifiers`.
    let required: Set<String>
    /// Read without, as if it were empty.
    let optional: Set<String>
    /// For people and other readers; ours works them out itself.
    let unread: Set<String>
    /// Names that are data, not fields.
    var free: Set<String> = []
    /// Members that are missed under the name of another: a refund needs one of two.
    var missedAs: [String: String] = [:]
  }

  var testDescription: String { file }
  var path: String { "Tests/ContractsTests/Golden/\(file).json" }
  /// The pinned bytes. The line end that closes the file is not part of them.
  var bytes: [UInt8] {
    get throws {
      var bytes = try Checkout.bytes(path)
      if bytes.last == 0x0A { bytes.removeLast() }
      return bytes
    }
  }
  /// The schema of the message's type.
  var schema: String {
    let type = file.split(separator: "-").first.map(String.init) ?? ""
    let names = [
      "customer": "ingest-customer", "contact": "ingest-contact", "behaviour": "ingest-behaviour", "answer": "ingest-answer", "profile": "profile",
      "merge": "merge", "tier": "tier", "source": "source-message", "resolved": "customer-contact", "move": "move",
      "ticket": "ticket", "alert": "ticket-alert", "verdict": "customer-answer", "survey": "survey-send",
      "address": "address", "outcome": "outcome", "withdrawal": "survey-withdrawal",
    ]
    let name = names[type] ?? "ingest-order"
    return "deploy/schemas/\(name).schema.json"
  }
}

extension Golden.Keys {
  private static let orderOptional: Set = [
    "revision", "reference", "paid_at", "channel", "lines", "lines.name", "lines.category", "identifiers.strong",
  ]
  private static let orderRequired: Set = [
    "type", "source", "event_id", "order_id", "occurred_at", "currency", "amount", "base_amount", "identifiers", "identifiers.kind",
    "identifiers.value", "lines.sku", "lines.quantity", "lines.amount",
  ]
  static let order = Golden.Keys(required: orderRequired, optional: orderOptional, unread: [])
  static let refund = Golden.Keys(required: orderRequired, optional: orderOptional, unread: [])
  static let creditNote = Golden.Keys(
    required: orderRequired.union(["reference"]), optional: orderOptional.subtracting(["reference"]), unread: [],
    missedAs: ["reference": "order_id"])
  static let customer = Golden.Keys(
    required: ["source", "event_id", "occurred_at", "identifiers", "identifiers.kind", "identifiers.value"],
    optional: [
      "identifiers.strong", "attributes", "attributes.name", "attributes.gender", "attributes.birthday", "attributes.region", "attributes.industry",
    ], unread: [])
  private static let head: Set = ["source", "event_id", "occurred_at", "identifiers", "identifiers.kind", "identifiers.value"]
  static let contact = Golden.Keys(
    required: head.union(["direction", "attachments.reference"]),
    optional: [
      "identifiers.strong", "channel", "kind", "category", "urgency", "text", "reference", "order_id", "attachments", "attachments.name",
    ], unread: [])
  static let behaviour = Golden.Keys(
    required: head.union(["name", "count"]),
    optional: ["identifiers.strong", "duration_seconds", "channel", "item", "category", "value", "text"], unread: [])
  static let answer = Golden.Keys(
    required: head.union(["survey", "metric", "score", "follow_ups.question", "follow_ups.answer"]),
    optional: ["identifiers.strong", "survey_version", "comment", "channel", "ticket_id", "order_id", "item", "follow_ups"], unread: [])
  static let profile = Golden.Keys(
    required: [
      "customer_id", "version", "as_of", "first_seen_at", "lifecycle", "currency", "days", "older.paid_orders", "older.orders", "older.spend",
    ],
    optional: ["merged_into", "member_id", "industry", "tags", "last_interaction_day", "older", "older.first_day", "older.last_day"],
    unread: ["recency_days", "frequency", "monetary", "repeat_orders"])
  static let merge = Golden.Keys(required: ["survivor", "absorbed", "at", "evidence"], optional: [], unread: [])
  static let customerContact = Golden.Keys(
    required: ["source", "event_id", "occurred_at", "direction", "attachments.reference", "customer_id", "identity", "version"],
    optional: ["channel", "kind", "category", "urgency", "text", "reference", "order_id", "attachments", "attachments.name"], unread: [])
  static let customerAnswer = Golden.Keys(
    required: [
      "source", "event_id", "occurred_at", "survey", "metric", "score", "follow_ups.question", "follow_ups.answer", "customer_id", "identity", "version",
    ], optional: ["survey_version", "comment", "channel", "ticket_id", "order_id", "item", "follow_ups"], unread: [])
  static let move = Golden.Keys(required: ["identity", "customer_id", "version", "at"], optional: [], unread: [])
  static let address = Golden.Keys(
    required: ["identity", "customer_id", "version", "kind", "value", "first_seen_at"], optional: ["verified", "shared"], unread: [])
  static let outcome = Golden.Keys(
    required: ["delivery_id", "result", "kind", "invitation_id", "customer_id", "at"], optional: ["way", "reason"], unread: [])
  static let withdrawal = Golden.Keys(required: ["invitation_id", "customer_id", "reason", "at"], optional: [], unread: [])
  static let tier = Golden.Keys(
    required: [
      "customer_id", "version", "tier", "score", "scorecard", "scorecard_version", "policy", "as_of", "rated_at", "notice.day", "notice.tier", "notice.en",
      "notice.zh",
    ],
    optional: ["merged_into", "member_id", "tier_before", "proposed_tier", "notice"], unread: [])
  static let ticket = Golden.Keys(
    required: [
      "ticket_id", "version", "customer_id", "state", "priority", "opened_at", "replies", "times_reopened", "clocks", "clocks.clock", "clocks.started_at",
      "clocks.outcome",
    ],
    optional: [
      "kind", "category", "urgency", "tier", "channel", "order_id", "owner", "clocks.deadline", "clocks.done_at", "resolution_code", "root_cause",
      "complaint_upheld", "resolved_at", "closed_at", "merged_into",
    ], unread: [])
  static let send = Golden.Keys(
    required: [
      "kind", "invitation_id", "customer_id", "survey", "survey_version", "metric", "purpose", "title_en", "title_zh", "link", "expires_at",
    ], optional: ["channel", "language", "stop_link"], unread: [])
  static let alert = Golden.Keys(
    required: ["ticket_id", "customer_id", "clock", "percent", "role", "at", "priority"], optional: ["tier", "owner", "on_call"], unread: [])
  static let source = Golden.Keys(
    required: ["records", "records.values"], optional: ["records.line", "records.fault", "piece"], unread: [],
    free: ["records.values.InvoiceNo", "records.values.Quantity", "records.values.Description", "records.values.(raw)"])
}

/// 2026-07-01T00:00:00Z and seconds after it.
private func july(_ seconds: Int64 = 0) -> Instant { Instant(seconds: 1_782_864_000 + seconds) }
private func yuan(_ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: .cny) }
private func foreign(_ code: String, _ minorUnits: Int64) -> Money { Money(minorUnits: minorUnits, currency: Currency(code) ?? .cny) }
private func day(_ text: String) -> Day { Day(text) ?? Day(number: 0) }
private let survivor = CustomerID(number: 0xC5)
private let absorbed = CustomerID(number: 1)

extension Golden {
  static let all = orders + returns + persons + contacts + resolved + behaviours + answers + snapshots + tiers + tickets + files

  private static let orders = [
    Golden(
      "order-v1",
      OrderEvent(
        kind: .order, source: "shop", eventID: "e-1001", orderID: "A-1001", revision: 2, occurredAt: july(-28_500),
        paidAt: Instant(microseconds: july(-28_493).microseconds + 250_000), money: foreign("USD", 2_599), baseMinorUnits: 18_505,
        channel: "mini_program",
        identifiers: [
          Identifier(kind: .memberID, value: "M-7"), Identifier(kind: .phone, value: "+8613912345678", isVerified: true),
          Identifier(kind: .deviceID, value: "d-19"),
        ],
        lines: [
          OrderLine(sku: "TEA-1", name: "龙井 \"明前\" 250 g", quantity: "2", minorUnits: 1_998, category: "tea"),
          OrderLine(sku: "CUP-4", quantity: "1.5", minorUnits: 601),
        ]), .order),
    Golden(
      "order-v1-unpaid",
      OrderEvent(
        kind: .order, source: "pos", eventID: "order/7/1", orderID: "7", occurredAt: Instant(seconds: 852_091_200), money: yuan(0),
        baseMinorUnits: 0, identifiers: [Identifier(kind: .external, value: "pos:00042")]), .order),
    Golden(
      "payment-v1",
      OrderEvent(
        kind: .payment, source: "shop", eventID: "p-1", orderID: "A-1001", reference: "PAY-1",
        occurredAt: Instant(microseconds: july().microseconds + 1), money: yuan(18_505), baseMinorUnits: 18_505,
        identifiers: [Identifier(kind: .memberID, value: "M-7")]), .order),
  ]

  private static let returns = [
    Golden(
      "refund-v1",
      OrderEvent(
        kind: .refund, source: "shop", eventID: "r-1", orderID: "A-1001", reference: "REF-1", occurredAt: july(86_400 + 34_200), money: yuan(500),
        baseMinorUnits: 500, channel: "hotline", identifiers: [Identifier(kind: .email, value: "an@example.com", isVerified: false)],
        lines: [OrderLine(sku: "", name: "postage", minorUnits: 500)]), .refund),
    Golden(
      "refund-v1-credit-note",
      OrderEvent(
        kind: .refund, source: "shop", eventID: "r-2", orderID: nil, reference: "CN-9", occurredAt: july(2 * 86_400), money: foreign("JPY", 1_200),
        baseMinorUnits: 5_700, identifiers: [Identifier(kind: .nationalIDHash, value: "5f2c"), Identifier(kind: .unionID, value: "u-1")]),
      .creditNote),
    Golden(
      "cancellation-v1",
      OrderEvent(
        kind: .cancellation, source: "shop", eventID: "c-1", orderID: "A-1002", occurredAt: july(3 * 86_400 + 43_200), money: yuan(0),
        baseMinorUnits: 0, identifiers: [Identifier(kind: .openID, value: "o-1"), Identifier(kind: .posCard, value: "88")]), .order),
  ]

  private static let persons = [
    Golden(
      "customer-v1",
      CustomerEvent(
        source: "crm", eventID: "k-1", occurredAt: Instant(seconds: 1_780_279_384),
        identifiers: [Identifier(kind: .memberID, value: "M-7"), Identifier(kind: .phone, value: "+8613912345678", isVerified: false)],
        attributes: [.name: "安娜", .gender: "female", .birthday: "1990-05-17", .region: "Zhejiang", .industry: "retail"]), .customer),
    Golden(
      "merge-v1",
      MergeMessage(survivor: survivor, absorbed: absorbed, evidence: "e-1001", at: Instant(microseconds: july(28_800).microseconds + 500_000)), .merge),
  ]

  private static let contacts = [
    Golden(
      "contact-v1",
      ContactEvent(
        source: "desk", eventID: "c-1", occurredAt: july(5), channel: "wechat", kind: .complaint, category: "物流", urgency: .blocked,
        text: "Parcel is late.\nPlease \"help\"", reference: "call-77", orderID: "A-1001",
        attachments: [.init(reference: "oss://desk/77/1.jpg", name: "parcel.jpg"), .init(reference: "rec-9")],
        identifiers: [Identifier(kind: .phone, value: "+8613912345678", isVerified: true), Identifier(kind: .openID, value: "o-1")]), .contact),
    Golden(
      "contact-v1-bare",
      ContactEvent(
        source: "desk", eventID: "c-2", occurredAt: july(86_400), direction: .outbound, identifiers: [Identifier(kind: .memberID, value: "M-7")]), .contact),
  ]

  private static let resolved = [
    Golden(
      "resolved-v1",
      CustomerContact(
        customer: survivor, identity: absorbed, version: 4,
        contact: ContactEvent(
          source: "desk", eventID: "c-1", occurredAt: july(5), channel: "wechat", kind: .complaint, category: "物流", urgency: .blocked,
          text: "Parcel is late.\nPlease \"help\"", reference: "call-77", orderID: "A-1001",
          attachments: [.init(reference: "oss://desk/77/1.jpg", name: "parcel.jpg"), .init(reference: "rec-9")],
          identifiers: [Identifier(kind: .phone, value: "+8613912345678", isVerified: true)])), .customerContact),
    Golden(
      "resolved-v1-bare",
      CustomerContact(
        customer: survivor, identity: survivor, version: 1,
        contact: ContactEvent(source: "desk", eventID: "c-2", occurredAt: july(86_400), direction: .outbound, identifiers: [])), .customerContact),
    Golden(
      "verdict-v1",
      CustomerAnswer(
        customer: survivor, identity: absorbed, version: 4,
        answer: AnswerEvent(
          source: "polls", eventID: "a-1", occurredAt: july(8), survey: "nps-2026", surveyVersion: 2, metric: .nps, score: 9, comment: "再来\n一次",
          channel: "email", ticketID: "T-5", orderID: "A-1001", item: "TEA-1", followUps: [.init(question: "why", answer: "fast")],
          identifiers: [Identifier(kind: .email, value: "an@example.com", isVerified: true)])), .customerAnswer),
    Golden(
      "verdict-v1-score",
      CustomerAnswer(
        customer: survivor, identity: survivor, version: 1,
        answer: AnswerEvent(
          source: "polls", eventID: "a-2", occurredAt: july(9), survey: "after-ticket", metric: .csat, score: 1, identifiers: [])), .customerAnswer),
    Golden(
      "survey-send-v1",
      SurveySend(
        kind: .reminder, invitation: CustomerID(number: 0xB1), customer: survivor, survey: "nps-quarterly", surveyVersion: 2, metric: .nps,
        purpose: .relationship, channel: "email", language: .chinese, title: LocalizedName(en: "How are we doing?", zh: "您对我们满意吗？"),
        link: "https://ask.example.com/s/abc", stopLink: "https://ask.example.com/s/abc/stop", expiresAt: july(14 * 86_400)), .send),
    Golden(
      "survey-send-v1-bare",
      SurveySend(
        kind: .invitation, invitation: CustomerID(number: 0xB2), customer: absorbed, survey: "after", surveyVersion: 1, metric: .csat, purpose: .transaction,
        title: LocalizedName(en: "a", zh: "b"), link: "/s/x", expiresAt: july(1)), .send),
    Golden(
      "withdrawal-v1",
      SurveyWithdrawal(invitation: CustomerID(number: 0xB1), customer: survivor, reason: .optedOut, at: july(12)), .withdrawal),
    Golden(
      "withdrawal-v1-answered",
      SurveyWithdrawal(invitation: CustomerID(number: 0xB2), customer: absorbed, reason: .answered, at: july(13)), .withdrawal),
    Golden(
      "address-v1",
      CustomerAddress(
        identity: absorbed, customer: survivor, version: 5, kind: .email, value: "an@example.com", isVerified: true, firstSeenAt: july(8)), .address),
    Golden(
      "address-v1-shared",
      CustomerAddress(
        identity: survivor, customer: survivor, version: 1, kind: .phone, value: "+8613912345678", isVerified: false, isShared: true, firstSeenAt: july(9)),
      .address),
    Golden(
      "outcome-v1",
      DeliveryOutcome(
        delivery: CustomerID(number: 0xD1), result: .bounced, kind: .reminder, invitation: CustomerID(number: 0xB1), customer: survivor, way: .email,
        reason: "refused", at: july(10)), .outcome),
    Golden(
      "outcome-v1-bare",
      DeliveryOutcome(
        delivery: CustomerID(number: 0xD2), result: .undeliverable, kind: .invitation, invitation: CustomerID(number: 0xB2), customer: absorbed, way: nil,
        at: july(11)), .outcome),
    Golden(
      "move-v1",
      IdentityMove(identity: absorbed, customer: survivor, version: 5, at: Instant(microseconds: july(28_800).microseconds + 500_000)), .move),
  ]

  private static let tickets = [
    Golden(
      "ticket-v1",
      TicketSnapshot(
        ticket: TicketID(number: 0xA7), version: 6, customer: survivor, state: .closed,
        subject: TicketSubject(kind: .complaint, category: "物流", urgency: .blocked), priority: .p1, tier: "vip", channel: "wechat", orderID: "A-1001",
        owner: "Wang Fang", openedAt: july(5), replies: 2, timesReopened: 1,
        clocks: [
          TicketClockState(clock: .firstResponse, startedAt: july(5), deadline: july(1_805), outcome: "met", doneAt: july(600)),
          TicketClockState(clock: .resolution, startedAt: july(5), deadline: nil, outcome: "running", doneAt: nil),
        ], resolutionCode: "compensated", rootCause: "logistics", resolvedAt: july(3_600), closedAt: july(3 * 86_400 + 3_600),
        mergedInto: TicketID(number: 0xA8)), .ticket),
    Golden(
      "ticket-v1-new",
      TicketSnapshot(
        ticket: TicketID(number: 0xA8), version: 1, customer: absorbed, state: .new, subject: TicketSubject(), priority: .p4, openedAt: july(6)), .ticket),
    Golden(
      "ticket-v1-upheld",
      TicketSnapshot(
        ticket: TicketID(number: 0xA9), version: 4, customer: survivor, state: .resolved, subject: TicketSubject(kind: .complaint), priority: .p3,
        openedAt: july(7), replies: 1, resolutionCode: "fixed", rootCause: "quality", isUpheldComplaint: true, resolvedAt: july(3_607)), .ticket),
    Golden(
      "alert-v1",
      TicketAlert(
        ticket: TicketID(number: 0xA7), customer: survivor, clock: .firstResponse, percent: 75, role: .teamLead, at: july(1_355), priority: .p1,
        tier: "vip", owner: "Wang Fang"), .alert),
    Golden(
      "alert-v1-on-call",
      TicketAlert(
        ticket: TicketID(number: 0xA7), customer: survivor, clock: .resolution, percent: 100, role: .manager, at: july(2_700), priority: .p2,
        tier: "vip", owner: "Wang Fang", onCall: "李娜"), .alert),
  ]

  private static let behaviours = [
    Golden(
      "behaviour-v1",
      BehaviourEvent(
        source: "app", eventID: "b-1", occurredAt: july(6), name: "review", durationSeconds: 1_800, channel: "app", item: "TEA-1", category: "tea",
        value: 5, text: "好喝", identifiers: [Identifier(kind: .deviceID, value: "d-19")]), .behaviour),
    Golden(
      "behaviour-v1-counted",
      BehaviourEvent(
        source: "app", eventID: "b-2", occurredAt: july(7), name: "visit", count: 12, identifiers: [Identifier(kind: .memberID, value: "M-7")]), .behaviour),
  ]

  private static let answers = [
    Golden(
      "answer-v1",
      AnswerEvent(
        source: "polls", eventID: "a-1", occurredAt: july(8), survey: "nps-2026", surveyVersion: 2, metric: .nps, score: 9, comment: "再来\n一次",
        channel: "email", ticketID: "T-5", orderID: "A-1001", item: "TEA-1", followUps: [.init(question: "why", answer: "fast")],
        identifiers: [Identifier(kind: .email, value: "an@example.com", isVerified: true)]), .answer),
    Golden(
      "answer-v1-score",
      AnswerEvent(
        source: "polls", eventID: "a-2", occurredAt: july(9), survey: "after-ticket", metric: .csat, score: 1,
        identifiers: [Identifier(kind: .memberID, value: "M-7")]), .answer),
  ]

  private static let snapshots = [
    Golden(
      "profile-v1",
      ProfileSnapshot(
        customer: survivor, version: 7, asOf: day("2026-07-01"), memberID: "M-7",
        firstSeenAt: Instant(microseconds: 1_768_006_923_004_000), stage: .active, industry: "retail", currency: .cny,
        ledger: DayLedger(days: [
          DayEntry(day: day("2026-01-10"), paidOrders: 1, countedOrders: 1, spend: 25_900),
          DayEntry(day: day("2026-03-20"), paidOrders: 2, countedOrders: 2, spend: 120_000),
          DayEntry(day: day("2026-05-05"), paidOrders: 0, countedOrders: 0, spend: -5_000),
          DayEntry(day: day("2026-06-20"), paidOrders: 1, countedOrders: 0, spend: 0),
        ])), .profile),
    Golden(
      "profile-v1-older",
      ProfileSnapshot(
        customer: CustomerID(number: .max), version: 9_007_199_254_740_993, asOf: day("2026-07-01"), firstSeenAt: Instant(seconds: 1_676_073_600),
        stage: .active, currency: .cny,
        ledger: DayLedger(
          days: [DayEntry(day: day("2026-06-01"), paidOrders: 1, countedOrders: 1, spend: 1_999)],
          older: DayLedger.Older(
            paidOrders: 4, countedOrders: 3, spend: 99_900, firstPaidDay: day("2023-02-11"), lastPaidDay: day("2024-03-02")))), .profile),
    Golden(
      "profile-v1-tags",
      ProfileSnapshot(
        customer: survivor, version: 9, asOf: day("2026-07-01"), firstSeenAt: Instant(seconds: 1_768_003_200), stage: .potential,
        tags: ["frequent-visitor", "老客户介绍"], currency: .cny, ledger: DayLedger()), .profile),
    Golden(
      "profile-v1-interaction",
      ProfileSnapshot(
        customer: survivor, version: 10, asOf: day("2026-07-01"), firstSeenAt: Instant(seconds: 1_768_003_200), stage: .potential,
        tags: ["老客户介绍"], lastInteractionDay: day("2026-06-30"), currency: .cny, ledger: DayLedger()), .profile),
    Golden(
      "profile-v1-merged",
      ProfileSnapshot(
        customer: absorbed, version: 8, asOf: day("2026-07-01"), mergedInto: survivor, firstSeenAt: Instant(seconds: 1_768_003_200),
        stage: .potential, currency: .cny, ledger: DayLedger()), .profile),
  ]

  private static let tiers = [
    Golden(
      "tier-v1",
      TierSnapshot(
        customer: survivor, version: 3, memberID: "M-7", tier: "key", tierBefore: "vip", score: 75, scorecard: "rfm-plus", scorecardVersion: 1,
        policy: "score", asOf: day("2026-07-01"), ratedAt: july(28_801)), .tier),
    Golden(
      "tier-v1-proposed",
      TierSnapshot(
        customer: survivor, version: 5, memberID: "M-7", tier: "key", tierBefore: nil, proposedTier: "vip", score: 93, scorecard: "rfm-plus",
        scorecardVersion: 1, policy: "score", asOf: day("2026-07-01"), ratedAt: july(28_801)), .tier),
    Golden(
      "tier-v1-notice",
      TierSnapshot(
        customer: survivor, version: 6, memberID: "M-7", tier: "key", tierBefore: nil, score: 71, scorecard: "rfm-plus", scorecardVersion: 1,
        policy: "score", asOf: day("2026-07-01"), ratedAt: july(28_801),
        notice: TierNotice(day: day("2026-07-31"), tier: "normal", en: "Key becomes Normal. 2 more orders keep it", zh: "再下 2 单可保持")), .tier),
    Golden(
      "tier-v1-merged",
      TierSnapshot(
        customer: absorbed, version: 4, mergedInto: survivor, memberID: nil, tier: "watch", tierBefore: nil, score: 0, scorecard: "standard",
        scorecardVersion: 2, policy: "spend", asOf: day("2026-07-01"), ratedAt: july(28_801)), .tier),
  ]

  private static let files = [
    Golden(
      "source-v1",
      SourceMessage(lines: [
        .init(number: 2, values: [.init("InvoiceNo", "536365"), .init("Quantity", "6"), .init("Description", "WHITE \"HEART\"\tHOLDER")]),
        .init(number: 3, values: [.init("InvoiceNo", "536365"), .init("Quantity", ""), .init("Description", "杯")]),
      ]), .source),
    Golden(
      "source-v1-broken-line",
      SourceMessage(lines: [.init(number: 17, values: [.init(SourceMessage.rawName, "536365,\"6,2.55")], fault: "quote")], isPiece: true), .source),
  ]
}
