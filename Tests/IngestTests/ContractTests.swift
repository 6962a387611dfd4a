// The contract of `in.orders.v1` and `in.customers.v1`: what is read, what is made of it, what is refused (I-04).
import Contracts
import Domain
import Handling
import Testing
import Text

@testable import IngestCore

@Suite struct ContractTests {
  static let whole = """
    {"type":"order","source":"shop","event_id":"e-1","order_id":"A-100","revision":2,"occurred_at":"2026-06-30T10:00:00+08:00",
     "paid_at":"2026-06-30T10:05:00+08:00","currency":"CNY","total":"123.40","channel":"Mini-Program","status":"paid",
     "customer":{"member_id":"M1","phone":"139 1234-5678","phone_verified":true,"email":" Li.Lei@Example.COM ",
     "external_id":"77","name":"李雷",
     "gender":"男","birthday":"1990-05-17","region":"上海","industry":"retail"},
     "lines":[{"sku":"S1","name":"Tea","quantity":2,"unit_price":"30.10","category":"food"},{"sku":"S2",
     "amount":63.2}],"extra":{"deep":[1]}}
    """

  @Test("a whole order becomes a fact in our words") func whole() throws {
    let fact = try Kit.order(ContractTests.whole)
    let event = fact.event
    #expect(event.kind == .order && event.source == "shop" && event.eventID == "e-1" && event.orderID == "A-100" && event.revision == 2)
    #expect(RFC3339.text(event.occurredAt.microseconds) == "2026-06-30T02:00:00Z")
    #expect(event.paidAt.map { RFC3339.text($0.microseconds) } == "2026-06-30T02:05:00Z")
    #expect(event.money == Money(minorUnits: 12_340, currency: .cny) && event.baseMinorUnits == 12_340)
    #expect(event.channel == "mini_program")
    #expect(
      event.identifiers == [
        Identifier(kind: .memberID, value: "M1"), Identifier(kind: .phone, value: "+8613912345678", isVerified: true),
        Identifier(kind: .email, value: "li.lei@example.com", isVerified: false), Identifier(kind: .external, value: "shop:77"),
      ])
    #expect(
      event.lines == [
        OrderLine(sku: "S1", name: "Tea", quantity: "2", minorUnits: 6_020, category: "food"),
        OrderLine(sku: "S2", quantity: "1", minorUnits: 6_320),
      ])
    #expect(fact.attributes == [.name: "李雷", .gender: "male", .birthday: "1990-05-17", .region: "上海", .industry: "retail"])
    #expect(fact.hasOwnEventID)
  }

  @Test("the shortest order needs source, id, time, total and somebody") func shortest() throws {
    let fact = try Kit.order(#"{"source":"pos","order_id":17,"ordered_at":"2026-06-30T10:00:00Z","total":5,"customer":{"open_id":"o1"}}"#)
    #expect(fact.event.orderID == "17" && fact.event.revision == 1 && fact.event.money.minorUnits == 500 && fact.event.paidAt == nil)
    #expect(fact.event.eventID == "order/17/1" && !fact.hasOwnEventID)
  }

  @Test("an order said to be paid, without a time of payment, was paid when it happened") func paid() throws {
    func order(_ rest: String) throws -> OrderEvent {
      try Kit.order(#"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"5","customer":{"member_id":"M"}\#(rest)}"#)
        .event
    }
    let paid = try order(#","status":"Paid""#)
    #expect(paid.paidAt == paid.occurredAt)
    #expect(try order(#","status":"placed""#).paidAt == nil)
    #expect(try order("").paidAt == nil)
    #expect(try order(#","status":"paid","paid_at":null"#).paidAt == paid.occurredAt)
    #expect(
      try RFC3339.text(order(#","status":"shipped","paid_at":"2026-06-30T11:00:00Z""#).paidAt?.microseconds ?? 0) == "2026-06-30T11:00:00Z")
  }

  @Test(
    "payments, refunds and cancellations are read under their own names",
    arguments: [
      (
        #"{"type":"payment","source":"s","order_id":"1","payment_id":"p1","occurred_at":"2026-06-30T10:00:00Z","amount":"5.5"}"#,
        "payment/1/p1"
      ),
      (
        #"{"type":"refund","source":"s","order_id":"1","refund_id":"r1","refunded_at":"2026-06-30T10:00:00Z","amount":"5.5"}"#,
        "refund/1/r1"
      ),
      (
        #"{"type":"refund","source":"s","reference":"r1","occurred_at":"2026-06-30T10:00:00Z","amount":"5.5","#
          + #""customer":{"member_id":"M"}}"#,
        "refund/r1"
      ),
      (#"{"type":"cancellation","source":"s","order_id":"1","cancelled_at":"2026-06-30T10:00:00Z"}"#, "cancellation/1"),
    ])
  func kinds(_ json: String, _ id: String) throws { #expect(try Kit.order(json).event.eventID == id) }

  @Test(
    "every field is judged by its own rule",
    arguments: [
      (#""total":"5""#, "", "total.missing"), (#""source":"s""#, "", "source.missing"), (#""order_id":"1""#, "", "order_id.missing"),
      (#""occurred_at":"2026-06-30T10:00:00Z""#, "", "occurred_at.missing"), (#""customer":{"member_id":"M"}"#, "", "customer.missing"),
      (#""total":"5""#, #""total":"-5""#, "total.range"), (#""total":"5""#, #""total":"5.005""#, "total.decimals"),
      (#""total":"5""#, #""total":5e2"#, "total.type"), (#""total":"5""#, #""total":"1,000""#, "total.type"),
      (#""total":"5""#, #""total":true"#, "total.type"), (#""total":"5""#, #""total":"10000000000.01""#, "total.range"),
      (#""total":"5""#, #""total":"99999999999999999999999""#, "total.range"),
      (#""total":"5""#, #""total":"5","currency":"XXX""#, "currency.unknown_currency"),
      (#""total":"5""#, #""total":"5","currency":"GBP""#, "currency.no_rate"),
      (#""total":"5""#, #""total":"5","currency":"""#, "currency.missing"),
      (#""total":"5""#, #""total":"5","currency":7"#, "currency.type"), (#""total":"5""#, #""total":"5","type":"gift""#, "type.enum"),
      (#""total":"5""#, #""total":"5","revision":0"#, "revision.range"),
      (#""total":"5""#, #""total":"5","revision":"one""#, "revision.type"),
      (#""total":"5""#, #""total":"5","status":"lost""#, "status.enum"),
      (#""total":"5""#, #""total":"5","status":"cancelled""#, "status.enum"),
      (#""occurred_at":"2026-06-30T10:00:00Z""#, #""occurred_at":"30.6.2026""#, "occurred_at.format"),
      (#""occurred_at":"2026-06-30T10:00:00Z""#, #""occurred_at":"2026-06-30T10:00:00""#, "occurred_at.format"),
      (#""occurred_at":"2026-06-30T10:00:00Z""#, #""occurred_at":"1899-12-31T23:59:59Z""#, "occurred_at.range"),
      (#""occurred_at":"2026-06-30T10:00:00Z""#, #""occurred_at":17"#, "occurred_at.type"),
      (#""total":"5""#, #""total":"5","paid_at":"2026-07-01T12:05:00.000001Z""#, "paid_at.future"),
      (#""customer":{"member_id":"M"}"#, #""customer":"M""#, "customer.type"),
      (#""customer":{"member_id":"M"}"#, #""customer":{"member_id":"0000","phone":"null"}"#, "customer.missing"),
      (#""customer":{"member_id":"M"}"#, #""customer":{"phone":"12345"}"#, "customer.phone.format"),
      (#""customer":{"member_id":"M"}"#, #""customer":{"email":"a@b"}"#, "customer.email.format"),
      (#""customer":{"member_id":"M"}"#, #""customer":{"member_id":"M","gender":"x"}"#, "customer.gender.enum"),
      (#""customer":{"member_id":"M"}"#, #""customer":{"member_id":"M","birthday":"2030-01-01"}"#, "customer.birthday.range"),
      (#""customer":{"member_id":"M"}"#, #""customer":{"member_id":"M","phone_verified":"yes"}"#, "customer.phone_verified.type"),
      (#""total":"5""#, #""total":"5","lines":{}"#, "lines.type"), (#""total":"5""#, #""total":"5","lines":[7]"#, "lines[0].type"),
      (#""total":"5""#, #""total":"5","lines":[{"sku":"a","amount":"1"},{"sku":"b"}]"#, "lines[1].amount.missing"),
      (#""total":"5""#, #""total":"5","lines":[{"amount":"1"}]"#, "lines[0].sku.missing"),
      (#""total":"5""#, #""total":"5","lines":[{"sku":"a","quantity":"two","amount":"1"}]"#, "lines[0].quantity.type"),
      (#""total":"5""#, #""total":"5","total":"6""#, "total.duplicate_key"),
    ])
  func faults(_ part: String, _ instead: String, _ code: String) throws {
    let good = #"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"5","customer":{"member_id":"M"},"x":1}"#
    let bad = good.replacing(instead.isEmpty ? part + "," : part, with: instead)
    #expect(bad != good)
    #expect(try Kit.codes(bad) == [code])
  }

  @Test("all faults of a record are told at once") func allAtOnce() throws {
    let json =
      #"{"source":"","order_id":"1","occurred_at":"x","total":"-1","status":"?","#
        + #""customer":{"phone":"call me","email":"@"},"lines":[{"sku":"a"}]}"#
    #expect(
      try Kit.codes(json) == [
        "source.missing", "customer.phone.format", "customer.email.format", "occurred_at.format", "status.enum", "total.range",
        "lines[0].amount.missing",
      ])
  }

  @Test("a reason never shows more than the ends of a value") func masking() throws {
    guard
      case .refused(let faults) = try Kit.read(
        #"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"5","customer":{"phone":"1391234567890123"}}"#)
    else { return #expect(Bool(false)) }
    #expect(faults.allSatisfy { !$0.detail.contains("34567890") })
    #expect(faults.first?.detail.contains("139********123") == true)
  }

  @Test(
    "what is not strict JSON is refused as a record, with its place",
    arguments: [
      ("", "record.truncated"), ("{", "record.truncated"), ("{\"a\":1}x", "record.trailing"), ("[1]", "record.type"), ("7", "record.type"),
      ("{\"a\":\"\u{1}\"}", "record.control"), (#"{"a":"\u0000"}"#, "record.nul"), (#"{"a":"\ud800"}"#, "record.surrogate"),
      ("{\"a\":01}", "record.syntax"),
      (String(repeating: "[", count: 100), "record.depth"), (#"{"a":\#(String(repeating: "[", count: 80))"#, "record.depth"),
    ])
  func json(_ text: String, _ code: String) throws { #expect(try Kit.codes(text) == [code]) }

  @Test("a value of more than two megabytes is refused for its size") func size() throws {
    let json = #"{"source":"s","x":"\#(String(repeating: "a", count: IngestRules.valueBytesMax))"}"#
    #expect(try Kit.codes(json) == ["record.size"])
  }

  @Test("an order has at most 5,000 lines") func tooManyLines() throws {
    func json(_ count: Int) -> String {
      let lines = Array(repeating: #"{"sku":"a","amount":1}"#, count: count).joined(separator: ",")
      return
        #"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"5","customer":{"member_id":"M"},"lines":[\#(lines)]}"#
    }
    #expect(try Kit.order(json(5_000)).event.lines.count == 5_000)
    #expect(try Kit.codes(json(5_001)) == ["lines.too_many"])
  }

  @Test("no more than 50 reasons are kept of one record") func faultsMax() throws {
    let lines = Array(repeating: #"{"sku":7.5,"amount":"x","quantity":"y"}"#, count: 500).joined(separator: ",")
    let json =
      #"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"5","customer":{"member_id":"M"},"lines":[\#(lines)]}"#
    #expect(try Kit.codes(json).count == IngestRules.faultsMax)
  }

  @Test("a time up to five minutes ahead of our clock is accepted") func future() throws {
    func json(_ time: String) -> String {
      #"{"source":"s","order_id":"1","occurred_at":"\#(time)","total":"5","customer":{"member_id":"M"}}"#
    }
    #expect(try Kit.codes(json("2026-07-01T12:05:00Z")).isEmpty)
    #expect(try Kit.codes(json("2026-07-01T12:05:00.000001Z")) == ["occurred_at.future"])
  }

  @Test("amounts in other currencies are converted exactly and rounded half up, once") func rates() throws {
    func base(_ amount: String, _ currency: String) throws -> Int64 {
      try Kit.order(
        #"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"\#(amount)","#
          + #""currency":"\#(currency)","customer":{"member_id":"M"}}"#
      ).event.baseMinorUnits
    }
    // Worked out with Python's decimal, ROUND_HALF_UP.
    #expect(try base("10.01", "USD") == 7_127)
    #expect(try base("0.63", "usd") == 449)
    #expect(try base("1000", "JPY") == 4_750)
    #expect(try base("1.005", "KWD") == 2_322)
    #expect(
      try Kit.codes(
        #"{"source":"s","order_id":"1","occurred_at":"2026-06-30T10:00:00Z","total":"1000.5","#
          + #""currency":"JPY","customer":{"member_id":"M"}}"#
      ) == ["total.decimals"])
  }

  @Test("rates of exchange that make no sense are refused where they are set") func badRates() {
    for text in ["USD", "USD=0", "USD=-1", "XXX=2", "USD=1,USD=2", "CNY=2", "USD=1e3"] {
      #expect(throws: RateFault.self) { try ExchangeRates(text, base: .cny) }
    }
    #expect(throws: Never.self) { try ExchangeRates(" USD=7.12 , CNY=1.0 ,", base: .cny) }
  }

  @Test("a customer record carries identifiers and what is known besides") func customer() throws {
    let event = try Kit.customer(
      #"{"source":"crm","event_id":"c-1","occurred_at":"2026-06-30T10:00:00Z","customer":{"union_id":"U","#
        + #""phone":"+44 20 7946 0958","gender":"unknown","name":" Ａ e\u0301 "}}"#
    )
    #expect(
      event.identifiers == [Identifier(kind: .unionID, value: "U"), Identifier(kind: .phone, value: "+442079460958", isVerified: false)])
    #expect(event.attributes == [.name: "Ａ é"])
    #expect(
      try Kit.codes(#"{"source":"crm","occurred_at":"2026-06-30T10:00:00Z","customer":{"union_id":"U"}}"#, stream: .customers) == [
        "event_id.missing"
      ])
  }

  @Test("the source beside a record outranks the one inside") func sourceHeader() throws {
    #expect(try Kit.order(ContractTests.whole, headers: [Header.inputSource: "pos"]).event.source == "pos")
  }
}

@Suite struct CloudEventTests {
  static let record = #"{"order_id":"1","total":"5","customer":{"member_id":"M"}}"#

  @Test("a CloudEvent in structured mode lends its id, source and time") func structured() throws {
    let json =
      #"{"specversion":"1.0","id":"ce-1","source":"shop","type":"com.example.order.v1","#
        + #""time":"2026-06-30T10:00:00Z","data":\#(CloudEventTests.record)}"#
    let fact = try Kit.order(json)
    #expect(fact.event.source == "shop" && fact.event.eventID == "ce-1" && fact.hasOwnEventID)
    #expect(RFC3339.text(fact.event.occurredAt.microseconds) == "2026-06-30T10:00:00Z")
  }

  @Test("a CloudEvent in binary mode lends its headers") func binary() throws {
    let headers = [
      Header.specVersion: "1.0", Header.id: "ce-2", Header.source: "shop", Header.type: "x.refund", Header.time: "2026-06-30T10:00:00Z",
    ]
    let fact = try Kit.order(#"{"refund_id":"r","amount":"5","customer":{"member_id":"M"}}"#, headers: headers)
    #expect(fact.event.kind == .refund && fact.event.eventID == "ce-2" && fact.event.orderID == nil)
  }

  @Test(
    "an envelope that cannot be opened says why",
    arguments: [
      (#"{"specversion":"0.3","id":"1","source":"s","type":"t","data":{}}"#, "specversion.unknown"),
      (#"{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"e30="}"#, "data_base64.format"),
      (#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#, "data.missing"),
      (#"{"specversion":"1.0","id":"1","source":"s","type":"t","data":7}"#, "record.type"),
    ])
  func refused(_ json: String, _ code: String) throws { #expect(try Kit.codes(json) == [code]) }

  @Test("places in faults are those of the whole value, envelope included") func offsets() throws {
    let json = #"{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"order_id":[1]}}"#
    guard case .refused(let faults) = try Kit.read(json) else { return #expect(Bool(false)) }
    let place = json.utf8.distance(from: json.utf8.startIndex, to: json.firstRange(of: "[1]")?.lowerBound ?? json.utf8.startIndex)
    #expect(faults.first?.field == "order_id" && faults.first?.detail.contains("byte \(place)") == true)
  }
}

@Suite struct NormalisingTests {
  @Test("addresses are put in lower case", arguments: [("A@B.cn", "a@b.cn"), ("li+x@例子.中国", "li+x@例子.中国")])
  func emails(_ given: String, _ wanted: String) { #expect(Normalising.email(given) == wanted) }

  @Test(
    "what cannot be an address is refused",
    arguments: ["", "a", "@b.cn", "a@b", "a@@b.cn", "a@b..cn", "a b@c.cn", "a@-b.cn", "a@b.cn,c@d.cn", "<a@b.cn>"])
  func noEmails(_ given: String) { #expect(Normalising.email(given) == nil) }
}
