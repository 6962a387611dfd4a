// A simulation as tables for people, CSV for spreadsheets and JSON for programs.
public import CommandLine
import Domain
import Text

extension ScorecardSimulation {
  private func money(_ minorUnits: Int128) -> String { TierReport.money(minorUnits, currency) }

  /// The part of all customers, in percent.
  private func share(_ cell: Cell) -> String? { TierReport.percent(Int128(cell.customers), of: Int128(customers)) }
  private func revenueShare(_ cell: Cell) -> String? { TierReport.percent(cell.revenue, of: all.revenue) }

  // MARK: - For people

  /// In the console's language: the matrix of moves, the tiers, how much stays as it is; with `listsMoves` everybody who would move.
  public func text(for console: Console, listsMoves: Bool) -> String {
    let isChinese = console.language == .zh
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let head = say(
      "Scorecard \(scorecard) on the \(customers) customers of \(day), policy \(policy), amounts in \(currency)\n\n",
      "评分卡 \(scorecard) 对 \(day) 的 \(customers) 名客户试算，策略 \(policy)，币种 \(currency)\n\n")
    var text = head + matrix(isChinese).render() + "\n" + tiers(isChinese).render() + "\n" + agreement(isChinese)
    if summary != nil { text += "\n" + loads(isChinese).render() + recognition(isChinese) }
    if unratable > 0 {
      text += say(
        "Figures beyond exact arithmetic, rating kept: \(unratable)\n", "数据超出精确计算范围、保持原评级的客户：\(unratable)\n")
    }
    if waiting > 0 {
      text += say(
        "Changed and not rated yet: \(waiting); their moves may come from new figures, not from the scorecard\n",
        "数据已变、尚待重新评级的客户：\(waiting)；其变动可能来自新数据而非评分卡\n")
    }
    if listsMoves { text += "\n" + (moves.isEmpty ? say("Nobody moves\n", "没有客户变动\n") : list(isChinese).render()) }
    return text
  }

  private func name(_ rank: Rank, _ isChinese: Bool) -> String { isChinese ? rank.name.zh : rank.name.en }

  private func matrix(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table(
      [.init(say("Today \\ then", "现在 \\ 之后"))] + ranks.map { .init(name($0, isChinese), .right) } + [.init(say("all", "合计"), .right)])
    for from in ranks { table.add([name(from, isChinese)] + ranks.map { String(cell(from.id, $0.id).customers) } + [String(now(from.id).customers)]) }
    table.add([say("all", "合计")] + ranks.map { String(then($0.id).customers) } + [String(customers)])
    return table
  }

  private func tiers(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Tier", "等级")), .init(say("Share % today", "现占比 %"), .right), .init(say("Then", "之后"), .right),
      .init(say("Revenue today", "现消费额"), .right), .init(say("Then", "之后"), .right), .init(say("Of revenue % today", "现消费占比 %"), .right),
      .init(say("Then", "之后"), .right),
    ])
    for rank in ranks {
      let (now, then) = (now(rank.id), then(rank.id))
      table.add([
        name(rank, isChinese), share(now) ?? "-", share(then) ?? "-", money(now.revenue), money(then.revenue), revenueShare(now) ?? "-",
        revenueShare(then) ?? "-",
      ])
    }
    return table
  }

  /// What the tiers' benefits cost and what service they take, by the figures that the benefits' file states.
  private func loads(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    var table = Table([
      .init(say("Benefits", "权益")), .init(say("Cost a year today", "现年成本"), .right), .init(say("Then", "之后"), .right),
      .init(say("Service minutes a day today", "现每日服务分钟"), .right), .init(say("Then", "之后"), .right),
    ])
    func row(_ name: String, _ tier: String?) {
      guard let load = load(tier) else { return }
      func cost(_ value: JSONValue) -> String { value["benefit_cost"]?.numberText.flatMap { Int128($0) }.map(money) ?? "-" }
      func minutes(_ value: JSONValue) -> String { value["service_minutes_a_day"]?.numberText ?? "-" }
      table.add([name, cost(load.now), cost(load.then), minutes(load.now), minutes(load.then)])
    }
    for rank in ranks { row(name(rank, isChinese), rank.id) }
    row(say("all", "合计"), nil)
    return table
  }

  /// How well the labelled customers are found; nothing where none were given.
  private func recognition(_ isChinese: Bool) -> String {
    guard let labelled = summary?["labelled"], let known = labelled["known"]?.intValue, let given = labelled["given"]?.intValue else { return "" }
    func words(_ when: String) -> (precision: String, recall: String) {
      (labelled[when]?["precision_percent"]?.numberText ?? "-", labelled[when]?["recall_percent"]?.numberText ?? "-")
    }
    let (now, then) = (words("now"), words("then"))
    let reference = labelled["reference_percent"]?.intValue ?? 0
    return isChinese
      ? "\n标注的高价值客户 \(given) 名，其中 \(known) 名有评级：精确率现 \(now.precision)%、之后 \(then.precision)%；召回率现 \(now.recall)%、之后 \(then.recall)%（参考值 \(reference)%）\n"
      : "\nLabelled customers: \(given), of whom \(known) are rated; precision \(now.precision) % today, \(then.precision) % then; "
        + "recall \(now.recall) % today, \(then.recall) % then (reference \(reference) %)\n"
  }

  private func agreement(_ isChinese: Bool) -> String {
    let (up, down) = directions
    let (share, revenue) = (share(kept) ?? "-", revenueShare(kept) ?? "-")
    return isChinese
      ? "\(kept.customers) 名客户等级不变（占客户 \(share)%，占消费额 \(revenue)%）；升级 \(up)，降级 \(down)\n"
      : "\(kept.customers) keep their tier: \(share) % of customers, \(revenue) % of revenue; \(up) move up, \(down) down\n"
  }

  private func list(_ isChinese: Bool) -> Table {
    func say(_ english: String, _ chinese: String) -> String { isChinese ? chinese : english }
    let names = Dictionary(ranks.map { ($0.id, name($0, isChinese)) }) { first, _ in first }
    var table = Table([
      .init(say("Customer", "客户")), .init(say("Member", "会员号")), .init(say("Today", "现在")), .init(say("Then", "之后")),
      .init(say("Score today", "现得分"), .right), .init(say("Then", "之后"), .right), .init(say("Revenue", "消费额"), .right),
    ])
    for move in moves {
      table.add([
        move.customer, move.memberID ?? "-", names[move.tier] ?? move.tier, names[move.tierThen] ?? move.tierThen, move.score.map { String($0) } ?? "-",
        move.scoreThen.map { String($0) } ?? "-", money(Int128(move.revenue)),
      ])
    }
    return table
  }

  // MARK: - CSV

  /// One record per pair of tiers, in the tiers' order.
  public func matrixCSV() -> [UInt8] {
    var writer = DelimitedWriter()
    writer.record(["tier_now", "tier_then", "customers", "revenue"])
    for from in ranks {
      for to in ranks {
        let cell = cell(from.id, to.id)
        writer.record([from.id, to.id, String(cell.customers), money(cell.revenue)])
      }
    }
    return writer.take()
  }

  /// One record per customer whose tier would change; an empty field is no value.
  public func movesCSV() -> [UInt8] {
    var writer = DelimitedWriter()
    writer.record(["customer_id", "member_id", "tier_now", "tier_then", "score_now", "score_then", "revenue"])
    for move in moves {
      writer.record([
        move.customer, move.memberID ?? "", move.tier, move.tierThen, move.score.map { String($0) } ?? "", move.scoreThen.map { String($0) } ?? "",
        money(Int128(move.revenue)),
      ])
    }
    return writer.take()
  }

  // MARK: - JSON

  /// Amounts are decimal texts, percent numbers with at most four decimals, no value is null.
  public func json(listsMoves: Bool) -> [UInt8] {
    let (up, down) = directions
    var members: [JSONMember] = [
      JSONMember("scorecard", .text(scorecard.description)), JSONMember("policy", .text(policy.description)), JSONMember("as_of", .text(day.description)),
      JSONMember("currency", .text(currency.description)), JSONMember("customers", .integer(Int64(customers))),
      JSONMember("unratable", .integer(Int64(unratable))), JSONMember("waiting", .integer(Int64(waiting))),
      JSONMember("kept", .integer(Int64(kept.customers))), JSONMember("up", .integer(Int64(up))),
      JSONMember("down", .integer(Int64(down))), JSONMember("agreement_percent", .decimal(share(kept))),
      JSONMember("agreement_revenue_percent", .decimal(revenueShare(kept))), JSONMember("registered_otherwise", .boolean(isRegisteredOtherwise)),
      JSONMember("tiers", .array(ranks.map(tierJSON))),
      JSONMember("matrix", .array(ranks.flatMap { from in ranks.map { pairJSON(from.id, $0.id) } })),
    ]
    if let summary {
      members.append(JSONMember("benefits", benefits(summary)))
      members.append(JSONMember("labelled", summary["labelled"] ?? .null))
    }
    if let state { members.append(JSONMember("state", .text(state))) }
    if listsMoves { members.append(JSONMember("moves", .array(moves.map(moveJSON)))) }
    return JSONValue.object(members).encoded
  }

  private func benefits(_ summary: JSONValue) -> JSONValue {
    func load(_ value: JSONValue?) -> JSONValue {
      [
        "cost": value?["benefit_cost"]?.numberText.flatMap { Int128($0) }.map { .text(money($0)) } ?? .null,
        "service_minutes_a_day": value?["service_minutes_a_day"] ?? .null,
      ]
    }
    let tiers = ranks.compactMap { rank -> JSONValue? in
      self.load(rank.id).map { ["tier": .text(rank.id), "now": load($0.now), "then": load($0.then)] }
    }
    return [
      "version": summary["benefits_version"] ?? .null, "working_days": summary["working_days"] ?? .null, "now": load(summary["now"]),
      "then": load(summary["then"]), "tiers": .array(tiers),
    ]
  }

  private func tierJSON(_ rank: Rank) -> JSONValue {
    func cell(_ cell: Cell) -> JSONValue {
      [
        "customers": .integer(Int64(cell.customers)), "share_percent": .decimal(share(cell)), "revenue": .text(money(cell.revenue)),
        "revenue_share_percent": .decimal(revenueShare(cell)),
      ]
    }
    return [
      "tier": .text(rank.id), "name": ["en": .text(rank.name.en), "zh": .text(rank.name.zh)], "now": cell(now(rank.id)), "then": cell(then(rank.id)),
    ]
  }

  private func pairJSON(_ from: String, _ to: String) -> JSONValue {
    let cell = cell(from, to)
    return ["tier_now": .text(from), "tier_then": .text(to), "customers": .integer(Int64(cell.customers)), "revenue": .text(money(cell.revenue))]
  }

  private func moveJSON(_ move: Move) -> JSONValue {
    [
      "customer_id": .text(move.customer), "member_id": .textOrNull(move.memberID), "tier_now": .text(move.tier), "tier_then": .text(move.tierThen),
      "score_now": move.score.map { .integer($0) } ?? .null, "score_then": move.scoreThen.map { .integer($0) } ?? .null,
      "revenue": .text(money(Int128(move.revenue))),
    ]
  }
}
