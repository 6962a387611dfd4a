// `tiering.tiers.v1`: the confirmed tier of one customer, with a version that only grows (T-08).
public import Domain
public import Text

/// What a customer is told before a tier is lost (T-09).
public struct TierNotice: Hashable, Sendable {
  /// On this day, if nothing more is bought until then.
  public var day: Day
  /// The tier that the figures would give then.
  public var tier: String
  /// What would keep the tier, for the customer: English and Chinese.
  public var en: String
  public var zh: String

  /// Bytes of a text.
  public static let textBytesMax = 1_000

  public init(day: Day, tier: String, en: String, zh: String) {
    self.day = day
    self.tier = tier
    self.en = en
    self.zh = zh
  }

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("day")
    writer.date(Int(day.number))
    writer.key("tier")
    writer.text(tier)
    writer.key("en")
    writer.text(en)
    writer.key("zh")
    writer.text(zh)
    writer.endObject()
  }

  init(reading reader: inout JSONReader) throws(JSONFault) {
    var day: Day?, tier = "", en = "", zh = ""
    var seen: UInt64 = 0
    try reader.beginObject("notice")
    while let key = try reader.nextKey() {
      if key.is("day") {
        try reader.once(&seen, 0, "notice.day")
        day = try readDay(&reader, "notice.day")
      } else if key.is("tier") {
        try reader.once(&seen, 1, "notice.tier")
        tier = try reader.text("notice.tier", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("en") {
        try reader.once(&seen, 2, "notice.en")
        en = try reader.text("notice.en", bytesMax: TierNotice.textBytesMax).string
      } else if key.is("zh") {
        try reader.once(&seen, 3, "notice.zh")
        zh = try reader.text("notice.zh", bytesMax: TierNotice.textBytesMax).string
      } else {
        try reader.skip()
      }
    }
    for (bit, field) in [(1, "notice.tier"), (2, "notice.en"), (3, "notice.zh")] as [(Int, StaticString)] { try reader.require(seen, bit, field) }
    guard let day else { throw reader.fault(.missing, "notice.day") }
    self.init(day: day, tier: tier, en: en, zh: zh)
  }
}

public struct TierSnapshot: Hashable, Sendable {
  public var customer: CustomerID
  public var version: Int64
  /// The customer this one became part of; then there is no tier.
  public var mergedInto: CustomerID?
  public var memberID: String?
  /// The id of a tier of the policy: `vip`, `key`, `normal`, `watch`.
  public var tier: String
  public var tierBefore: String?
  /// The tier that waits for a person to confirm it (T-07); nil when none does.
  public var proposedTier: String?
  /// 0 to 100.
  public var score: Int
  public var scorecard: String
  public var scorecardVersion: Int
  public var policy: String
  /// The day the figures behind the score are of, and the moment the rating was made.
  public var asOf: Day
  public var ratedAt: Instant
  /// nil while no loss is foreseen.
  public var notice: TierNotice?

  public init(
    customer: CustomerID, version: Int64, mergedInto: CustomerID? = nil, memberID: String?, tier: String, tierBefore: String?,
    proposedTier: String? = nil, score: Int, scorecard: String, scorecardVersion: Int, policy: String, asOf: Day, ratedAt: Instant,
    notice: TierNotice? = nil
  ) {
    self.customer = customer
    self.version = version
    self.mergedInto = mergedInto
    self.memberID = memberID
    self.tier = tier
    self.tierBefore = tierBefore
    self.proposedTier = proposedTier
    self.score = score
    self.scorecard = scorecard
    self.scorecardVersion = scorecardVersion
    self.policy = policy
    self.asOf = asOf
    self.ratedAt = ratedAt
    self.notice = notice
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("customer_id")
    customer.withHexadecimal { writer.text(utf8: $0) }
    writer.key("version")
    writer.integer(version)
    if let mergedInto {
      writer.key("merged_into")
      writer.text(mergedInto.description)
    }
    if let memberID {
      writer.key("member_id")
      writer.text(memberID)
    }
    writer.key("tier")
    writer.text(tier)
    if let tierBefore {
      writer.key("tier_before")
      writer.text(tierBefore)
    }
    if let proposedTier {
      writer.key("proposed_tier")
      writer.text(proposedTier)
    }
    writer.key("score")
    writer.integer(score)
    writer.key("scorecard")
    writer.text(scorecard)
    writer.key("scorecard_version")
    writer.integer(scorecardVersion)
    writer.key("policy")
    writer.text(policy)
    writer.key("as_of")
    writer.date(Int(asOf.number))
    writer.key("rated_at")
    writer.instant(ratedAt.microseconds)
    if let notice {
      writer.key("notice")
      notice.write(to: &writer)
    }
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var customer: CustomerID?, version: Int64 = 0, mergedInto: CustomerID?, memberID: String?, tier = "", tierBefore: String?,
      proposedTier: String?
    var score: Int32 = 0, scorecard = "", scorecardVersion: Int32 = 0, policy = "", asOf: Day?, ratedAt: Instant?
    var notice: TierNotice?
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("customer_id") {
        try reader.once(&seen, 0, "customer_id")
        customer = try readCustomerID(&reader, "customer_id")
      } else if key.is("version") {
        try reader.once(&seen, 1, "version")
        version = try reader.integer("version")
      } else if key.is("merged_into") {
        try reader.once(&seen, 2, "merged_into")
        mergedInto = reader.takeNull() ? nil : try readCustomerID(&reader, "merged_into")
      } else if key.is("member_id") {
        try reader.once(&seen, 3, "member_id")
        memberID = try reader.textOrNull("member_id", bytesMax: Identifier.valueBytesMax)?.string
      } else if key.is("tier") {
        try reader.once(&seen, 4, "tier")
        tier = try reader.text("tier", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("tier_before") {
        try reader.once(&seen, 5, "tier_before")
        tierBefore = try reader.textOrNull("tier_before", bytesMax: ContractLimits.wordBytesMax)?.string
      } else if key.is("proposed_tier") {
        try reader.once(&seen, 12, "proposed_tier")
        proposedTier = try reader.textOrNull("proposed_tier", bytesMax: ContractLimits.wordBytesMax)?.string
      } else if key.is("score") {
        try reader.once(&seen, 6, "score")
        score = try readInt32(&reader, "score")
      } else if key.is("scorecard") {
        try reader.once(&seen, 7, "scorecard")
        scorecard = try reader.text("scorecard", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("scorecard_version") {
        try reader.once(&seen, 8, "scorecard_version")
        scorecardVersion = try readInt32(&reader, "scorecard_version")
      } else if key.is("policy") {
        try reader.once(&seen, 9, "policy")
        policy = try reader.text("policy", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("as_of") {
        try reader.once(&seen, 10, "as_of")
        asOf = try readDay(&reader, "as_of")
      } else if key.is("rated_at") {
        try reader.once(&seen, 11, "rated_at")
        ratedAt = try readInstant(&reader, "rated_at")
      } else if key.is("notice") {
        try reader.once(&seen, 13, "notice")
        notice = reader.takeNull() ? nil : try TierNotice(reading: &reader)
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 1, "version")
    for (bit, field) in [(4, "tier"), (6, "score"), (7, "scorecard"), (8, "scorecard_version"), (9, "policy")] as [(Int, StaticString)] {
      try reader.require(seen, bit, field)
    }
    guard let customer else { throw reader.fault(.missing, "customer_id") }
    guard let asOf else { throw reader.fault(.missing, "as_of") }
    guard let ratedAt else { throw reader.fault(.missing, "rated_at") }
    self.init(
      customer: customer, version: version, mergedInto: mergedInto, memberID: memberID, tier: tier, tierBefore: tierBefore, proposedTier: proposedTier,
      score: Int(score), scorecard: scorecard, scorecardVersion: Int(scorecardVersion), policy: policy, asOf: asOf, ratedAt: ratedAt,
      notice: notice)
  }
}
