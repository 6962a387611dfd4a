// Parts of the first page: what waits for a decision, the data that came in, alerts, and the tiers.
import Access
import Domain
import HTML
import HTTP
import Text

/// What waits until somebody decides.
struct HomeReviews {
  let visit: Visit
  let reviews: Section?
  let proposals: Section?
  let grants: Section?

  /// Everybody may read proposals one by one; a list of them is the work of those who decide, and of those who look after them.
  static func maySeeProposals(_ visit: Visit) -> Bool { visit.may(.tiersDecide) || visit.may(.identitiesRead) }

  var group: HomeFigures.Group? {
    let tiles = [
      tile("reviews", visit.say("Customers to be told apart", "待判定的疑似同一客户"), reviews, CasePages.path) { HomeFigures.count($0, "reviews", visit) },
      tile("proposals", visit.say("Tiers to be confirmed", "待确认的等级变更"), proposals, ProposalPages.path) { visit.number($0["count"]) },
      tile("grants", visit.say("Grants to be approved", "待审批的补偿与升级"), grants, GrantPages.path) { HomeFigures.count($0, "grants", visit) },
    ].compactMap { $0 }
    return tiles.isEmpty ? nil : HomeFigures.Group(id: "reviews", title: visit.say("Waiting for a decision", "等待处理"), tiles: tiles)
  }

  private func tile(
    _ id: String, _ name: String, _ section: Section?, _ path: String, _ value: (JSONValue) -> String
  ) -> HomeFigures.Tile? {
    guard let section else { return nil }
    var tile = HomeFigures.Tile(id: id, name: name, target: visit.target(path))
    switch section {
    case .success(let json): tile.value = value(json)
    case .failure(let failure): tile.note = HomeFigures.why(failure, visit)
    }
    if tile.value != "–", tile.value != "0" { tile.state = .warn }
    return tile
  }
}

/// What came in today, how late, and what was refused.
struct HomeData {
  let visit: Visit
  let quality: Section?
  let quarantine: Section?
  let waiting: Section?

  var group: HomeFigures.Group? {
    var tiles: [HomeFigures.Tile] = []
    if let quality { tiles += [records(quality), lateness(quality)] }
    if let quarantine { tiles.append(quarantined(quarantine)) }
    if let waiting { tiles.append(waits(waiting)) }
    return tiles.isEmpty ? nil : HomeFigures.Group(id: "data", title: visit.say("Data that came in", "数据接入"), tiles: tiles)
  }

  private func tile(
    _ id: String, _ name: String, _ section: Section, path: String = QualityPages.path, _ fill: (JSONValue, inout HomeFigures.Tile) -> Void
  ) -> HomeFigures.Tile {
    var tile = HomeFigures.Tile(id: id, name: name, target: visit.target(path))
    switch section {
    case .success(let json): fill(json, &tile)
    case .failure(let failure): tile.note = HomeFigures.why(failure, visit)
    }
    return tile
  }

  private func records(_ section: Section) -> HomeFigures.Tile {
    tile("records", visit.say("Records today", "今日记录"), section) { json, tile in
      let (records, refused) = (sum(json, "records"), sum(json, "refused"))
      tile.value = visit.number(records)
      tile.note = visit.say("\(visit.number(refused)) refused, \(visit.number(sum(json, "duplicates"))) came twice",
        "拒绝 \(visit.number(refused))，重复 \(visit.number(sum(json, "duplicates")))")
    }
  }

  private func lateness(_ section: Section) -> HomeFigures.Tile {
    tile("lateness", visit.say("Came late today", "今日迟到"), section) { json, tile in
      let rows = json.list.compactMap { $0["lateness"] }
      let (known, late) = (rows.reduce(0) { $0 + $1.count("records") }, rows.reduce(0) { $0 + $1.count("late") })
      tile.value = visit.percent(Visit.share(late, of: known))
      guard known > 0 else {
        tile.note = visit.say("no source says when", "没有来源提供时间")
        return
      }
      let latest = visit.span(seconds: rows.map { $0.count("latest_seconds") }.max() ?? 0)
      tile.note = visit.say(
        "\(visit.number(late)) of \(visit.number(known)), the latest by \(latest)",
        "\(visit.number(known)) 条中 \(visit.number(late)) 条，最多迟到 \(latest)")
    }
  }

  private func quarantined(_ section: Section) -> HomeFigures.Tile {
    tile("quarantine", visit.say("In quarantine", "隔离区"), section, path: QuarantinePage.path) { json, tile in
      let open = json.list.filter { $0["state"] == "open" }
      tile.value = visit.number(open.reduce(0) { $0 + $1.count("records") })
      let sources = Set(open.compactMap { $0["source"]?.stringValue }).count
      if !open.isEmpty {
        tile.state = .warn
        tile.note = visit.say("from \(sources) source\(sources == 1 ? "" : "s")", "来自 \(sources) 个来源")
      }
    }
  }

  private func waits(_ section: Section) -> HomeFigures.Tile {
    tile("waiting", visit.say("Waiting for their order", "等待所属订单"), section) { json, tile in
      tile.value = visit.number(json["facts"])
      if let since = json["since"], !since.isNull { tile.note = visit.say("since \(visit.moment(since))", "最早 \(visit.moment(since))") }
    }
  }

  /// Sources that are refused more than they may be.
  var alerts: [String] {
    (quality?.json?.list ?? []).filter { $0["is_above_ceiling"] == true }.map { row in
      let (source, stream) = (visit.text(row["source"]), visit.text(row["stream"]))
      let rate = visit.percent(row["error_rate"]?.numberText.flatMap { Rational(decimal: $0) }.flatMap { try? $0 * .oneHundred })
      return visit.say("\(source), \(stream): \(rate) were refused today, more than the limit", "\(source) 的 \(stream)：今日拒绝率 \(rate)，超过上限")
    }
  }

  private func sum(_ json: JSONValue, _ name: String) -> Int64 { json.list.reduce(0) { $0 + $1.count(name) } }
}

/// Services that are away, and partitions that stand still.
enum HomeAlerts {
  static func read(_ visit: Visit) async -> [String] {
    let found = await withTaskGroup(of: (place: Int, alerts: [String]).self) { group in
      for (place, peer) in Peer.allCases.enumerated() { group.addTask { (place, await of(peer, visit)) } }
      var found: [(place: Int, alerts: [String])] = []
      for await one in group { found.append(one) }
      return found
    }
    return found.sorted { $0.place < $1.place }.flatMap(\.alerts)
  }

  private static func of(_ peer: Peer, _ visit: Visit) async -> [String] {
    guard visit.may(.operationsRead) else { return await readiness(of: peer, visit) }
    do throws(PeerFailure) {
      let gaps = try await visit.api.get(peer, "/v1/gaps")["gaps"]?.list.filter { $0["state"] == "open" } ?? []
      let ready = await readiness(of: peer, visit)
      return ready
        + gaps.map { gap in
          let (kind, topic, partition) = (visit.text(gap["kind"]), visit.text(gap["topic"]), visit.text(gap["partition"]))
          return visit.say(
            "\(peer.rawValue) stands still at \(topic)/\(partition): \(kind) (see clientele gaps)",
            "\(peer.rawValue) 停在 \(topic)/\(partition)：\(kind)（见 clientele gaps）")
        }
    } catch { return away(peer, visit) }
  }

  private static func readiness(of peer: Peer, _ visit: Visit) async -> [String] {
    do throws(PeerFailure) { _ = try await visit.api.bytes(peer, .get, "/readyz") } catch {
      // Whatever it says otherwise, it answers.
      if case .refused(let status, _, _, _) = error, status < 500 { return [] }
      return away(peer, visit)
    }
    return []
  }

  private static func away(_ peer: Peer, _ visit: Visit) -> [String] {
    [visit.say("the service \(peer.rawValue) is away or not ready", "服务 \(peer.rawValue) 不可用或未就绪")]
  }
}

/// Customers and revenue by tier.
enum HomeTiers {
  /// Every figure of the table by the name of its place.
  static func cells(_ json: JSONValue, _ visit: Visit) -> [(name: String, text: String)] {
    table(json, visit).rows.flatMap { $0 }.compactMap { if case .figure(let text, _, .some(let name)) = $0 { (name, text) } else { nil } }
  }

  static func table(_ json: JSONValue, _ visit: Visit) -> DataTable {
    let currency = visit.currency(of: json)
    let rows = (json["tiers"]?.list ?? []).map { tier -> [Cell] in
      let id = "tier-\(visit.text(tier["tier"]))"
      return [
        .text(visit.say(tier["name"])), visit.cell(tier["customers"], live: "\(id)-customers"), visit.cell(percent: tier["share_percent"], live: "\(id)-share"),
        visit.cell(minor: tier["revenue"], currency, live: "\(id)-revenue"), visit.cell(percent: tier["revenue_share_percent"], live: "\(id)-revenue-share"),
      ]
    }
    return DataTable(
      "tiers", visit.say("Customers and revenue by tier", "各等级客户与消费额"),
      [
        visit.say("Tier", "等级"), visit.say("Customers", "客户数"), visit.say("Share %", "客户占比 %"),
        visit.say("Revenue (\(currency))", "消费额（\(currency)）"), visit.say("Of revenue %", "消费占比 %"),
      ], rows)
  }

  /// Of each tier its part of the customers, and its part of the revenue.
  static func chart(_ json: JSONValue, _ visit: Visit) -> [Node] {
    ShareChart.nodes(visit.say("Share of customers and of revenue by tier", "各等级的客户占比与消费占比"), json["tiers"]?.list ?? [], visit) { tier in
      (visit.say(tier["name"]), tier["share_percent"], tier["revenue_share_percent"])
    }
  }
}

/// Of each group of customers its part of all of them, and below it its part of the revenue.
enum ShareChart {
  @NodeBuilder static func nodes(
    _ title: String, _ rows: [JSONValue], _ visit: Visit, _ read: (JSONValue) -> (name: String, customers: JSONValue?, revenue: JSONValue?)
  ) -> [Node] {
    let bars = rows.flatMap { row -> [Chart.Bar] in
      let (name, customers, revenue) = read(row)
      return [
        Chart.Bar(label: name, value: customers?.measure ?? 0, text: visit.percent(customers)),
        Chart.Bar(label: visit.say("its revenue", "消费额"), value: revenue?.measure ?? 0, text: visit.percent(revenue), color: "b"),
      ]
    }
    Chart.bars(title, bars)
    Chart.legend([
      Chart.Line(name: visit.say("share of customers", "客户占比"), values: []), Chart.Line(name: visit.say("share of revenue", "消费占比"), values: [], color: "b"),
    ])
  }
}
