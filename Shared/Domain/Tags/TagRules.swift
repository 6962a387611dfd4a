// Tags as data (P-10): each is a rule over what is known of a customer, and holds on the days on which the rule does.

/// The part of a customer's life that a condition looks at, up to the day it is judged for.
public enum TagWindow: Hashable, Sendable {
  case ever
  /// The last so many days, the day itself included.
  case days(Int)
  /// The days d with D minus so many months < d <= D, as the figures of P-07 have them.
  case months(Int)

  public static let daysRange = 1...730
  public static let monthsRange = 1...24

  /// The last day before the window; nil when it has no beginning.
  func dayBefore(at day: Day) -> Day? {
    switch self {
    case .ever: nil
    case .days(let count): day + -count
    case .months(let count): day.adding(months: -count)
    }
  }

  /// The first day on which something of `day` is no longer in the window.
  func leaves(_ day: Day) -> Day? {
    switch self {
    case .ever: return nil
    case .days(let count): return day + count
    case .months(let count):
      // Short months pull the end in: the window may reach back a few days further.
      var first = day.adding(months: count)
      while first.adding(months: -count) < day { first = first + 1 }
      return first
    }
  }
}

/// What a condition looks at.
public enum TagFigure: Hashable, Sendable {
  /// Paid orders that are not fully refunded, as F counts them.
  case orders(TagWindow)
  /// Payments less refunds and cancellations, minor units of the base currency.
  case spend(TagWindow)
  /// Spend by order of the same window, rounded half up to a minor unit; no value without an order.
  case averageOrderValue(TagWindow)
  /// Days since the last paid order; no value without one.
  case recencyDays
  /// Days since the first paid order; no value without one.
  case firstOrderDays
  case lifecycle
  /// Years since the birthday; no value while it is not known.
  case age
  case attribute(CustomerAttribute)
  /// How often something was done.
  case behaviour(String, TagWindow)
  /// The figure that came with it last: stars of a review, followers of an account.
  case behaviourValue(String, TagWindow)
  /// Contacts, all or those of a kind.
  case contacts(ContactEvent.Kind?, TagWindow)
  /// The latest score of a survey.
  case answer(AnswerEvent.Metric, TagWindow)

  /// What must be read to know it.
  var source: TagSources {
    switch self {
    case .orders, .spend, .averageOrderValue, .recencyDays, .firstOrderDays, .lifecycle: .purchases
    case .age, .attribute: .attributes
    case .behaviour, .behaviourValue, .contacts, .answer: .interactions
    }
  }

  var window: TagWindow {
    switch self {
    case .orders(let window), .spend(let window), .averageOrderValue(let window), .behaviour(_, let window), .behaviourValue(_, let window),
      .contacts(_, let window), .answer(_, let window):
      window
    case .recencyDays, .firstOrderDays, .lifecycle, .age, .attribute: .ever
    }
  }
}

public struct TagSources: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let purchases = TagSources(rawValue: 1)
  public static let attributes = TagSources(rawValue: 2)
  public static let interactions = TagSources(rawValue: 4)
}

/// One thing that must be so: a figure within bounds, or a word of a list.
public struct TagCondition: Hashable, Sendable {
  public let figure: TagFigure
  public let least: Int64?
  public let most: Int64?
  /// In lower case; empty for figures that are numbers.
  public let words: Set<String>

  public init(_ figure: TagFigure, least: Int64? = nil, most: Int64? = nil, words: Set<String> = []) {
    self.figure = figure
    self.least = least
    self.most = most
    self.words = Set(words.map { $0.lowercased() })
  }
}

/// A tag's identifier in files, requests and snapshots: `frequent-buyer`.
public struct TagID: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let text: String

  public static let bytesMax = 30

  /// nil unless small letters, digits and hyphens, at most ``bytesMax``.
  public init?(_ text: String) {
    guard isSlug(text, bytesMax: TagID.bytesMax) else { return nil }
    self.text = text
  }

  public var description: String { text }
  public static func < (left: TagID, right: TagID) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
}

/// What a tag is about (P-10).
public enum TagGroup: String, Hashable, Sendable, CaseIterable {
  case basic, behavioural, social
}

/// A tag and the rule by which a customer has it: all of `all`, and one of `any` where there are some.
public struct TagRule: Hashable, Sendable {
  public let id: TagID
  public let group: TagGroup
  public let name: LocalizedName
  public let all: [TagCondition]
  public let any: [TagCondition]

  public init(id: TagID, group: TagGroup, name: LocalizedName, all: [TagCondition], any: [TagCondition] = []) {
    self.id = id
    self.group = group
    self.name = name
    self.all = all
    self.any = any
  }

  var conditions: [TagCondition] { all + any }
  var sources: TagSources { conditions.reduce(into: []) { $0.formUnion($1.figure.source) } }

  /// Conditions of one list.
  public static let conditionsMax = 20
}

/// The tags of a business: a file with a version.
public struct TagRules: Sendable {
  public let version: Int
  public let author: String
  /// In the file's order.
  public let rules: [TagRule]
  /// Of each rule, what must be read to judge it.
  let sources: [TagSources]
  /// The conditions of all rules one after the other, those of `all` first.
  let conditions: [TagCondition]
  /// Where each rule's conditions begin, with an end.
  let starts: [Int]
  private let places: [String: Int]

  /// Rules of one file.
  public static let rulesMax = 120

  /// No tags.
  public static let none = TagRules(version: 0, author: "", rules: [])

  public init(version: Int, author: String, rules: [TagRule]) {
    self.version = version
    self.author = author
    self.rules = rules
    sources = rules.map(\.sources)
    conditions = rules.flatMap(\.conditions)
    starts = rules.reduce(into: [0]) { starts, rule in starts.append((starts.last ?? 0) + rule.conditions.count) }
    places = Dictionary(rules.enumerated().map { ($1.id.text, $0) }) { first, _ in first }
  }

  public var isEmpty: Bool { rules.isEmpty }
  public func place(of id: String) -> Int? { places[id] }
  public subscript(_ id: String) -> TagRule? { places[id].map { rules[$0] } }

  /// The rules that look at any of these, by their places.
  public func places(lookingAt wanted: TagSources) -> [Int] { rules.indices.filter { !sources[$0].isDisjoint(with: wanted) } }

  /// What any rule looks at.
  public var allSources: TagSources { sources.reduce(into: []) { $0.formUnion($1) } }

  /// The first day of which contacts, behaviours and answers are looked at on a day; nil: all of them are. Without a rule over them, the day after.
  public func firstInteractionDay(at day: Day) -> Day? {
    var first = day + 1
    for condition in conditions where condition.figure.source == .interactions {
      guard let before = condition.figure.window.dayBefore(at: day) else { return nil }
      first = min(first, before + 1)
    }
    return first
  }
}

/// The tags of one customer: those of rules, and those that people gave. Small, and empty for most.
///
/// Kept as one text: ids of rules in order, then a bar and what people gave, each part with commas between.
public struct CustomerTags: Hashable, Sendable {
  public let text: String

  public static let none = CustomerTags(text: "")

  public init(text: String) { self.text = text }

  /// - Parameters:
  ///   - derived: ids of rules.
  ///   - manual: what people gave.
  public init(derived: [String], manual: [String]) {
    let sorted = { (tags: [String]) in CustomerTags.sorted(tags).joined(separator: ",") }
    text = manual.isEmpty ? sorted(derived) : sorted(derived) + "|" + sorted(manual)
  }

  public var isEmpty: Bool { text.isEmpty }
  public var derived: [String] { part(0) }
  public var manual: [String] { part(1) }
  /// All of them, each once, in order.
  public var all: [String] {
    if isEmpty { return [] }
    // Those of rules are in order already.
    return text.utf8.contains(UInt8(ascii: "|")) ? CustomerTags.sorted(derived + manual) : derived
  }

  private static func sorted(_ tags: [String]) -> [String] {
    tags.count < 2 ? tags : Set(tags).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// By bytes: every order of a customer with tags comes by here, and the borders of characters are dear to find.
  private func part(_ number: Int) -> [String] {
    let bytes = text.utf8
    let bar = bytes.firstIndex(of: UInt8(ascii: "|"))
    if bar == nil, number > 0 { return [] }
    // Mostly there is a single one.
    if bar == nil, !isEmpty, !bytes.contains(UInt8(ascii: ",")) { return [text] }
    let piece = number == 0 ? bytes[..<(bar ?? bytes.endIndex)] : bar.map { bytes[bytes.index(after: $0)...] } ?? bytes[bytes.endIndex...]
    return piece.split(separator: UInt8(ascii: ",")).map { String(Substring($0)) }
  }
}

/// A tag that a person gave a customer, and perhaps took away again. Kept for ever, under an identity of the customer, so that it follows merges and
/// undone merges like a fact.
public struct ManualTag: Hashable, Sendable {
  public let id: Int64
  public let identity: CustomerID
  public let tag: String
  public let actor: String
  public let reason: String
  public let at: Instant
  /// The last day on which it holds; nil: until it is taken away.
  public let until: Day?
  public var removedAt: Instant?
  public var removedBy: String
  public var removalReason: String

  public init(
    id: Int64 = 0, identity: CustomerID, tag: String, actor: String, reason: String, at: Instant, until: Day? = nil, removedAt: Instant? = nil,
    removedBy: String = "", removalReason: String = ""
  ) {
    self.id = id
    self.identity = identity
    self.tag = tag
    self.actor = actor
    self.reason = reason
    self.at = at
    self.until = until
    self.removedAt = removedAt
    self.removedBy = removedBy
    self.removalReason = removalReason
  }

  /// Characters of a tag, as JSON Schema counts them.
  public static let charactersMax = 30
  /// Tags of one customer that people gave and that hold.
  public static let perCustomerMax = 50

  /// Words of any script, without what the list of tags is put together with.
  public static func isName(_ text: String) -> Bool {
    let scalars = text.unicodeScalars
    guard (1...charactersMax).contains(scalars.count), let first = scalars.first, let last = scalars.last else { return false }
    return !first.properties.isWhitespace && !last.properties.isWhitespace
      && scalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) && ![",", "|", "/"].contains($0) }
  }

  /// Whether it holds at the end of a day, by what is known now.
  public func holds(on day: Day, in zone: BusinessZone) -> Bool {
    let end = zone.startOfDay(day + 1)
    return at < end && (removedAt.map { $0 >= end } ?? true) && (until.map { $0 >= day } ?? true)
  }

  /// What was known of it at the end of a business day (P-12); nil: nothing.
  public func asKnown(on day: Day, in zone: BusinessZone) -> ManualTag? {
    guard zone.day(of: at) <= day else { return nil }
    guard let removedAt, zone.day(of: removedAt) > day else { return self }
    return ManualTag(id: id, identity: identity, tag: tag, actor: actor, reason: reason, at: at, until: until)
  }

  /// Whether it holds now: one that was taken away today no longer does.
  public func holdsNow(on day: Day) -> Bool { removedAt == nil && (until.map { $0 >= day } ?? true) }
}
