// What all pages of one customer share: whose they are, of which day they tell, the head with the tier, and the way from one to the other.
import Access
import Domain
import HTML
import HTTP
import Text

/// The day that a page tells of, and the day whose knowledge counts (P-12).
struct AsOf: Sendable {
  let asOf: Day?
  let knownOn: Day?
  /// What was entered and is no day.
  let fault: String?

  static let names = (asOf: "as_of", knownOn: "known_on")

  init(_ visit: Visit) {
    func read(_ name: String) -> (day: Day?, fault: String?) {
      guard let text = visit.request.query[name], !text.isEmpty else { return (nil, nil) }
      guard let day = Day(text) else { return (nil, text) }
      return (day, nil)
    }
    let (asOf, knownOn) = (read(AsOf.names.asOf), read(AsOf.names.knownOn))
    self.asOf = asOf.day
    self.knownOn = knownOn.day
    fault = asOf.fault ?? knownOn.fault
  }

  var isPast: Bool { asOf != nil || knownOn != nil }
  /// The day itself; nil: today.
  var day: Day? { asOf ?? knownOn }
  /// The last day of which anything is told: what came in later was not known, what happened later had not happened.
  var last: Day? { [asOf, knownOn].compactMap(\.self).min() }
  var query: [(name: String, value: String?)] { [(AsOf.names.asOf, asOf?.description), (AsOf.names.knownOn, knownOn?.description)] }
}

/// One customer as the profile service tells it, with its rating.
struct CustomerFile: Sendable {
  let visit: Visit
  let days: AsOf
  let json: JSONValue
  /// nil: nobody may see it, or it was not asked for.
  let rating: Section?

  enum Tab: String, CaseIterable {
    case overview = "", tier, timeline, orders, tags, surveys, identity

    var name: LocalizedName {
      switch self {
      case .overview: LocalizedName(en: "Overview", zh: "概览")
      case .tier: LocalizedName(en: "Tier and score", zh: "等级与得分")
      case .timeline: LocalizedName(en: "Timeline", zh: "时间线")
      case .orders: LocalizedName(en: "Orders", zh: "订单")
      case .tags: LocalizedName(en: "Tags", zh: "标签")
      case .surveys: LocalizedName(en: "Surveys", zh: "问卷")
      case .identity: LocalizedName(en: "Who it is", zh: "身份")
      }
    }

    /// Who sees it.
    var needs: Permission {
      switch self {
      case .overview, .timeline, .orders, .tags, .identity: .customersRead
      case .tier: .tiersRead
      case .surveys: .consentsRead
      }
    }

    /// Whether it can tell of a day of the past.
    var knowsPast: Bool { [.overview, .timeline, .orders, .tags].contains(self) }
  }

  var id: String { json["customer_id"]?.stringValue ?? "" }
  /// What people call the customer.
  var name: String { json["attributes"]?["name"]?.stringValue ?? json["member_id"]?.stringValue ?? id }

  // MARK: - Finding

  /// The id in the page's address; nil when it is none.
  static func id(_ visit: Visit) -> String? { (try? visit.request.parameter("id")).flatMap { CustomerID($0.lowercased()) }?.description }

  static func path(_ id: String, _ tab: Tab = .overview) -> String { "/customers/\(id)" + (tab == .overview ? "" : "/\(tab.rawValue)") }
  static func target(_ id: String, _ tab: Tab = .overview) -> PageTarget? { PageTarget(path(id, tab)) }

  /// The customer that a page is of. A page of one that became part of another leads to that one.
  ///
  /// - Parameter place: what follows the customer in the page's address, as `/tags`.
  static func with(_ visit: Visit, _ place: String = "", _ body: (CustomerFile) async throws -> Response) async throws -> Response {
    guard let id = id(visit) else { return none(visit) }
    let (api, days) = (visit.api, AsOf(visit))
    async let rated = visit.may(.tiersRead) && !days.isPast ? api.section(.tiering, "/v1/tiers/\(id)") : nil
    let json: JSONValue
    do { json = try await api.get(.profile, "/v1/customers/\(id)", days.query) } catch {
      _ = await rated
      guard error.isMissing else { throw error }
      return none(visit)
    }
    let file = CustomerFile(visit: visit, days: days, json: json, rating: await rated)
    if file.id != id, visit.request.method == .get { return file.led(from: id, place) }
    return try await body(file)
  }

  func led(from id: String, _ place: String = "") -> Response {
    // What was done is told there: two customers become one, and the other page may be the one that stays.
    visit.go(
      to: CustomerFile.path(self.id) + place,
      [(name: CustomerFile.from, value: id), (name: Done.parameter, value: visit.request.query[Done.parameter])] + days.query)
  }

  static let from = "from"

  static func none(_ visit: Visit) -> Response {
    let title = visit.say("No such customer", "没有该客户")
    return visit.page(title, .customers, status: .notFound) {
      Element(.h1, title)
      Element(.p, visit.say("No customer has this number, or had nothing happen by the day asked for.", "没有使用此编号的客户，或在所选日期之前没有任何记录。"))
      CustomerSearch.form(visit, .nothing)
    }
  }

  // MARK: - The head of every page

  func page(_ tab: Tab, status: HTTPStatus = .ok, title: String? = nil, @NodeBuilder _ content: () -> [Node]) -> Response {
    let inside = content()
    let called = title ?? (tab == .overview ? nil : visit.say(tab.name))
    return visit.page([name, called].compactMap(\.self).joined(separator: " – "), .customers, status: status) {
      head(tab)
      inside
    }
  }

  @NodeBuilder private func head(_ tab: Tab) -> [Node] {
    Element(.p, [.class("trail")]) {
      Parts.link(visit.say("Customers", "客户"), PageTarget("/customers"))
      " / \(id)"
    }
    Element(.div, [.class("person")]) {
      Element(.h1, name)
      badges
    }
    if let part = visit.request.query[CustomerFile.from].flatMap({ CustomerID($0) }), part.description != id {
      Notice.plain(visit.say("You asked for \(part): it has become part of this customer.", "您查找的 \(part) 已并入该客户。"))
    }
    Parts.tabs(
      visit.say("Parts of the customer's file", "客户档案"),
      Tab.allCases.filter { visit.may($0.needs) && (!days.isPast || $0.knowsPast) }.map {
        (text: visit.say($0.name), target: visit.target(CustomerFile.path(id, $0), days.query), isHere: $0 == tab)
      })
    if let fault = days.fault { Notice.fault(visit.say("\(fault) is no day; write it as 2026-06-30.", "“\(fault)”不是日期，请按 2026-06-30 的格式填写。")) }
    if days.isPast { past }
  }

  @NodeBuilder private var badges: [Node] {
    if let rated = rating?.json {
      Parts.badge(tierName(rated), .good)
      if let proposed = rated["proposed_tier"]?.stringValue {
        Element(.a, [.class("badge warn")] + Parts.href(visit.may(.tiersDecide) ? ProposalPages.target(id) : CustomerFile.target(id, .tier))) {
          visit.say("waits: \(tierWord(proposed, rated))", "待确认：\(tierWord(proposed, rated))")
        }
      }
      if rated["decision"]?["automated"] == false { Parts.badge(visit.say("a person decides the tier", "等级由人工决定"), .warn) }
    }
    let stage = json["lifecycle"]?.stringValue ?? ""
    Parts.badge(visit.word(stage, of: CustomerWords.lifecycles), ["at_risk", "dormant", "churned"].contains(stage) ? .warn : .plain)
  }

  /// The name of the tier of a rating.
  func tierName(_ rated: JSONValue) -> String { tierWord(rated["tier"]?.stringValue ?? "–", rated) }

  /// Ratings name tiers by their ids; the one that the explanation is of has its name with it.
  func tierWord(_ tier: String, _ rated: JSONValue) -> String {
    let explained = rated["explanation"]?["tier"]
    if explained?["id"]?.stringValue == tier { return visit.say(explained?["name"]) }
    return TierNames.usual[tier].map { visit.say($0) } ?? tier
  }

  private var past: Element {
    let day = days.day?.description ?? ""
    let known = days.knownOn.map { visit.say(", as it was known at the end of \($0)", "，以 \($0) 当日结束时已知的信息为准") } ?? ""
    return Element(.div, [.class("notice warn")]) {
      Element(.p) {
        visit.say("This page tells of \(day)\(known). ", "本页为 \(day) 的情况\(known)。")
        Parts.link(visit.say("Back to today", "返回今天"), visit.here([(AsOf.names.asOf, nil), (AsOf.names.knownOn, nil), (CustomerFile.from, nil)]))
      }
    }
  }
}

/// The shipped tiers' names (T-04), for answers that name a tier by its id alone; a tier of a business's own is shown by its id there.
enum TierNames {
  static let usual: CustomerWords.Words = [
    "vip": LocalizedName(en: "VIP", zh: "VIP 客户"), "key": LocalizedName(en: "Key", zh: "重点客户"),
    "normal": LocalizedName(en: "Normal", zh: "普通客户"), "watch": LocalizedName(en: "Watch", zh: "观察客户"),
  ]
}
