// The three kinds of documents: the shipped files, files cut short, and files with many things wrong.

import Documents
import Domain
import Testing

struct DocumentTests {
  static let scorecards = ["rfm-plus", "standard"]
  static let mappings = ["cdnow", "online-retail"]
  private static func path(_ name: String) -> String { "\(Repository.root)/deploy/\(name).yaml" }

  private func values(_ pairs: [(IndicatorKey, Int)]) throws -> IndicatorValues {
    var values = IndicatorValues()
    for (key, value) in pairs { values[key] = Rational(value) }
    return values
  }

  private func lines(_ faults: DocumentFaults?) -> [String] { faults?.faults.map { "\($0.line) \($0.path)" } ?? [] }

  // MARK: Shipped files

  @Test(arguments: scorecards)
  func aShippedScorecardLoadsUnderItsOwnName(name: String) throws {
    let card = try ScorecardDocument.load(DocumentTests.path("scorecards/\(name)"))
    #expect(card.name == name)
    #expect(card.state == .active)
    #expect(CompiledScorecard(card) != nil)
  }

  @Test(arguments: [(30, 12, 800_000, 15, 85, 92, "vip"), (60, 6, 300_000, 8, 60, 75, "key"), (120, 2, 80_000, -10, 30, 45, "watch")])
  func theShippedFilesGiveTheThreeKnownCustomersTheirTiers(
    recency: Int, frequency: Int, monetary: Int, growth: Int, repurchase: Int, rounded: Int, tier: String
  ) throws {
    let card = try ScorecardDocument.load(DocumentTests.path("scorecards/rfm-plus"))
    let values = try values([
      (.recencyDays, recency), (.frequency, frequency), (.monetary, monetary), (.industryGrowth, growth), (.repurchaseRate, repurchase),
    ])
    let score = try card.score(values)
    #expect(score.rounded == rounded)
    #expect(try CompiledScorecard(card)?.rounded(values) == rounded)
    let policy = try #require(try PolicyDocument.load(DocumentTests.path("policies")).score)
    #expect(policy.assign(score).id.text == tier)
  }

  @Test func theStandardScorecardHasTheWeightsOfItsRule() throws {
    let card = try ScorecardDocument.load(DocumentTests.path("scorecards/standard"))
    #expect(card.dimensions.map(\.weight) == [Rational(50), Rational(30), Rational(20)])
    let expected: [(IndicatorKey, Int)] = [
      (.monetary, 35), (.averageOrderValue, 15), (.industryGrowth, 10), (.orderGrowth, 10), (.newNeeds, 10), (.repurchaseRate, 10),
      (.referrals, 5),
      (.complaintRate, 5),
    ]
    #expect(card.indicators.map(\.key) == expected.map(\.0))
    #expect(card.indicators.map(\.weight) == expected.map { Rational($0.1) })
  }

  @Test func theShippedPoliciesHaveTheFiguresOfTheirRule() throws {
    let configuration = try PolicyDocument.load(DocumentTests.path("policies"))
    #expect(configuration.ladder.tiers.map(\.id.text) == ["vip", "key", "normal", "watch"])
    #expect(configuration.ladder.tiers.map(\.reviewMonths) == [3, 6, 6, 6])
    #expect(configuration.score?.thresholds == [Rational(90), Rational(70), Rational(50)])
    #expect(configuration.quota?.percents == [Rational(10), Rational(20), Rational(50), Rational(20)])
    #expect(configuration.spend?.thresholds == [Rational(500_000), Rational(200_000), Rational(50_000)])
    #expect(configuration.spend?.quietMonthsMax == 3)
    guard case .score = configuration.inForce else {
      Issue.record("\(configuration.inForce)")
      return
    }
  }

  @Test func theShippedPoliciesSayWhatWaitsForAPersonAndHowWideBordersAre() throws {
    let configuration = try PolicyDocument.load(DocumentTests.path("policies"))
    let vip = Set([TierID("vip")].compactMap { $0 })
    let all = Set(configuration.ladder.tiers.map(\.id))
    #expect(configuration.steadiness == Steadiness(bandPoints: 2, stepwise: vip, noticeDays: 30))
    #expect(
      configuration.reviews.map(\.policy) == [
        ReviewPolicy(name: "b2c", first: vip, into: vip, outOf: vip), ReviewPolicy(name: "b2b", first: vip, into: all, outOf: all),
      ])
    #expect(configuration.decisions.review.policy.name == "b2c")
    #expect(configuration.decisions.review.expiryDays == 30)
    #expect(configuration.decisions.review.againPoints == 5)
  }

  @Test func aPoliciesFileOfBeforeConfirmsEverythingByItself() throws {
    let text = """
      policies: 1
      author: me
      tiers:
        - {id: high, name: {en: High, zh: 高}, review_months: 3}
        - {id: low, name: {en: Low, zh: 低}, review_months: 6}
      in_force: score
      score:
        at_least: {high: 70}
      end: true
      """
    #expect(try PolicyDocument.decode(Array(text.utf8), source: "old.yaml").decisions == .immediate)
  }

  @Test func whatIsWrongWithReviewAndSteadinessIsListedByLine() {
    let text = """
      policies: 3
      author: me
      tiers:
        - {id: vip, name: {en: VIP, zh: VIP}, review_months: 3}
        - {id: low, name: {en: Low, zh: 低}, review_months: 6}
      in_force: score
      score:
        at_least: {vip: 70}
      steady:
        band_points: 51
        one_step_down: [vip, gold, vip]
        notice_days: -1
      review:
        in_force: b2x
        expires_after_days: 0
        again_after_points: five
        policies:
          b2c: {first: [vip], into: vip, out_of: [low]}
          B2B: {first: [], into: all, outof: all}
      end: true
      """
    let error = #expect(throws: DocumentFaults.self) { try PolicyDocument.decode(Array(text.utf8), source: "broken.yaml") }
    #expect(
      lines(error) == [
        "10 steady.band_points", "11 steady.one_step_down[1]", "11 steady.one_step_down[2]", "12 steady.notice_days", "15 review.expires_after_days",
        "16 review.again_after_points", "18 review.policies.b2c.into", "19 review.policies.B2B", "19 review.policies.B2B.out_of",
        "19 review.policies.B2B.outof",
      ])
    let file = """
      policies: 3
      author: me
      tiers:
        - {id: vip, name: {en: V, zh: V}, review_months: 3}
        - {id: low, name: {en: L, zh: L}, review_months: 6}
      in_force: score
      score: {at_least: {vip: 70}}
      review:
        in_force: b2x
        expires_after_days: 30
        again_after_points: 5
        policies:
          b2c: {first: [vip], into: [vip], out_of: []}
      end: true
      """
    let unknown = #expect(throws: DocumentFaults.self) { try PolicyDocument.decode(Array(file.utf8), source: "broken.yaml") }
    #expect(unknown?.description == "broken.yaml:9:13: review.in_force: one of b2c is needed here")
  }

  @Test(arguments: mappings)
  func aShippedMappingLoadsUnderItsOwnName(name: String) throws {
    #expect(try MappingDocument.load(DocumentTests.path("mappings/\(name)")).source == name)
  }

  @Test(arguments: scorecards.map { "scorecards/\($0)" } + mappings.map { "mappings/\($0)" } + ["policies", "benefits"])
  func aFileCutShortAnywhereIsRefused(name: String) throws {
    let whole = try DocumentFile.read(DocumentTests.path(name))
    let ladder = try PolicyDocument.load(DocumentTests.path("policies")).ladder
    // Only the last line's end may be missing.
    for count in stride(from: 0, to: whole.count - 1, by: 3) {
      let piece = Array(whole[..<count])
      #expect(throws: DocumentFaults.self, "\(name) cut to \(count) bytes") {
        switch name.split(separator: "/").first {
        case "scorecards": _ = try ScorecardDocument.decode(piece, source: name)
        case "mappings": _ = try MappingDocument.decode(piece, source: name)
        case "benefits": _ = try BenefitDocument.decode(piece, source: name, ladder: ladder)
        default: _ = try PolicyDocument.decode(piece, source: name)
        }
      }
    }
  }

  @Test func aFileThatIsNotThereIsSaidToBeSo() {
    let error = #expect(throws: DocumentFaults.self) { try ScorecardDocument.load(DocumentTests.path("scorecards/none")) }
    #expect(error?.description.contains("the file cannot be opened: No such file or directory") == true)
  }

  @Test func everyKeyOfAMappingFileHasItsEffect() throws {
    let text = """
      mapping: shop
      version: 2
      source: shop
      owner: me
      format: {kind: ndjson}
      skip:
        - when: {any: [{field: test, equals: "1"}, {all: [{field: id, starts_with: T, ends_with: x}, {not: {field: test, empty: true}}]}]}
          reason: tests
      kinds:
        - {kind: payment, when: {field: kind, one_of: [paid, part]}}
        - {kind: customer, when: {field: kind, matches: "reg*"}}
        - {kind: cancellation, when: {field: sum, negative: true}}
        - {kind: order, when: {field: kind, empty: false}}
      order:
        event_id: {field: id, prefix: "o-"}
        order_id: {field: id, trim_prefix: "no", pad: {to: 4, with: "0"}}
        revision: {constant: 3}
        occurred_at: {field: at, pattern: unix_milliseconds}
        paid_at: {field: paid, pattern: "%d/%m/%Y", time_zone: Europe/London}
        currency: {field: cur, case: upper, default: CNY}
        units: minor
        total: {field: sum, remove: "¥,", absolute: true, round_to: 0}
        channel: {field: ch, table: {1: web, 2: shop}, otherwise: other}
        customer: {phone: {first_of: [who.mobile, who.phone], verified: false}, external_id: {field: who.id}}
        attributes: {region: {field: who.region}}
        lines:
          sku: {field: "items[].sku"}
          category: {field: "items[].group"}
          amount: {field: "items[].sum"}
          round_to: 1
      payment:
        payment_id: {field: id}
        order_id: {field: order}
        occurred_at: {field: at, pattern: unix_seconds}
        amount: {field: sum}
      customer:
        event_id: {line_number: true}
        occurred_at: {field: at, pattern: rfc3339}
        customer: {member_id: {field: who.id}}
      cancellation:
        order_id: {field: order}
        occurred_at: {field: at, pattern: rfc3339}
      end: true
      """
    let mapping = try MappingDocument.decode(Array(text.utf8), source: "shop.yaml")
    func apply(_ values: [String: String], items: [[String: String]] = []) -> MappingResult {
      let record = SourceRecord(
        lineNumber: 9, values: mapping.fields.map { values[$0.text] },
        items: items.map { item in mapping.itemFields.map { item[$0.itemSteps?.joined(separator: ".") ?? ""] } })
      return mapping.apply([record])
    }
    #expect(mapping.itemList == ["items"])
    #expect(apply(["kind": "sale", "test": "1"]) == .skipped(reason: "tests"))
    #expect(apply(["kind": "sale", "test": "0", "id": "T1x"]) == .skipped(reason: "tests"))
    guard
      case .mapped(let order) = apply(
        [
          "kind": "sale", "id": "no7", "at": "1782878400000", "paid": "01/07/2026", "cur": "usd", "sum": "-¥1,234.5", "ch": "2",
          "who.phone": "138",
          "who.region": "沪", "who.id": "w7", "test": "0",
        ], items: [["sku": "A", "group": "toys", "sum": "1.25"], ["sku": "B", "sum": "7"]])
    else {
      Issue.record("the order was not mapped")
      return
    }
    let expected = MappedRecord(
      kind: .order, eventID: "o-no7", orderID: "0007", revision: "3", occurredAt: MappedTime(text: "1782878400000", form: 0),
      paidAt: MappedTime(text: "01/07/2026", form: 1), currency: .stated("USD"), units: .minor, amount: "1235", channel: "shop",
      identifiers: [MappedIdentifier(kind: .phone, value: "138", isVerified: false), MappedIdentifier(kind: .external, value: "w7")],
      attributes: [.region: "沪"], lines: [MappedLine(sku: "A", category: "toys", amount: "1.3"), MappedLine(sku: "B", amount: "7.0")],
      lineNumbers: [9])
    #expect(order == expected)
    func kind(_ values: [String: String]) -> MappedKind? { if case .mapped(let record) = apply(values) { record.kind } else { nil } }
    #expect(kind(["kind": "part", "sum": "-5"]) == .payment)
    #expect(kind(["kind": "registered", "sum": "-5"]) == .customer)
    #expect(kind(["kind": "other", "sum": "-5"]) == .cancellation)
    #expect(kind(["kind": " ", "sum": "5"]) == nil)
    #expect(mapping.timeForms.map(\.spelling) == [.unixMilliseconds, .pattern("%d/%m/%Y"), .unixSeconds, .rfc3339])
    #expect(mapping.timeForms[1].zone == .named("Europe/London"))
  }

  // MARK: Broken files

  @Test func aBrokenScorecardListsEveryFaultWithItsLine() {
    let text = """
      scorecard: rfm plus
      version: "1"
      author: me
      state: live
      colour: red
      dimensions:
        - name: {en: Purchases}
          weight: 60
          indicators:
            - key: recency
              name: {en: Recency, zh: 最近}
              weight: 20
              unit: days
              curve: {points: [[0, 100], [x, 0], [5]]}
              missing: zero
            - key: frequency
              name: {en: Frequency, zh: 频次}
              weight: 15 %
              unit: days
              curve: {points: [[0, 0], [0, 100]]}
              missing: {points: 120}
        - name: {en: Potential, zh: 潜力}
          weight: 30
          indicators:
            - key: monetary
              name: {en: Spend, zh: 消费}
              weight: 25
              unit: currency
              curve: {bands: [{from: 1, points: 5}], points: [[0, 0]]}
              missing: leave_out
              wieght: 3
      """
    let error = #expect(throws: DocumentFaults.self) { try ScorecardDocument.decode(Array(text.utf8), source: "broken.yaml") }
    let expected = [
      "1 scorecard", "2 version", "4 state", "5 colour", "6 dimensions", "7 end", "7 dimensions[0].name.zh",
      "10 dimensions[0].indicators[0].key", "14 dimensions[0].indicators[0].curve.points[1][0]",
      "14 dimensions[0].indicators[0].curve.points[2]", "15 dimensions[0].indicators[0].missing", "18 dimensions[0].indicators[1].weight",
      "19 dimensions[0].indicators[1].unit", "20 dimensions[0].indicators[1].curve.points[1]", "21 dimensions[0].indicators[1].missing",
      "23 dimensions[1].weight", "29 dimensions[1].indicators[0].curve", "31 dimensions[1].indicators[0].wieght",
    ]
    #expect(lines(error) == expected)
    #expect(error?.description.contains("broken.yaml:31:") == true)
    #expect(error?.description.contains("did you mean `weight`?") == true)
  }

  @Test func aBrokenPolicyFileListsEveryFaultWithItsLine() {
    let text = """
      policies: 1
      author: me
      tiers:
        - {id: vip, name: {en: VIP, zh: VIP}, review_months: 3}
        - {id: key, name: {en: Key, zh: 重点}, review_months: 6}
        - {id: watch, name: {en: Watch, zh: 观察}, review_months: 6}
      in_force: score
      score:
        at_least: {vip: 70, key: 90}
      quota:
        percent: {vip: 10, key: 20, watch: 20}
      spend:
        at_least: {vip: 500000, watch: 3}
        quiet_months: 3.5
      end: true
      """
    let error = #expect(throws: DocumentFaults.self) { try PolicyDocument.decode(Array(text.utf8), source: "broken.yaml") }
    #expect(
      lines(error) == [
        "9 score.at_least.key", "11 quota.percent", "13 spend.at_least.key", "13 spend.at_least.watch", "14 spend.quiet_months",
      ])
  }

  @Test func aBrokenMappingListsEveryFaultWithItsLine() {
    let text = """
      mapping: shop
      version: 1
      source: shop
      owner: me
      format: {kind: csv, delimiter: ";;", quote: '"'}
      group_by: no
      skip:
        - {when: {field: no, empty: yes}}
      kinds:
        - {kind: order, when: {starts_with: C}}
        - {kind: sale}
      order:
        order_id: {field: no, constant: 1}
        occurred_at: {field: when, pattern: "%Y-%m-%d"}
        paid_at: {field: when, pattern: iso}
        currency: {constant: CNY, padd: 3}
        total: {field: total, round_to: 9}
        channel: {field: channel, otherwise: web}
        customer:
          member: {field: id}
          phone: {field: phone, pad: {to: 0, with: "00"}, case: title}
          member_id: {field: id, verified: true}
        lines:
          sku: {field: sku}
          quantity: {field: quantity}
      refund: [1]
      end: yes
      """
    let error = #expect(throws: DocumentFaults.self) { try MappingDocument.decode(Array(text.utf8), source: "broken.yaml") }
    let expected = [
      "5 format.delimiter", "8 skip[0].reason", "8 skip[0].when.empty", "10 kinds[0].when", "11 kinds[1].kind", "13 order.order_id",
      "14 order.occurred_at.time_zone", "15 order.paid_at.pattern", "16 order.currency.padd", "17 order.total.round_to",
      "18 order.channel.otherwise",
      "20 order.customer.member", "21 order.customer.phone.pad.to", "21 order.customer.phone.case", "22 order.customer.member_id.verified",
      "24 order.lines", "26 refund", "27 end",
    ]
    #expect(lines(error) == expected)
  }

  @Test func theRulesOfAMappingAreCheckedAgainstTheFilesLines() {
    let text = """
      mapping: shop
      version: 1
      source: shop
      owner: me
      format: {kind: ndjson}
      group_by: no
      kinds:
        - {kind: order}
        - {kind: refund, when: {field: "items[].x", empty: true}}
      order:
        order_id: {field: "items[].id"}
        occurred_at: {field: at, pattern: rfc3339}
        customer: {phone: {field: phone}}
        total: sum_of_lines
      end: true
      """
    let error = #expect(throws: DocumentFaults.self) { try MappingDocument.decode(Array(text.utf8), source: "broken.yaml") }
    #expect(lines(error) == ["6 group_by", "8 kinds[0]", "9 kinds[1]", "9 kinds[1].when", "10 order.lines", "11 order.order_id"])
  }

  // MARK: Scalars

  @Test(arguments: ["010", "0x10", "1e3", "+1", "\"10\"", "'10'", "1_000", "1.5", "", "~", "ten", "[1]", "12345678901234567890123456789"])
  func whatIsNoPlainWholeNumberIsNoVersion(text: String) {
    let file = "policies: \(text)\nauthor: me\ntiers: []\nin_force: score\nend: true\n"
    let error = #expect(throws: DocumentFaults.self) { try PolicyDocument.decode(Array(file.utf8), source: "test.yaml") }
    #expect(error?.faults.first?.path == "policies")
  }

  @Test(arguments: [
    ("true", false), ("false", false), ("yes", true), ("no", true), ("on", true), ("\"true\"", true), ("True", true), ("1", true),
  ])
  func onlyPlainTrueAndFalseAreTruthValues(text: String, isFault: Bool) throws {
    let file = try String(decoding: DocumentFile.read(DocumentTests.path("mappings/cdnow")), as: UTF8.self)
    let changed = file.replacingFirst("kinds:", with: "skip: [{when: {field: date, empty: \(text)}, reason: none}]\nkinds:")
    do throws(DocumentFaults) {
      _ = try MappingDocument.decode(Array(changed.utf8), source: "test.yaml")
      #expect(!isFault)
    } catch {
      #expect(isFault)
      #expect(error.faults.map(\.path) == ["skip[0].when.empty"])
    }
  }

  @Test func aWeightMayBeAFractionOfWholeNumbers() throws {
    let file = try String(decoding: DocumentFile.read(DocumentTests.path("scorecards/rfm-plus")), as: UTF8.self)
    let changed = file.replacingFirst("weight: 20\n", with: "weight: 40/2\n")
    #expect(try ScorecardDocument.decode(Array(changed.utf8), source: "test.yaml").indicators.first?.weight == Rational(20))
  }
}

extension String {
  func replacingFirst(_ part: String, with other: String) -> String {
    guard let range = firstRange(of: part) else { return self }
    return replacingCharacters(in: range, with: other)
  }

  private func firstRange(of part: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part), let end = index(start, offsetBy: part.count, limitedBy: endIndex) { return start..<end }
      start = index(after: start)
    }
    return nil
  }

  private func replacingCharacters(in range: Range<String.Index>, with other: String) -> String {
    String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
  }
}
