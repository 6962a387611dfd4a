// The benefits' file to a catalogue of benefits by tier (T-11); docs/tiering.md explains the file line by line.

public import Domain

public enum BenefitDocument {
  /// Throws all faults of the file, each with its line.
  ///
  /// - Parameter ladder: the tiers there are; the file must speak of each of them and of no other.
  public static func decode(
    _ bytes: [UInt8], source: String, ladder: TierLadder, limits: DocumentLimits = .standard
  ) throws(DocumentFaults) -> BenefitCatalogue {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let catalogue = decoding.benefitCatalogue(ladder)
    return try decoding.finish(catalogue)
  }

  public static func load(_ path: String, ladder: TierLadder) throws(DocumentFaults) -> BenefitCatalogue {
    try decode(try DocumentFile.read(path), source: path, ladder: ladder)
  }
}

extension DocumentDecoding {
  fileprivate mutating func benefitCatalogue(_ ladder: TierLadder) -> BenefitCatalogue? {
    guard let root = rootFields(keys: ["benefits", "author", "working_days", "catalogue", "tiers"]) else { return nil }
    let version = integer(root, "benefits", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let workingDays = root["working_days"].map { integer($0, "working_days", in: 1...366) } ?? BenefitCatalogue.workingDaysDefault
    let tiers = required(root, "tiers").flatMap { fields($0, "tiers", keys: ladder.tiers.map(\.id.text)) }
    guard let list = required(root, "catalogue").flatMap({ items($0, "catalogue") }) else { return nil }
    var benefits: [Benefit?] = []
    for (place, node) in list.enumerated() { benefits.append(benefit(node, "catalogue[\(place)]")) }
    let whole = benefits.compactMap { $0 }
    // What tiers have means nothing before the catalogue can be read.
    guard let tiers, whole.count == benefits.count else { return nil }
    var grants: [[BenefitGrant]?] = []
    for tier in ladder.tiers { grants.append(required(tiers, tier.id.text).flatMap { self.grants($0, "tiers.\(tier.id)", whole) }) }
    let all = grants.compactMap { $0 }
    guard let version, let author, let workingDays, all.count == grants.count else { return nil }
    do throws(ConfigurationFaults) {
      return try BenefitCatalogue(
        version: version, author: author, workingDays: workingDays, benefits: whole, ladder: ladder, grants: all)
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func benefit(_ node: YAMLNode, _ path: String) -> Benefit? {
    guard let fields = fields(node, path, keys: ["id", "kind", "limit", "touches_price", "cost", "minutes", "name"]) else { return nil }
    var id: BenefitID?
    if let node = required(fields, "id"), let text = text(node, "\(path).id") {
      id = BenefitID(text)
      if id == nil { add(node, "\(path).id", "an id is small letters, digits and hyphens, at most \(BenefitID.bytesMax)") }
    }
    let kind = required(fields, "kind").flatMap { choice($0, "\(path).kind", of: BenefitKind.self) }
    let unit = fields["limit"].map { choice($0, "\(path).limit", of: BenefitUnit.self) }
    let touchesPrice = required(fields, "touches_price").flatMap { boolean($0, "\(path).touches_price") }
    let name = name(fields, "name")
    let cost = fields["cost"].map { number($0, "\(path).cost") }
    let minutes = fields["minutes"].map { number($0, "\(path).minutes") }
    // Given and unreadable: the fault is noted.
    if case .some(.none) = unit { return nil }
    if case .some(.none) = cost { return nil }
    if case .some(.none) = minutes { return nil }
    guard let id, let kind, let touchesPrice, let name else { return nil }
    return Benefit(id: id, kind: kind, name: name, unit: unit ?? nil, touchesPrice: touchesPrice, cost: cost ?? nil, minutes: minutes ?? nil)
  }

  /// One line for each benefit that the tier has: `true`, or the limit.
  private mutating func grants(_ node: YAMLNode, _ path: String, _ benefits: [Benefit]) -> [BenefitGrant]? {
    guard let fields = fields(node, path, keys: benefits.map(\.id.text)) else { return nil }
    var grants: [BenefitGrant?] = []
    for entry in fields.entries {
      guard let benefit = benefits.first(where: { $0.id.text == entry.key }) else { continue }
      if benefit.unit == nil {
        let has = boolean(entry.value, join(path, entry.key))
        if has == false { add(entry.value, join(path, entry.key), "what a tier does not have is left out") }
        grants.append(has == true ? BenefitGrant(benefit: benefit, limit: nil) : nil)
      } else {
        grants.append(number(entry.value, join(path, entry.key)).map { BenefitGrant(benefit: benefit, limit: $0) })
      }
    }
    let whole = grants.compactMap { $0 }
    return whole.count == grants.count ? whole : nil
  }
}
