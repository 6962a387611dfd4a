// The staff's file to people, teams and skills (K-07), and what they may give (K-08); docs/tickets.md explains the file line by line.

public import Domain

public enum StaffDocument {
  /// The file that comes with the programs.
  public static let shipped = "deploy/staff.yaml"

  /// Throws all faults of the file, each with its line.
  ///
  /// - Parameters:
  ///   - ladder: the tiers there are; the file may speak of no other.
  ///   - currency: of its amounts.
  public static func decode(
    _ bytes: [UInt8], source: String, ladder: TierLadder, currency: Currency, limits: DocumentLimits = .standard
  ) throws(DocumentFaults) -> StaffRules {
    var decoding = try DocumentDecoding(bytes, source: source, limits: limits)
    let rules = decoding.staff(ladder, currency)
    return try decoding.finish(rules)
  }
}

extension DocumentDecoding {
  fileprivate mutating func staff(_ ladder: TierLadder, _ currency: Currency) -> StaffRules? {
    guard let root = rootFields(keys: ["staff", "author", "named", "skills", "teams", "people", "grants"]) else { return nil }
    let version = integer(root, "staff", in: 1...1_000_000)
    let author = text(root, "author", bytesMax: Scorecard.authorBytesMax)
    let named = entries(root, "named", countMax: TierLadder.tiersCountMax) { $0.named($1, $2, ladder) }
    let needs = entries(root, "skills", countMax: StaffRules.needsMax) { $0.need($1, $2) }
    let teams = entries(root, "teams", countMax: StaffRules.teamsMax) { $0.team($1, $2, ladder) }
    let people = entries(root, "people", countMax: StaffRules.peopleMax) { $0.person($1, $2) }
    let grants = required(root, "grants").flatMap { self.grants($0, ladder, currency) }
    guard let version, let author, let named, let needs, let teams, let people, let grants else { return nil }
    do throws(ConfigurationFaults) {
      return try StaffRules(
        version: version, author: author, ladder: ladder, named: named, needs: needs, teams: teams, people: people, grants: grants)
    } catch {
      add(error)
      return nil
    }
  }

  /// A list of which every entry could be read; one more than is allowed is left to the rules to refuse.
  private mutating func entries<Value>(
    _ root: DocumentFields, _ key: String, countMax: Int, _ read: (inout DocumentDecoding, YAMLNode, String) -> Value?
  ) -> [Value]? {
    guard let nodes = required(root, key).flatMap({ items($0, key) }) else { return nil }
    let values = nodes.prefix(countMax + 1).enumerated().compactMap { place, node in read(&self, node, "\(key)[\(place)]") }
    return values.count == min(nodes.count, countMax + 1) ? values : nil
  }

  private mutating func tier(_ node: YAMLNode, _ path: String, _ ladder: TierLadder) -> TierID? {
    guard let id = text(node, path).flatMap({ TierID($0) }), ladder[id] != nil else {
      add(node, path, "one of \(ladder.tiers.map(\.id.text).joined(separator: ", ")) is needed here")
      return nil
    }
    return id
  }

  private mutating func named(_ node: YAMLNode, _ path: String, _ ladder: TierLadder) -> NamedService? {
    guard let fields = fields(node, path, keys: ["tier", "role", "years"]) else { return nil }
    let tier = required(fields, "tier").flatMap { self.tier($0, "\(path).tier", ladder) }
    let role = required(fields, "role").flatMap { choice($0, "\(path).role", of: StaffRole.self) }
    let years = integer(fields, "years", in: 0...StaffRules.yearsMax)
    guard let tier, let role, let years else { return nil }
    return NamedService(tier: tier, role: role, years: years)
  }

  private mutating func need(_ node: YAMLNode, _ path: String) -> SkillNeed? {
    guard let fields = fields(node, path, keys: ["kind", "category", "skill"]) else { return nil }
    let before = faults.count
    let kind = fields["kind"].flatMap { choice($0, "\(path).kind", of: ContactEvent.Kind.self) }
    let category = fields["category"].flatMap { text($0, "\(path).category", bytesMax: 640) }
    let skill = text(fields, "skill", bytesMax: StaffRules.codeBytesMax)
    guard let skill, faults.count == before else { return nil }
    return SkillNeed(kind: kind, category: category, skill: skill)
  }

  private mutating func team(_ node: YAMLNode, _ path: String, _ ladder: TierLadder) -> StaffTeam? {
    guard let fields = fields(node, path, keys: ["id", "name", "tiers", "skills"]) else { return nil }
    let before = faults.count
    let (id, name) = (text(fields, "id", bytesMax: StaffRules.codeBytesMax), name(fields, "name"))
    var tiers: Set<TierID>?
    if let node = fields["tiers"], let nodes = items(node, "\(path).tiers") {
      if nodes.isEmpty { add(node, "\(path).tiers", "a list that is empty fits nothing; leave the line out to serve all") }
      tiers = Set(nodes.enumerated().compactMap { tier($0.element, "\(path).tiers[\($0.offset)]", ladder) })
    }
    let skills = skills(fields, path)
    guard let id, let name, faults.count == before else { return nil }
    return StaffTeam(id: id, name: name, tiers: tiers, skills: skills)
  }

  private mutating func skills(_ fields: DocumentFields, _ path: String) -> Set<String> {
    guard let nodes = fields["skills"].flatMap({ items($0, "\(path).skills") }) else { return [] }
    return Set(nodes.enumerated().compactMap { text($0.element, "\(path).skills[\($0.offset)]", bytesMax: StaffRules.codeBytesMax) })
  }

  private mutating func person(_ node: YAMLNode, _ path: String) -> StaffMember? {
    guard let fields = fields(node, path, keys: ["name", "team", "role", "skills", "deputy", "since"]) else { return nil }
    let before = faults.count
    let (name, team) = (text(fields, "name"), text(fields, "team", bytesMax: StaffRules.codeBytesMax))
    let role = required(fields, "role").flatMap { choice($0, "\(path).role", of: StaffRole.self) }
    let skills = skills(fields, path)
    let deputy = fields["deputy"].flatMap { text($0, "\(path).deputy") }
    let since = fields["since"].flatMap { day($0, "\(path).since") }
    guard let name, let team, let role, faults.count == before else { return nil }
    return StaffMember(name: name, team: team, role: role, skills: skills, deputy: deputy, since: since)
  }

  private mutating func day(_ node: YAMLNode, _ path: String) -> Day? {
    guard let text = text(node, path, bytesMax: 16) else { return nil }
    let day = Day(text)
    if day == nil { add(node, path, "a day is needed here, as 2021-03-01") }
    return day
  }

  // MARK: What may be given

  private mutating func grants(_ node: YAMLNode, _ ladder: TierLadder, _ currency: Currency) -> GrantRules? {
    guard let fields = fields(node, "grants", keys: ["limits", "yearly", "upgrades"]) else { return nil }
    let limits = amounts(fields, "limits", StaffRole.allCases, \.rawValue, currency)
    let yearly = amounts(fields, "yearly", ladder.tiers.map(\.id), \.text, currency)
    var upgrades: [GrantRules.Upgrade] = []
    guard let nodes = required(fields, "upgrades").flatMap({ items($0, "grants.upgrades") }) else { return nil }
    for (place, node) in nodes.prefix(GrantRules.upgradesMax + 1).enumerated() {
      let path = "grants.upgrades[\(place)]"
      guard let entry = self.fields(node, path, keys: ["id", "worth", "name"]) else { continue }
      let (id, name) = (text(entry, "id", bytesMax: StaffRules.codeBytesMax), name(entry, "name"))
      let worth = required(entry, "worth").flatMap { amount($0, "\(path).worth", currency) }
      if let id, let name, let worth { upgrades.append(GrantRules.Upgrade(id: id, name: name, minorUnits: worth)) }
    }
    guard let limits, let yearly, upgrades.count == min(nodes.count, GrantRules.upgradesMax + 1) else { return nil }
    do throws(ConfigurationFaults) { return try GrantRules(ladder: ladder, limits: limits, yearly: yearly, upgrades: upgrades) } catch {
      add(error)
      return nil
    }
  }

  /// An amount for each of the keys.
  private mutating func amounts<Key: Hashable>(
    _ root: DocumentFields, _ name: String, _ keys: [Key], _ word: (Key) -> String, _ currency: Currency
  ) -> [Key: Int64]? {
    let path = "grants.\(name)"
    guard let node = required(root, name), let fields = fields(node, path, keys: keys.map(word)) else { return nil }
    var amounts: [Key: Int64] = [:]
    for key in keys { amounts[key] = required(fields, word(key)).flatMap { amount($0, join(path, word(key)), currency) } }
    return amounts.count == keys.count ? amounts : nil
  }

  /// An amount of the currency, in its minor units.
  private mutating func amount(_ node: YAMLNode, _ path: String, _ currency: Currency) -> Int64? {
    guard let given = number(node, path) else { return nil }
    let power = (0..<currency.minorDigits).reduce(Int64(1)) { power, _ in power * 10 }
    guard let units = try? given * Rational(power), units.isInteger, let whole = Int64(exactly: units.floor),
      (0...Money.recordMinorUnitsMax).contains(whole)
    else {
      add(node, path, "an amount of \(currency) is needed here, not negative and with at most \(currency.minorDigits) decimals")
      return nil
    }
    return whole
  }
}
