// Whose contact data was seen in full, by whom, which fields and why (S-06): the leak drill.
import Access
import Domain
import HTML
import HTTP
import Text

/// Looks of all services at one customer, or at a record of nobody known.
struct ExposedOwner {
  let customer: String?
  let record: String
  var looks: Int64 = 0
  var fields: Set<String> = []
  var people: Set<String> = []
  var first = ""
  var last = ""

  /// In the order of the most looks, then by name.
  static func all(_ entries: [TrailEntry], _ visit: Visit) -> [ExposedOwner] {
    var owners: [String: ExposedOwner] = [:]
    for entry in entries {
      for seen in entry.json["seen"]?.list ?? [] {
        let (customer, record) = (seen["customer"]?.stringValue, seen["record"]?.stringValue ?? "")
        var owner = owners["\(customer ?? "")|\(record)"] ?? ExposedOwner(customer: customer, record: record)
        owner.looks += 1
        owner.fields.formUnion((seen["fields"]?.list ?? []).compactMap(\.stringValue))
        owner.people.insert(visit.actor(entry.json))
        if owner.first.isEmpty || entry.at < owner.first { owner.first = entry.at }
        if entry.at > owner.last { owner.last = entry.at }
        owners["\(customer ?? "")|\(record)"] = owner
      }
    }
    return owners.values.sorted { ($1.looks, $0.customer ?? "~", $0.record) < ($0.looks, $1.customer ?? "~", $1.record) }
  }
}

struct ExposurePage {
  let visit: Visit

  /// Of each service, in pages and looks: for more, `clientele` reads everything.
  private static let pagesMax = 5
  private static let rowsPerPage = 200
  /// Rows that the page shows; the files have all that was read.
  private static let shownMax = 50
  private static let usualDays = 7

  private func given(_ name: String) -> String? { visit.request.query[name].flatMap { $0.isEmpty ? nil : $0 } }

  /// Trails go by the machine's clock.
  private var today: Day { visit.site.zone.day(of: Instant(microseconds: visit.site.now())) }

  func show() async -> Response {
    let to = given("to") ?? today.description
    let from = given("from") ?? (today + (1 - ExposurePage.usualDays)).description
    let (first, last) = (Day(from), Day(to))
    let wrong = visit.say("Give a day as 2026-11-29.", "请输入日期，例如 2026-11-29。")
    let fromFault = first == nil ? wrong : nil
    var toFault = last == nil ? wrong : nil
    if let first, let last, last < first { toFault = visit.say("This lies before the first day.", "早于起始日期。") }
    guard fromFault == nil, toFault == nil else {
      return page(from, to, (fromFault, toFault), status: .unprocessable) { [] }
    }
    let (entries, failures, isWhole) = await read([("from", from), ("to", to), ("actor", given("actor")), ("customer", given("customer"))])
    let owners = ExposedOwner.all(entries, visit)
    let tables = [customers(owners), looks(entries)]
    if let file = visit.file(of: tables) { return file }
    return page(from, to, (nil, nil), status: .ok) {
      for one in failures { Notice.failure(one.failure, of: one.peer, visit) }
      if !isWhole {
        Notice.plain(visit.say(ExposureText.more))
      }
      let people = Set(entries.map { visit.actor($0.json) })
      Element(.div, [.class("tiles")]) {
        Parts.tile(visit.say("Customers affected", "涉及客户"), visit.number(Int64(Set(owners.compactMap(\.customer)).count)))
        Parts.tile(visit.say("People who looked", "查看人"), visit.number(Int64(people.count)))
        Parts.tile(visit.say("Looks", "查看次数"), visit.number(Int64(entries.count)))
      }
      shown(tables[0], visit.say("Nobody's data was seen in full.", "没有完整查看记录。"))
      shown(tables[1], visit.say("Nobody looked.", "没有查看记录。"))
    }
  }

  private func page(
    _ from: String, _ to: String, _ faults: (from: String?, to: String?), status: HTTPStatus, @NodeBuilder _ content: () -> [Node]
  ) -> Response {
    let inside = content()
    let title = visit.say("Who saw contact data in full?", "敏感信息查看记录")
    return visit.page(title, .audit, status: status) {
      Element(.p, [.class("trail")]) { Parts.link(visit.say("Audit", "审计"), visit.target(AuditPages.path)) }
      Element(.h1, title)
      Element(.p, visit.say(ExposureText.what))
      Parts.search(visit.target(AuditPages.exposurePath), visit.say("Which looks", "筛选")) {
        Parts.field(visit.say("From", "自"), "from", value: from, [.on(.required)], type: .date, fault: faults.from)
        Parts.field(visit.say("To", "至"), "to", value: to, [.on(.required)], type: .date, fault: faults.to)
        Parts.field(visit.say("Person", "查看人"), "actor", value: given("actor") ?? "", [.label(.maxlength, "100")])
        Parts.field(visit.say("Customer", "客户编号"), "customer", value: given("customer") ?? "", [.label(.maxlength, "16")])
        visit.showButton()
      }
      inside
    }
  }

  /// The looks of all services, the newest first.
  private func read(
    _ query: [(name: String, value: String?)]
  ) async -> (entries: [TrailEntry], failures: [(peer: Peer, failure: PeerFailure)], isWhole: Bool) {
    let found = await withTaskGroup(of: (peer: Peer, entries: [TrailEntry], failure: PeerFailure?, isWhole: Bool).self) { group in
      for peer in Peer.allCases {
        group.addTask {
          var entries: [TrailEntry] = []
          var before: String?
          do throws(PeerFailure) {
            for _ in 0..<ExposurePage.pagesMax {
              let asked = query + [(name: "limit", value: String(ExposurePage.rowsPerPage)), (name: "before", value: before)]
              let answer = try await visit.api.get(peer, "/v1/audit/exposure", asked)
              entries += (answer["looks"]?.list ?? []).map { TrailEntry(peer: peer, json: $0) }
              before = answer["next"]?.stringValue
              if before == nil { break }
            }
          } catch { return (peer, entries, error, true) }
          return (peer, entries, nil, before == nil)
        }
      }
      var found: [(peer: Peer, entries: [TrailEntry], failure: PeerFailure?, isWhole: Bool)] = []
      for await one in group { found.append(one) }
      return found
    }
    let entries = found.flatMap(\.entries).sorted { ($0.at, $0.peer.rawValue, $0.place) > ($1.at, $1.peer.rawValue, $1.place) }
    let failures = Peer.allCases.compactMap { peer in found.first { $0.peer == peer }?.failure.map { (peer: peer, failure: $0) } }
    return (entries, failures, found.allSatisfy(\.isWhole))
  }

  // MARK: - Tables

  @NodeBuilder private func shown(_ table: DataTable, _ empty: String) -> [Node] {
    DataTable(table.id, table.caption, table.columns, Array(table.rows.prefix(ExposurePage.shownMax))).element(visit, empty: empty)
    if table.rows.count > ExposurePage.shownMax {
      Element(.p, [.class("soft")], visit.say(
        "\(ExposurePage.shownMax) of \(visit.number(Int64(table.rows.count))) are shown; the CSV has all of them.",
        "显示 \(visit.number(Int64(table.rows.count))) 条中的 \(ExposurePage.shownMax) 条；CSV 包含全部。"))
    }
  }

  private func customer(_ id: String?, _ record: String) -> Cell {
    guard let id else { return .text(record.isEmpty ? "–" : record) }
    return .link(id, visit.may(.customersRead) ? visit.target("/customers/\(PercentEncoding.encoded(id))") : nil)
  }

  private func customers(_ owners: [ExposedOwner]) -> DataTable {
    let rows = owners.map { owner -> [Cell] in
      [
        customer(owner.customer, owner.record), .text(owner.fields.sorted().joined(separator: ", ")),
        .figure(visit.number(owner.looks), file: String(owner.looks)),
        .text(owner.people.sorted().joined(separator: visit.say(", ", "、"))), .text(visit.trailMoment(.text(owner.first))),
        .text(visit.trailMoment(.text(owner.last))),
      ]
    }
    return DataTable(
      "exposed-customers", visit.say("Who was affected", "涉及的客户"),
      [
        visit.say("Customer", "客户"), visit.say("Fields", "字段"), visit.say("Looks", "次数"), visit.say("Seen by", "查看人"), visit.say("First", "首次"),
        visit.say("Last", "最近"),
      ], rows)
  }

  private func looks(_ entries: [TrailEntry]) -> DataTable {
    let rows = entries.map { entry -> [Cell] in
      let json = entry.json
      let path = visit.text(json["path"])
      let seen = (json["seen"]?.list ?? []).map { one in
        let whose = one["customer"]?.stringValue ?? one["record"]?.stringValue ?? "–"
        return "\(whose): \((one["fields"]?.list ?? []).compactMap(\.stringValue).joined(separator: ", "))"
      }
      return [
        .text(visit.trailMoment(json["at"])), .text(visit.actor(json)), .text(visit.text(json["roles"])), .text(visit.text(json["reason"])),
        .text(entry.peer.rawValue), .shown([.element(Element(.code, path))], plain: path),
        .shown(seen.map { .element(Element(.p, $0)) }, plain: seen.joined(separator: "; ")),
      ]
    }
    return DataTable(
      "looks", visit.say("Each look", "逐次查看"),
      [
        visit.say("At", "时间"), visit.say("By", "查看人"), visit.say("Roles", "角色"), visit.say("Reason", "理由"), visit.say("Service", "服务"),
        visit.say("Asked for", "请求"), visit.say("Seen", "查看内容"),
      ], rows)
  }
}

enum ExposureText {
  static let what = LocalizedName(
    en: "Contact data is masked unless somebody gives a reason; each time it was shown in full stands here: whose, which fields, to whom, and why.",
    zh: "联系方式默认脱敏；凡说明理由后完整查看的，均记录在此：谁的数据、哪些字段、由谁查看、理由为何。")
  static let more = LocalizedName(
    en: "There are more looks than this page reads. Choose fewer days, or use clientele audit exposure, which reads all of them.",
    zh: "查看记录过多，本页未能全部读取。请缩短日期范围，或使用 clientele audit exposure 读取全部。")
}
