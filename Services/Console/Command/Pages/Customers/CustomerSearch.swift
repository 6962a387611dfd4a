// Finding a customer: by whatever number or address somebody has at hand, or without one by tags, spend and what waits.
import Access
import Domain
import HTML
import HTTP
import Phones
import Text

struct CustomerSearch: Sendable {
  let site: Site

  static let path = "/customers"

  func add(to router: inout Router) {
    router.page(CustomerSearch.path, site, needs: .customersRead) { await show($0) }
    // Sent in a body: phone numbers and addresses have no place in histories and logs.
    router.form(CustomerSearch.path, site, needs: .customersRead) { try await search($0) }
  }

  // MARK: - By what is asked

  /// Identifiers by which the profile service finds somebody, in the order of the choice.
  private static let kinds: [IdentifierKind] = [.memberID, .phone, .email, .unionID, .openID, .posCard, .deviceID, .external]
  private static let any = "any"
  private static let number = "customer_id"

  /// One way in which what was entered can be read.
  struct Reading: Hashable {
    /// nil: the customer's own number.
    let kind: IdentifierKind?
    let value: String
  }

  /// All that it may be, the likeliest first; empty: it can be nothing of the kind that was chosen.
  static func readings(_ text: String, as chosen: String, _ visit: Visit) -> [Reading] {
    let entered = TextNormal.trimmed(text)
    guard !entered.isEmpty, entered.utf8.count <= Identifier.valueBytesMax else { return [] }
    func reading(_ kind: IdentifierKind) -> Reading? { CustomerSearch.reading(entered, as: kind, visit) }
    let own = CustomerID(entered.lowercased()).map { Reading(kind: nil, value: $0.description) }
    if chosen == number { return own.map { [$0] } ?? [] }
    if let kind = IdentifierKind(name: chosen) { return reading(kind).map { [$0] } ?? [] }
    if let mail = reading(.email) { return [mail, Reading(kind: .external, value: entered)] }
    return [own, reading(.memberID), reading(.phone)].compactMap(\.self) + kinds.dropFirst(3).compactMap(reading)
  }

  /// As the profile service knows an identifier: numbers and addresses as ingest keeps them (I-04); nil: it can be none of the kind.
  static func reading(_ entered: String, as kind: IdentifierKind, _ visit: Visit) -> Reading? {
    switch kind {
    case .phone: visit.site.settings.phones.e164(entered).map { Reading(kind: .phone, value: $0) }
    case .email: entered.contains("@") ? Reading(kind: .email, value: entered.lowercased()) : nil
    default: Reading(kind: kind, value: entered)
    }
  }

  private struct Found {
    let reading: Reading
    let customer: JSONValue
  }

  private func search(_ visit: Visit) async throws -> Response {
    let form = try visit.request.form()
    let entered = Entered(form: form, failure: nil)
    let readings = CustomerSearch.readings(form["q"] ?? "", as: form["by"] ?? CustomerSearch.any, visit)
    guard !readings.isEmpty else { return await show(visit, entered, CustomerSearch.unreadable) }
    var found: [Found] = []
    var missing: PeerFailure?
    let answers = await withTaskGroup(of: (Int, Section).self) { group in
      for (place, reading) in readings.enumerated() {
        group.addTask {
          guard let kind = reading.kind else { return (place, await visit.api.section(.profile, "/v1/customers/\(reading.value)")) }
          return (place, await visit.api.section(.profile, "/v1/customers", [(kind.name, reading.value)]))
        }
      }
      var all: [(Int, Section)] = []
      for await answer in group { all.append(answer) }
      return all.sorted { $0.0 < $1.0 }
    }
    for (place, answer) in answers {
      switch answer {
      case .success(let customer):
        let isKnown = found.contains { $0.customer["customer_id"] == customer["customer_id"] }
        if !isKnown { found.append(Found(reading: readings[place], customer: customer)) }
      case .failure(let failure): if !failure.isMissing { missing = failure }
      }
    }
    if found.isEmpty, let missing { throw missing }
    if found.count == 1, let id = found[0].customer["customer_id"]?.stringValue {
      let asked = found[0].customer["asked_for"]?.stringValue
      return visit.go(to: CustomerFile.path(id), asked == id ? [] : [(name: CustomerFile.from, value: asked)])
    }
    if found.isEmpty, let id = await ticket(form["q"] ?? "", visit) { return visit.go(to: CustomerFile.path(id)) }
    return await show(visit, entered, found.isEmpty ? CustomerSearch.nobody : CustomerSearch.several, found)
  }

  /// The customer of a ticket: people have its number at hand when somebody calls about it.
  private func ticket(_ text: String, _ visit: Visit) async -> String? {
    let id = text.filter { !$0.isWhitespace }.lowercased()
    guard visit.may(.ticketsRead), id.utf8.count == 16, id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return nil }
    return await visit.api.section(.tickets, "/v1/tickets/\(id)").json?["customer_id"]?.stringValue
  }

  // MARK: - The page

  private func show(_ visit: Visit, _ entered: Entered = .nothing, _ notice: LocalizedName? = nil, _ found: [Found] = []) async -> Response {
    let api = visit.api
    async let tiers = visit.may(.figuresRead) ? api.figures(.tiering, "/v1/tiers/summary").section : nil
    async let tags = visit.may(.customersExport) && visit.may(.figuresRead) ? api.figures(.profile, "/v1/tags").section : nil
    let (summary, rules) = (await tiers, await tags)
    let title = visit.say("Customers", "客户")
    return visit.page(title, .customers, status: notice == CustomerSearch.unreadable ? .unprocessable : .ok) {
      Element(.h1, title)
      CustomerSearch.form(visit, entered)
      if let notice { found.isEmpty ? Notice.fault(visit.say(notice)) : Notice.plain(visit.say(notice)) }
      if !found.isEmpty { table(visit, found).element(visit, empty: "", hasFile: false) }
      Element(.div, [.class("columns")]) {
        if let summary { CustomerCards.card(visit.say("By tier", "按等级")) { summary.shown(visit) { CustomerLists.tiers(visit, $0) } } }
        if let rules { CustomerCards.card(visit.say("By tag", "按标签")) { rules.shown(visit) { CustomerLists.tags(visit, $0) } } }
        CustomerCards.card(visit.say("By what waits", "按待办")) { waiting(visit) }
      }
    }
  }

  static func form(_ visit: Visit, _ entered: Entered) -> Element {
    Parts.form(visit, PageTarget(path), [.class("filters find"), .label(.role, "search"), .label(.spoken, visit.say("Find a customer", "查找客户"))]) {
      Parts.field(
        visit.say("Number, phone or e-mail", "编号、手机号或邮箱"), "q", value: entered.value("q"),
        [.label(.maxlength, String(Identifier.valueBytesMax)), .label(.autocomplete, "off"), .on(.required)], type: .search)
      Parts.choice(
        visit.say("It is", "类型"), "by",
        [(any, visit.say("anything", "自动识别")), (number, visit.say("Customer number", "客户编号"))]
          + kinds.map { ($0.name, visit.word($0.name, of: CustomerWords.kinds)) }, chosen: entered["by"])
      Element(.button, [.class("main")], visit.say("Find", "查找"))
    }
  }

  @NodeBuilder private func waiting(_ visit: Visit) -> [Node] {
    Element(.ul, [.class("lines")]) {
      if visit.may(.tiersDecide) || visit.may(.identitiesRead) {
        Element(.li) { Parts.link(visit.say("Tiers and identities that wait for a decision", "待决定的等级与身份"), PageTarget(ReviewPages.path)) }
      }
      if visit.may(.identitiesRead) { Element(.li) { Parts.link(visit.say("Merges that were made", "已发生的合并"), PageTarget(MergePages.path)) } }
      if visit.may(.ticketsRead) {
        Element(.li) { Parts.link(visit.say("Customers with open tickets", "有未结工单的客户"), PageTarget("/tickets")) }
      }
    }
    Element(.p, [.class("soft")], visit.say(CustomerSearch.how))
  }

  private func table(_ visit: Visit, _ found: [Found]) -> DataTable {
    DataTable(
      "found", visit.say("Customers found", "查找结果"),
      [visit.say("Customer", "客户"), visit.say("Member", "会员号"), visit.say("Found as", "匹配方式"), visit.say("Lifecycle", "生命周期"), visit.say("Orders", "订单")],
      found.map { one in
        let id = one.customer["customer_id"]?.stringValue ?? ""
        let kind = one.reading.kind.map { visit.word($0.name, of: CustomerWords.kinds) } ?? visit.say("Customer number", "客户编号")
        return [
          .link(one.customer["attributes"]?["name"]?.stringValue ?? id, CustomerFile.target(id)), .text(visit.text(one.customer["member_id"])), .text(kind),
          .text(visit.word(one.customer["lifecycle"], of: CustomerWords.lifecycles)), .number(visit.number(one.customer["orders_of_all_time"])),
        ]
      })
  }

  private static let nobody = LocalizedName(
    en: "Nobody was found by that. It must be the whole number or address, as it was given to us; orders and names cannot be searched.",
    zh: "没有找到。请输入完整的编号或地址；不支持按订单号或姓名查找。")
  private static let several = LocalizedName(
    en: "What was entered belongs to several customers, each time as something else. Which one is it?", zh: "该内容以不同类型对应多位客户，请选择：")
  private static let unreadable = LocalizedName(
    en: "What was entered cannot be a number of this kind. Choose another kind, or \"anything\".", zh: "输入内容不符合所选类型。请更换类型或选择“自动识别”。")
  private static let how = LocalizedName(
    en: "A customer is found by its number, member id, phone, e-mail, WeChat id, POS card, device or external id (source:number), or by a ticket's number.",
    zh: "可按客户编号、会员号、手机号、邮箱、微信标识、门店会员卡、设备号、外部编号（来源:编号）或工单号查找。")
}
