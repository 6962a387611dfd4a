// Mappings: what becomes of a record, how lines are grouped, what a mapping may not be.

import Domain
import Testing

struct MappingTests {
  /// Lines with: no, customer, when, quantity, price, kind, phone.
  private struct Made {
    let fields: MappingFields
    var section: RecordMapping
    var refund: RecordMapping
    let number: FieldReference

    init() throws {
      var fields = MappingFields()
      func reference(_ name: String) throws -> FieldReference { fields.reference(to: try #require(SourcePath(column: name))) }
      number = try reference("no")
      let customer = try reference("customer")
      let time = fields.form(TimeForm(spelling: .pattern("%Y%m%d"), zone: .business))
      let when = TimeRule(value: MappedValue(.field(try reference("when"))), form: time)
      let lines = LineRule(
        sku: nil, name: nil, category: nil, quantity: MappedValue(.field(try reference("quantity"))),
        amount: .quantityTimes(price: MappedValue(.field(try reference("price")))))
      let channel = MappedValue(
        .field(try reference("kind")), letterCase: .lower, defaultText: "web",
        table: .init(entries: ["s": "shop", "web": "web"], otherwise: nil))
      let who = [
        IdentifierRule(kind: .memberID, value: MappedValue(.field(customer), trimmedSuffix: ".0")),
        IdentifierRule(kind: .phone, value: MappedValue(.field(try reference("phone")), removing: " -"), isVerified: true),
      ]
      section = RecordMapping(
        orderID: MappedValue(.field(number)), occurredAt: when, paid: .whenOccurred, amount: AmountRule(.sumOfLines), channel: channel,
        identifiers: who, lines: lines)
      refund = RecordMapping(
        reference: MappedValue(.field(number)), occurredAt: when, amount: AmountRule(.sumOfLines, isAbsolute: true), identifiers: who,
        lines: lines)
      self.fields = fields
    }

    func mapping(skips: [SkipRule] = [], kinds: [KindRule]? = nil) throws -> Mapping {
      try Mapping(
        name: "made", version: 1, source: "made", owner: "tests",
        format: .delimited(DelimitedFormat(delimiter: .byte(0x2C), quote: 0x22, columns: nil)),
        groupBy: number, fields: fields, skips: skips,
        kinds: kinds ?? [KindRule(kind: .refund, when: .startsWith(number, "C")), KindRule(kind: .order, when: nil)],
        sections: [.order: section, .refund: refund])
    }
  }

  private func record(_ line: Int64, _ values: String?...) -> SourceRecord { SourceRecord(lineNumber: line, values: values) }

  private func mapped(_ result: MappingResult) throws -> MappedRecord {
    guard case .mapped(let record) = result else {
      Issue.record("\(result)")
      throw MappingFault(field: "", rule: .missing, detail: "not mapped")
    }
    return record
  }

  @Test func severalLinesBecomeOneOrderWithTheirSum() throws {
    let mapping = try Made().mapping()
    let order = try mapped(
      mapping.apply([
        record(2, "17", " 17850.0 ", "20110104", "6", "2.55", "S", "138 0013-8001"),
        record(3, "17", "17850.0", "20110104", "3", "0.125", nil, nil),
      ]))
    #expect(order.kind == .order)
    #expect(order.orderID == "17")
    #expect(order.amount == "15.675")
    #expect(order.lines.map(\.amount) == ["15.3", "0.375"])
    #expect(
      order.identifiers == [
        MappedIdentifier(kind: .memberID, value: "17850", isVerified: nil),
        MappedIdentifier(kind: .phone, value: "13800138001", isVerified: true),
      ])
    #expect(order.channel == "shop")
    #expect(order.occurredAt == MappedTime(text: "20110104", form: 0))
    #expect(order.paidAt == order.occurredAt)
    #expect(order.lineNumbers == [2, 3])
    #expect(mapping.timeForms == [TimeForm(spelling: .pattern("%Y%m%d"), zone: .business)])
    #expect(order.currency == .base)
  }

  @Test func aCancellingInvoiceBecomesARefundOfTheAbsoluteAmount() throws {
    let refund = try mapped(try Made().mapping().apply([record(9, "C17", "17850.0", "20110105", "-6", "2.55", nil, nil)]))
    #expect(refund.kind == .refund)
    #expect(refund.reference == "C17")
    #expect(refund.orderID == nil)
    #expect(refund.amount == "15.3")
    #expect(refund.paidAt == nil)
  }

  @Test func anEmptyIdentifierStaysAwayForIngestToMiss() throws {
    let order = try mapped(try Made().mapping().apply([record(9, "18", "", "20110105", "1", "1", nil, "  ")]))
    #expect(order.identifiers.isEmpty)
    #expect(order.channel == "web")
  }

  @Test func everyFaultOfARecordIsReportedWithoutItsValues() throws {
    let result = try Made().mapping().apply([
      record(2, "17", "1", "20110104", "six", "2.55", "secret", nil), record(3, "17", "1", "20110104", "3", nil, nil, nil),
    ])
    guard case .refused(let faults) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(faults.map(\.field) == ["order.lines[0].quantity", "order.lines[1].unit_price", "order.channel"])
    #expect(faults.map(\.rule) == [.notANumber, .missing, .notInTable])
    #expect(!faults.description.contains("secret"))
  }

  @Test func aRecordIsSkippedOnlyByARuleAndWithItsReason() throws {
    let made = try Made()
    let mapping = try made.mapping(
      skips: [SkipRule(when: .all([.matches(made.number, "T*-?"), .not(.empty(made.number))]), reason: "test orders")],
      kinds: [KindRule(kind: .order, when: .oneOf(made.number, ["1", "2"])), KindRule(kind: .refund, when: .endsWith(made.number, "R"))])
    #expect(mapping.apply([record(2, "Tx-1", "1", "20110104", "1", "1", nil, nil)]) == .skipped(reason: "test orders"))
    guard case .refused(let faults) = mapping.apply([record(2, "9", "1", "20110104", "1", "1", nil, nil)]) else {
      Issue.record("a record no rule fits was taken")
      return
    }
    #expect(faults.map(\.rule) == [.noKind])
    #expect(try mapped(mapping.apply([record(2, "8R", "1", "20110104", "1", "1", nil, nil)])).kind == .refund)
  }

  @Test(arguments: [
    ("abc", "a*c", true), ("abc", "?b?", true), ("abc", "ab", false), ("", "*", true), ("", "?", false), ("aXbXc", "a*X*c", true),
    ("重点", "?点", true),
    ("aaaaaaaaab", "*a*a*a*c", false), ("abc", "*", true), ("abc", "", false), ("a*c", "a*c", true),
  ])
  func aGlobMatchesTheWholeText(text: String, pattern: String, expected: Bool) throws {
    let made = try Made()
    let mapping = try made.mapping(skips: [SkipRule(when: .matches(made.number, pattern), reason: "fits")])
    let isSkipped = mapping.apply([record(2, text, "1", "20110104", "1", "1", nil, nil)]) == .skipped(reason: "fits")
    #expect(isSkipped == expected)
  }

  @Test(arguments: [("-0.01", true), ("0", false), ("-0", false), ("x", false), ("", false), (" -5 ", true)])
  func negativeMeansANumberBelowZero(text: String, expected: Bool) throws {
    let made = try Made()
    let mapping = try made.mapping(skips: [SkipRule(when: .negative(made.number), reason: "fits")])
    #expect((mapping.apply([record(2, text, "1", "20110104", "1", "1", nil, nil)]) == .skipped(reason: "fits")) == expected)
  }

  @Test func theStepsOfAValueRunInTheirFixedOrder() throws {
    var made = try Made()
    made.section.orderID = MappedValue(
      .firstOf([.record(6), made.number]), removing: "_", trimmedPrefix: "no", trimmedSuffix: ".0", letterCase: .upper,
      table: .init(entries: ["A1": "b2"], otherwise: "none"), padding: .init(width: 5, with: "0"), prefix: "X-")
    #expect(try mapped(try made.mapping().apply([record(2, " no_a1.0 ", "1", "20110104", "1", "1", nil, "  ")])).orderID == "X-000b2")
    made.section.orderID = MappedValue(.lineNumber, padding: .init(width: 3, with: "0"), prefix: "line-")
    #expect(try mapped(try made.mapping().apply([record(42, "1", "1", "20110104", "1", "1", nil, nil)])).orderID == "line-042")
  }

  @Test func amountsAreRoundedHalfUpWhereTheMappingSaysSo() throws {
    var made = try Made()
    let quantity = try #require(made.section.lines?.quantity)
    made.section.lines = LineRule(
      sku: nil, name: nil, category: nil, quantity: quantity, amount: .quantityTimes(price: MappedValue(.constant("0.125"))), roundedTo: 2)
    let order = try mapped(
      try made.mapping().apply([
        record(2, "1", "1", "20110104", "1", nil, nil, nil), record(3, "1", "1", "20110104", "3", nil, nil, nil),
      ]))
    #expect(order.lines.map(\.amount) == ["0.13", "0.38"])
    #expect(order.amount == "0.51")
  }

  @Test func itemsOfAListAreTheLinesOfAJSONRecord() throws {
    var fields = MappingFields()
    let number = fields.reference(to: try #require(SourcePath(path: "id")))
    let price = fields.reference(to: try #require(SourcePath(path: "cart.items[].price.net")))
    #expect(price == .item(0))
    let form = fields.form(TimeForm(spelling: .rfc3339, zone: .business))
    let section = RecordMapping(
      orderID: MappedValue(.field(number)), occurredAt: TimeRule(value: MappedValue(.field(number)), form: form),
      currency: .value(MappedValue(.constant("CNY"))), units: .minor, amount: AmountRule(.sumOfLines),
      identifiers: [IdentifierRule(kind: .memberID, value: MappedValue(.field(number)))],
      lines: LineRule(sku: nil, name: nil, category: nil, quantity: nil, amount: .value(MappedValue(.field(price)))))
    let mapping = try Mapping(
      name: "made", version: 1, source: "made", owner: "tests", format: .jsonLines, fields: fields,
      kinds: [KindRule(kind: .order, when: nil)],
      sections: [.order: section])
    #expect(mapping.itemList == ["cart", "items"])
    #expect(mapping.itemFields.map(\.itemSteps) == [["price", "net"]])
    let order = try mapped(mapping.apply([SourceRecord(lineNumber: 1, values: ["7"], items: [["120"], ["30"]])]))
    #expect(order.amount == "150")
    #expect(order.units == .minor)
    #expect(order.currency == .stated("CNY"))
    #expect(order.lines.count == 2)
  }

  @Test(arguments: ["", ".", "a..b", "a[]b", "a[].b[].c", "a[0].b", "[]"])
  func aPathThatLeadsNowhereIsRefused(path: String) {
    #expect(SourcePath(path: path) == nil)
  }

  @Test func aHeaderGivesTheColumnsOrNamesAllThatAreMissing() throws {
    let mapping = try Made().mapping()
    #expect(try mapping.columns(in: ["\u{FEFF}phone", "kind", "price", " quantity", "when", "customer", "no"]) == [6, 5, 4, 3, 2, 1, 0])
    let error = #expect(throws: ConfigurationFaults.self) { try mapping.columns(in: ["no", "no", "when", "quantity", "price", "kind"]) }
    #expect(error?.faults.map(\.path) == ["no", "customer", "phone"])
  }

  @Test func aMappingThatCannotWorkIsRefusedWithAllFaults() throws {
    var made = try Made()
    made.section.amount = nil
    made.section.identifiers = []
    let number = made.number
    let error = #expect(throws: ConfigurationFaults.self) {
      try Mapping(
        name: "Made", version: 0, source: "made", owner: "", format: .jsonLines, groupBy: number, fields: made.fields,
        kinds: [KindRule(kind: .order, when: nil), KindRule(kind: .payment, when: .empty(number))],
        sections: [.order: made.section, .refund: made.refund])
    }
    #expect(
      error?.faults.map(\.path) == [
        "mapping", "version", "owner", "group_by", "kinds[0]", "kinds[1]", "refund", "order.total", "order.customer",
      ])
  }

  // MARK: Grouping

  @Test func linesOfOneKeyComeTogetherEvenWhenAnotherSlippedIn() {
    var grouper = LineGrouper()
    var groups: [LineGroup] = []
    for (line, key) in ["a", "a", "b", "a", "c"].enumerated() { groups += grouper.add(record(Int64(line + 1)), key: key) }
    #expect(groups.isEmpty)
    #expect(grouper.firstOpenLine == 1)
    groups = grouper.finish()
    #expect(groups.map(\.key) == ["a", "b", "c"])
    #expect(groups[0].records.map(\.lineNumber) == [1, 2, 4])
    #expect(grouper.firstOpenLine == nil)
  }

  @Test func noLineIsLostAndGroupsLeaveInTheOrderOfTheirFirstLines() {
    var random = SeededRandom(state: 3)
    var grouper = LineGrouper()
    var groups: [LineGroup] = []
    for line in 1...5_000 {
      let key = line % 50 == 0 ? "" : "k\(max(0, line / 4 + Int.random(in: -3...3, using: &random)))"
      groups += grouper.add(record(Int64(line)), key: key)
    }
    groups += grouper.finish()
    #expect(groups.flatMap(\.records).map(\.lineNumber).sorted() == Array(1...5_000))
    let firsts = groups.compactMap(\.records.first?.lineNumber)
    #expect(firsts == firsts.sorted())
    let keys = groups.map(\.key).filter { !$0.isEmpty }
    #expect(Set(keys).count == keys.count)
    #expect(groups.filter(\.key.isEmpty).allSatisfy { $0.records.count == 1 })
  }

  @Test func anOrderOfTooManyLinesIsRefusedWholeAndNotCutShort() throws {
    let mapping = try Made().mapping()
    var grouper = LineGrouper()
    var groups: [LineGroup] = []
    for line in 1...(OrderEvent.linesMax + 3) {
      groups += grouper.add(record(Int64(line), "17", "1", "20110104", "1", "1", nil, nil), key: "17")
    }
    groups += grouper.add(record(9_999, "18", "1", "20110104", "1", "1", nil, nil), key: "18")
    groups += grouper.finish()
    #expect(groups.map(\.records.count) == [OrderEvent.linesMax, 3, 1])
    for group in groups.prefix(2) {
      guard case .refused(let faults) = mapping.apply(group) else {
        Issue.record("a piece of an order was taken for the order")
        continue
      }
      #expect(faults.map(\.rule) == [.tooManyLines])
    }
    #expect(try mapped(mapping.apply(groups[2])).orderID == "18")
  }
}
