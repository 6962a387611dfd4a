// `feedback.sends.v1`: an invitation to a survey, or the reminder of one, that somebody is to bring to the customer (F-02). Who it is is said by number only:
// whoever sends looks up where the customer is reached.
public import Domain
public import Text

/// A request; each is made once.
public struct SurveySend: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, CaseIterable { case invitation, reminder }

  public var kind: Kind
  /// Sixteen hexadecimal digits.
  public var invitation: CustomerID
  public var customer: CustomerID
  public var survey: String
  public var surveyVersion: Int64
  public var metric: AnswerEvent.Metric
  public var purpose: Survey.Purpose
  /// As email; empty: whatever the customer prefers.
  public var channel: String
  /// nil: whatever the customer prefers.
  public var language: Language?
  /// What the survey is called to the customer.
  public var title: LocalizedName
  /// A secret of the customer's: whoever has it may answer.
  public var link: String
  /// Where one POST says that the customer wants no surveys (RFC 8058), and a person is asked whether they do; empty: on the survey's page alone.
  public var stopLink: String
  public var expiresAt: Instant

  public static let linkBytesMax = 2_000

  public init(
    kind: Kind, invitation: CustomerID, customer: CustomerID, survey: String, surveyVersion: Int64, metric: AnswerEvent.Metric, purpose: Survey.Purpose,
    channel: String = "", language: Language? = nil, title: LocalizedName, link: String,
    stopLink: String = "", expiresAt: Instant
  ) {
    self.kind = kind
    self.invitation = invitation
    self.customer = customer
    self.survey = survey
    self.surveyVersion = surveyVersion
    self.metric = metric
    self.purpose = purpose
    self.channel = channel
    self.language = language
    self.title = title
    self.link = link
    self.stopLink = stopLink
    self.expiresAt = expiresAt
  }

  /// The same however often it is published.
  public var eventID: String { "\(invitation):\(kind.rawValue)" }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("kind")
    writer.text(kind.rawValue)
    writer.key("invitation_id")
    writer.text(invitation.description)
    writer.key("customer_id")
    writer.text(customer.description)
    writer.key("survey")
    writer.text(survey)
    writer.key("survey_version")
    writer.integer(surveyVersion)
    writer.key("metric")
    writer.text(metric.rawValue)
    writer.key("purpose")
    writer.text(purpose.rawValue)
    writeUnlessEmpty("channel", channel, to: &writer)
    writeUnlessEmpty("language", language?.rawValue ?? "", to: &writer)
    writer.key("title_en")
    writer.text(title.en)
    writer.key("title_zh")
    writer.text(title.zh)
    writer.key("link")
    writer.text(link)
    writeUnlessEmpty("stop_link", stopLink, to: &writer)
    writer.key("expires_at")
    writer.text(RFC3339.text(expiresAt.microseconds))
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var members = Members()
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try members.takeHead(key, &seen, &reader) { continue }
      if try members.takeRest(key, &seen, &reader) { continue }
      try reader.skip()
    }
    try reader.finish()
    for (bit, field) in [(3, "survey"), (4, "survey_version"), (9, "title_en"), (10, "title_zh"), (11, "link")] as [(Int, StaticString)] {
      try reader.require(seen, bit, field)
    }
    guard let kind = members.kind else { throw reader.fault(.missing, "kind") }
    guard let invitation = members.invitation else { throw reader.fault(.missing, "invitation_id") }
    guard let customer = members.customer else { throw reader.fault(.missing, "customer_id") }
    guard let metric = members.metric else { throw reader.fault(.missing, "metric") }
    guard let purpose = members.purpose else { throw reader.fault(.missing, "purpose") }
    guard let expiresAt = members.expiresAt else { throw reader.fault(.missing, "expires_at") }
    self.init(
      kind: kind, invitation: invitation, customer: customer, survey: members.survey, surveyVersion: members.surveyVersion, metric: metric,
      purpose: purpose, channel: members.channel, language: members.language, title: LocalizedName(en: members.titleEN, zh: members.titleZH),
      link: members.link, stopLink: members.stopLink, expiresAt: expiresAt)
  }

  /// What is read so far.
  private struct Members {
    var kind: Kind?, invitation: CustomerID?, customer: CustomerID?, survey = "", surveyVersion: Int64 = 0, metric: AnswerEvent.Metric?
    var purpose: Survey.Purpose?, channel = "", language: Language?, titleEN = "", titleZH = "", link = "", stopLink = "", expiresAt: Instant?

    mutating func takeHead(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
      if key.is("kind") {
        try reader.once(&seen, 0, "kind")
        kind = try readChoice(&reader, "kind")
      } else if key.is("invitation_id") {
        try reader.once(&seen, 1, "invitation_id")
        invitation = try readCustomerID(&reader, "invitation_id")
      } else if key.is("customer_id") {
        try reader.once(&seen, 2, "customer_id")
        customer = try readCustomerID(&reader, "customer_id")
      } else if key.is("survey") {
        try reader.once(&seen, 3, "survey")
        survey = try reader.text("survey", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("survey_version") {
        try reader.once(&seen, 4, "survey_version")
        surveyVersion = try reader.integer("survey_version")
      } else if key.is("metric") {
        try reader.once(&seen, 5, "metric")
        metric = try readChoice(&reader, "metric")
      } else if key.is("purpose") {
        try reader.once(&seen, 6, "purpose")
        purpose = try readChoice(&reader, "purpose")
      } else {
        return false
      }
      return true
    }

    mutating func takeRest(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
      if key.is("channel") {
        try reader.once(&seen, 7, "channel")
        channel = try reader.text("channel", bytesMax: ContractLimits.textBytesMax).string
      } else if key.is("language") {
        try reader.once(&seen, 8, "language")
        language = try readChoice(&reader, "language")
      } else if key.is("title_en") {
        try reader.once(&seen, 9, "title_en")
        titleEN = try reader.text("title_en", bytesMax: ContractLimits.longTextBytesMax).string
      } else if key.is("title_zh") {
        try reader.once(&seen, 10, "title_zh")
        titleZH = try reader.text("title_zh", bytesMax: ContractLimits.longTextBytesMax).string
      } else if key.is("link") {
        try reader.once(&seen, 11, "link")
        link = try reader.text("link", bytesMax: SurveySend.linkBytesMax).string
      } else if key.is("stop_link") {
        try reader.once(&seen, 13, "stop_link")
        stopLink = try reader.text("stop_link", bytesMax: SurveySend.linkBytesMax).string
      } else if key.is("expires_at") {
        try reader.once(&seen, 12, "expires_at")
        expiresAt = try readInstant(&reader, "expires_at")
      } else {
        return false
      }
      return true
    }
  }
}
