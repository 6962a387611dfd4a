// The policies' file to tiers and policies (T-04); docs/scorecards.md explains the file line by line.

public import Domain

public enum PolicyDocument {
  /// Throws all faults of the file, each with its line.
  public static func decode(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) throws(DocumentFaults)
    -> TierConfiguration
  {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let configuration = decoding.tierConfiguration()
    return try decoding.finish(configuration)
  }

  public static func load(_ path: String) throws(DocumentFaults) -> TierConfiguration {
    try decode(try DocumentFile.read(path), source: path)
  }
}

extension DocumentDecoding {
  fileprivate mutating func tierConfiguration() -> TierConfiguration? {
    guard let root = rootFields(keys: ["policies", "author", "tiers", "in_force", "score", "quota", "spend", "steady", "review"]) else { return nil }
    let version = integer(root, "policies", in: 1...1_000_000) ?? 1
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let inForce = required(root, "in_force").flatMap { choice($0, "in_force", of: TierConfiguration.Kind.self) }
    guard let ladder = ladder(root) else { return nil }
    func reference(_ kind: TierConfiguration.Kind) -> PolicyReference { PolicyReference(name: kind.rawValue, version: version) }
    let score = root["score"].flatMap { scorePolicy($0, reference(.score), ladder) }
    let quota = root["quota"].flatMap { quotaPolicy($0, reference(.quota), ladder) }
    let spend = root["spend"].flatMap { spendPolicy($0, reference(.spend), ladder) }
    let steady = root["steady"].map { steadiness($0, ladder) } ?? Steadiness.none
    let reviews = root["review"].map { reviewRules($0, ladder) } ?? []
    guard let author, let inForce, let steady, let reviews else { return nil }
    // A section that could not be read has said so; that it is therefore missing needs no second fault.
    if root[inForce.rawValue] != nil, !faults.isEmpty { return nil }
    return checked(ladder) { () throws(ConfigurationFaults) in
      try TierConfiguration(version: version, author: author, ladder: ladder, score: score, quota: quota, spend: spend, inForce: inForce,
        steadiness: steady, reviews: reviews)
    }
  }

  private mutating func ladder(_ root: DocumentFields) -> TierLadder? {
    guard let list = required(root, "tiers").flatMap({ items($0, "tiers") }) else { return nil }
    var tiers: [Tier?] = []
    for (number, node) in list.enumerated() {
      guard let fields = fields(node, "tiers[\(number)]", keys: ["id", "name", "review_months"]) else {
        tiers.append(nil)
        continue
      }
      let name = name(fields, "name")
      let months = integer(fields, "review_months", in: 1...Tier.reviewMonthsMax)
      var id: TierID?
      if let node = required(fields, "id"), let text = text(node, "\(fields.path).id") {
        id = TierID(text)
        if id == nil { add(node, "\(fields.path).id", "an id is small letters, digits and hyphens, at most \(TierID.bytesMax)") }
      }
      if let id, let name, let months { tiers.append(Tier(id: id, name: name, reviewMonths: months)) } else { tiers.append(nil) }
    }
    let whole = tiers.compactMap { $0 }
    guard whole.count == tiers.count else { return nil }
    do throws(ConfigurationFaults) {
      return try TierLadder(whole)
    } catch {
      add(error)
      return nil
    }
  }

  /// Runs a rule check; its faults name tiers by rank (`at_least[0]`), the file by id (`at_least.vip`).
  private mutating func checked<Value>(_ ladder: TierLadder, _ make: () throws(ConfigurationFaults) -> Value) -> Value? {
    do throws(ConfigurationFaults) {
      return try make()
    } catch {
      add(
        ConfigurationFaults(
          error.faults.map { fault in
            for (rank, tier) in ladder.tiers.enumerated() where fault.path.hasSuffix("[\(rank)]") {
              let path = fault.path.dropLast("[\(rank)]".count) + ".\(tier.id)"
              return ConfigurationFault(path: String(path), problem: fault.problem)
            }
            return fault
          }))
      return nil
    }
  }

  /// One number per tier, in the ladder's order.
  private mutating func numbers(_ fields: DocumentFields, _ key: String, _ tiers: some Collection<Tier>) -> [Rational]? {
    guard let node = required(fields, key), let values = self.fields(node, join(fields.path, key), keys: tiers.map(\.id.text)) else {
      return nil
    }
    var numbers: [Rational?] = []
    for tier in tiers { numbers.append(number(values, tier.id.text)) }
    let whole = numbers.compactMap { $0 }
    return whole.count == numbers.count ? whole : nil
  }

  private mutating func scorePolicy(_ node: YAMLNode, _ reference: PolicyReference, _ ladder: TierLadder) -> ScorePolicy? {
    guard let fields = fields(node, "score", keys: ["at_least"]), let thresholds = numbers(fields, "at_least", ladder.tiers.dropLast())
    else { return nil }
    return checked(ladder) { () throws(ConfigurationFaults) in try ScorePolicy(reference: reference, ladder: ladder, thresholds: thresholds)
    }
  }

  private mutating func quotaPolicy(_ node: YAMLNode, _ reference: PolicyReference, _ ladder: TierLadder) -> QuotaPolicy? {
    guard let fields = fields(node, "quota", keys: ["percent"]), let percents = numbers(fields, "percent", ladder.tiers) else { return nil }
    return checked(ladder) { () throws(ConfigurationFaults) in try QuotaPolicy(reference: reference, ladder: ladder, percents: percents) }
  }

  private mutating func spendPolicy(_ node: YAMLNode, _ reference: PolicyReference, _ ladder: TierLadder) -> SpendPolicy? {
    guard let fields = fields(node, "spend", keys: ["at_least", "quiet_months"]) else { return nil }
    let thresholds = numbers(fields, "at_least", ladder.tiers.dropLast())
    let months = integer(fields, "quiet_months", in: 1...120)
    guard let thresholds, let months else { return nil }
    return checked(ladder) { () throws(ConfigurationFaults) in
      try SpendPolicy(reference: reference, ladder: ladder, thresholds: thresholds, quietMonthsMax: months)
    }
  }
}

// MARK: - What stands between figures and the confirmed tier

extension DocumentDecoding {
  /// `steady`: no flapping (T-09).
  fileprivate mutating func steadiness(_ node: YAMLNode, _ ladder: TierLadder) -> Steadiness? {
    guard let fields = fields(node, "steady", keys: ["band_points", "one_step_down", "notice_days"]) else { return nil }
    let band = integer(fields, "band_points", in: 0...Steadiness.bandPointsMax)
    let stepwise = required(fields, "one_step_down").flatMap { tiers($0, "steady.one_step_down", ladder) }
    let notice = integer(fields, "notice_days", in: 0...Steadiness.noticeDaysMax)
    guard let band, let stepwise, let notice else { return nil }
    return Steadiness(bandPoints: band, stepwise: stepwise, noticeDays: notice)
  }

  /// `review`: which changes wait for a person (T-07). The policy in force comes first.
  fileprivate mutating func reviewRules(_ node: YAMLNode, _ ladder: TierLadder) -> [ReviewRules]? {
    let keys = ["in_force", "expires_after_days", "again_after_points", "policies"]
    guard let fields = fields(node, "review", keys: keys) else { return nil }
    let days = integer(fields, "expires_after_days", in: 1...ReviewRules.expiryDaysMax)
    let points = integer(fields, "again_after_points", in: 1...100)
    let policies = required(fields, "policies").flatMap { reviewPolicies($0, ladder) }
    let chosen = required(fields, "in_force").flatMap { node in text(node, "review.in_force").map { (node: node, name: $0) } }
    guard let chosen, let policies else { return nil }
    guard let inForce = policies.first(where: { $0.name == chosen.name }) else {
      add(chosen.node, "review.in_force", "one of \(policies.map(\.name).joined(separator: ", ")) is needed here")
      return nil
    }
    guard let days, let points else { return nil }
    return ([inForce] + policies.filter { $0.name != inForce.name }).map { ReviewRules(policy: $0, expiryDays: days, againPoints: points) }
  }

  private mutating func reviewPolicies(_ node: YAMLNode, _ ladder: TierLadder) -> [ReviewPolicy]? {
    guard case .mapping(let entries) = node.content, !entries.isEmpty else {
      add(node, "review.policies", "at least one policy is needed here, as `b2c: {first: [vip], into: [vip], out_of: [vip]}`")
      return nil
    }
    var policies: [ReviewPolicy?] = []
    for entry in entries {
      let path = "review.policies.\(entry.key)"
      // The rules of a name are those of a tier's id.
      if TierID(entry.key) == nil { add(entry.value, path, "a name is small letters, digits and hyphens, at most \(ReviewPolicy.nameBytesMax)") }
      guard let fields = fields(entry.value, path, keys: ["first", "into", "out_of"]) else {
        policies.append(nil)
        continue
      }
      let first = required(fields, "first").flatMap { tiers($0, "\(path).first", ladder) }
      let into = required(fields, "into").flatMap { tiers($0, "\(path).into", ladder) }
      let outOf = required(fields, "out_of").flatMap { tiers($0, "\(path).out_of", ladder) }
      if let first, let into, let outOf {
        policies.append(ReviewPolicy(name: entry.key, first: first, into: into, outOf: outOf))
      } else {
        policies.append(nil)
      }
    }
    let whole = policies.compactMap { $0 }
    return whole.count == policies.count ? whole : nil
  }

  /// A list of tiers' ids; `all` stands for every tier.
  private mutating func tiers(_ node: YAMLNode, _ path: String, _ ladder: TierLadder) -> Set<TierID>? {
    if case .scalar("all", _) = node.content { return Set(ladder.tiers.map(\.id)) }
    guard let list = items(node, path) else { return nil }
    var chosen: Set<TierID> = []
    var isWhole = true
    for (number, item) in list.enumerated() {
      let place = "\(path)[\(number)]"
      guard let name = text(item, place) else {
        isWhole = false
        continue
      }
      guard let tier = ladder.tiers.first(where: { $0.id.text == name }) else {
        add(item, place, "there is no tier `\(name)`; known are \(ladder.tiers.map(\.id.text).joined(separator: ", "))")
        isWhole = false
        continue
      }
      if !chosen.insert(tier.id).inserted {
        add(item, place, "`\(name)` is listed twice")
        isWhole = false
      }
    }
    return isWhole ? chosen : nil
  }
}
