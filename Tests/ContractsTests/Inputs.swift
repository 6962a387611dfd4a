// Records as other systems send them, each with what is to become of it (I-02, I-04).
import Contracts
import Testing

struct Input: Sendable, CustomTestStringConvertible {
  enum Fate: Sendable {
    /// Satisfies the schema and is accepted.
    case good
    /// Breaks the schema and is refused.
    case bad
    /// Accepted although the schema does not offer it: it is for those who cannot send it otherwise.
    case tolerated
  }
  let what: String
  let fate: Fate
  let stream: InputStream
  let json: String

  init(_ what: String, _ fate: Fate, in stream: InputStream = .orders, _ json: String) {
    self.what = what
    self.fate = fate
    self.stream = stream
    self.json = json
  }

  var testDescription: String { what }
  var schema: String { "deploy/schemas/in-\(stream.rawValue.dropLast()).schema.json" }
}

extension Input {
  static let all = orders + movements + lines + persons + contacts + behaviours + answers

  private static let who = #""customer":{"member_id":"M-7"}"#
  private static let head = #""source":"shop","occurred_at":"2026-06-30T09:30:00+08:00""#

  private static let orders = [
    Input("an order with everything", .good, #"""
      {"type":"order","source":"shop","event_id":"e-1","order_id":"A-1","revision":2,"ordered_at":"2026-06-30T09:30:00.5+08:00",
       "paid_at":"2026-06-30T01:31:00Z","status":"paid","currency":"CNY","total":"259.90","channel":"小程序",
       "customer":{"member_id":"M-7","phone":"139 1234 5678","phone_verified":true,"email":"An@Example.com","email_verified":false,"national_id_hash":"5f2c",
        "union_id":"u","open_id":"o","pos_card":88,"device_id":"d","external_id":17,"name":"安娜","gender":"female","birthday":"1990-05-17","region":"浙江",
        "industry":"retail"},
       "lines":[{"sku":"TEA-1","name":"龙井","quantity":"2","unit_price":"99.90","category":"tea"},{"name":"postage","amount":60.1}],"a_member_of_their_own":[1]}
      """#),
    Input("an order with the least", .good, "{\(head),\"order_id\":\"A-2\",\"total\":\"0\",\(who)}"),
    Input("an order id and a total as numbers", .good, "{\(head),\"order_id\":1002,\"total\":12.5,\(who)}"),
    Input("an order whose total is called amount", .good, "{\(head),\"order_id\":\"A\",\"amount\":\"5\",\(who)}"),
    Input("a revision as a text", .good, "{\(head),\"order_id\":\"A\",\"revision\":\"3\",\"amount\":\"5\",\(who)}"),
    Input("a state in Chinese", .good, "{\(head),\"order_id\":\"A\",\"status\":\"已付款\",\"total\":\"5\",\(who)}"),
    Input("no source", .bad, "{\"occurred_at\":\"2026-06-30T09:30:00Z\",\"order_id\":\"A\",\"total\":\"5\",\(who)}"),
    Input("no time", .bad, "{\"source\":\"shop\",\"order_id\":\"A\",\"total\":\"5\",\(who)}"),
    Input(
      "a time without an offset", .bad,
      "{\"source\":\"shop\",\"occurred_at\":\"2026-06-30T09:30:00\",\"order_id\":\"A\",\"total\":\"5\",\(who)}"),
    Input("a time under two names", .bad, "{\(head),\"ordered_at\":\"2026-06-30T09:30:00Z\",\"order_id\":\"A\",\"total\":\"5\",\(who)}"),
    Input("no order id", .bad, "{\(head),\"total\":\"5\",\(who)}"),
    Input("an order id of blanks", .bad, "{\(head),\"order_id\":\"  \",\"total\":\"5\",\(who)}"),
    Input("an order id that is too long", .bad, "{\(head),\"order_id\":\"\(String(repeating: "9", count: 91))\",\"total\":\"5\",\(who)}"),
    Input("a revision of zero", .bad, "{\(head),\"order_id\":\"A\",\"revision\":0,\"total\":\"5\",\(who)}"),
    Input("a revision that is no number", .bad, "{\(head),\"order_id\":\"A\",\"revision\":\"two\",\"total\":\"5\",\(who)}"),
    Input("no total", .bad, "{\(head),\"order_id\":\"A\",\(who)}"),
    Input("a negative total", .bad, "{\(head),\"order_id\":\"A\",\"total\":\"-5\",\(who)}"),
    Input("a total with grouping", .bad, "{\(head),\"order_id\":\"A\",\"total\":\"1,000\",\(who)}"),
    Input("a total with an exponent", .bad, "{\(head),\"order_id\":\"A\",\"total\":\"1e3\",\(who)}"),
    Input("no customer", .bad, "{\(head),\"order_id\":\"A\",\"total\":\"5\"}"),
    Input("a customer without an identifier", .bad, "{\(head),\"order_id\":\"A\",\"total\":\"5\",\"customer\":{\"name\":\"An\"}}"),
    Input("a customer that is a text", .bad, "{\(head),\"order_id\":\"A\",\"total\":\"5\",\"customer\":\"M-7\"}"),
    Input("a kind that does not exist", .bad, "{\(head),\"type\":\"invoice\",\"order_id\":\"A\",\"total\":\"5\",\(who)}"),
    Input("a state that does not exist", .bad, "{\(head),\"order_id\":\"A\",\"status\":\"lost\",\"total\":\"5\",\(who)}"),
    Input("a currency that is a word", .bad, "{\(head),\"order_id\":\"A\",\"currency\":\"yuan\",\"total\":\"5\",\(who)}"),
    Input("not an object", .bad, "[1]"),
    Input("a kind in capitals", .tolerated, "{\(head),\"type\":\"ORDER\",\"order_id\":\"A\",\"total\":\"5\",\(who)}"),
    Input("a state in capitals", .tolerated, "{\(head),\"order_id\":\"A\",\"status\":\"Paid\",\"total\":\"5\",\(who)}"),
  ]

  private static let movements = [
    Input("a payment", .good, "{\(head),\"type\":\"payment\",\"order_id\":\"A\",\"payment_id\":\"P-1\",\"amount\":\"5.00\"}"),
    Input("a refund of an order", .good, "{\(head),\"type\":\"refund\",\"order_id\":\"A\",\"refund_id\":\"R-1\",\"amount\":\"5\"}"),
    Input("a refund of no order", .good, "{\(head),\"type\":\"refund\",\"reference\":\"CN-1\",\"amount\":\"5\",\(who)}"),
    Input("a cancellation", .good, "{\(head),\"type\":\"cancellation\",\"order_id\":\"A\"}"),
    Input("a payment without its id", .bad, "{\(head),\"type\":\"payment\",\"order_id\":\"A\",\"amount\":\"5\"}"),
    Input("a payment without its order", .bad, "{\(head),\"type\":\"payment\",\"reference\":\"P\",\"amount\":\"5\",\(who)}"),
    Input("a payment without an amount", .bad, "{\(head),\"type\":\"payment\",\"order_id\":\"A\",\"reference\":\"P\"}"),
    Input("a refund under two ids", .bad, "{\(head),\"type\":\"refund\",\"order_id\":\"A\",\"reference\":\"P\",\"refund_id\":\"P\",\"amount\":\"5\"}"),
    Input("a refund of no order and nobody", .bad, "{\(head),\"type\":\"refund\",\"reference\":\"CN-1\",\"amount\":\"5\"}"),
    Input("a negative refund", .bad, "{\(head),\"type\":\"refund\",\"order_id\":\"A\",\"reference\":\"R\",\"amount\":\"-5\"}"),
    Input("a cancellation of no order", .bad, "{\(head),\"type\":\"cancellation\",\(who)}"),
  ]

  private static func line(_ what: String, _ fate: Fate, _ line: String) -> Input {
    Input(what, fate, "{\(head),\"order_id\":\"A\",\"total\":\"5\",\(who),\"lines\":[{\"sku\":\"S\",\"amount\":\"5\"},\(line)]}")
  }

  private static let lines = [
    line("a discount line", .good, #"{"name":"coupon","amount":"-1"}"#),
    line("a line with a fraction", .good, #"{"sku":7,"quantity":0.75,"unit_price":"4"}"#),
    line("a line of nothing", .bad, #"{"amount":"1"}"#),
    line("a line without a price", .bad, #"{"sku":"S","quantity":"2"}"#),
    line("a line whose quantity is a word", .bad, #"{"sku":"S","quantity":"two","amount":"1"}"#),
    line("a line that is a text", .bad, #""S""#),
    Input("lines that are an object", .bad, "{\(head),\"order_id\":\"A\",\"total\":\"5\",\(who),\"lines\":{}}"),
    Input("too many lines", .bad, "{\(head),\"order_id\":\"A\",\"total\":\"5\",\(who),\"lines\":[\(oneTooMany)]}"),
  ]

  private static let oneTooMany = Array(repeating: #"{"sku":"S","amount":1}"#, count: 5_001).joined(separator: ",")

  private static let persons = [
    Input(
      "a person", .good, in: .customers,
      #"{"source":"crm","event_id":"k-1","occurred_at":"2026-06-30T09:30:00z","customer":{"phone":"+8613912345678","name":"安娜"}}"#),
    Input("a person by an event id that is a number", .good, in: .customers, "{\(head),\"event_id\":7,\(who)}"),
    Input("a person without an event id", .bad, in: .customers, "{\(head),\(who)}"),
    Input("nobody", .bad, in: .customers, "{\(head),\"event_id\":\"k\",\"customer\":{\"region\":\"北京\"}}"),
    Input("no person at all", .bad, in: .customers, "{\(head),\"event_id\":\"k\"}"),
    Input("a birthday in words", .bad, in: .customers, "{\(head),\"event_id\":\"k\",\"customer\":{\"member_id\":\"M\",\"birthday\":\"17 May\"}}"),
    Input("a truth value as a text", .bad, in: .customers, "{\(head),\"event_id\":\"k\",\"customer\":{\"phone\":\"13912345678\",\"phone_verified\":\"yes\"}}"),
  ]

  private static func told(_ what: String, _ fate: Fate, _ stream: InputStream, _ members: String) -> Input {
    Input(what, fate, in: stream, "{\(head),\"event_id\":\"e\",\(who)\(members.isEmpty ? "" : ",")\(members)}")
  }

  private static let contacts = [
    Input("a contact with everything", .good, in: .contacts, #"""
      {"type":"contact","source":"crm","event_id":7,"occurred_at":"2026-06-30T09:30:00+08:00","direction":"inbound","channel":"微信","kind":"投诉",
       "category":"物流","urgency":"blocked","text":"late\r\nagain","reference":77,"order_id":1001,
       "attachments":["oss://a/1.jpg",{"reference":"rec-9","name":"call.mp3"}],"customer":{"open_id":"o-1","name":"安娜"}}
      """#),
    told("a contact with the least", .good, .contacts, ""),
    told("a contact without attachments", .good, .contacts, #""attachments":null,"kind":null"#),
    told("a kind in capitals with a blank", .tolerated, .contacts, #""kind":"Change Request","urgency":"DOWN""#),
    told("a kind of contact that does not exist", .bad, .contacts, #""kind":"rant""#),
    told("an urgency that is a number", .bad, .contacts, #""urgency":1"#),
    told("a direction that does not exist", .bad, .contacts, #""direction":"sideways""#),
    told("an attachment without a reference", .bad, .contacts, #""attachments":[{"name":"a.jpg"}]"#),
    told("attachments that are a text", .bad, .contacts, #""attachments":"a.jpg""#),
    told("too many attachments", .bad, .contacts, #""attachments":["# + Array(repeating: #""a""#, count: 21).joined(separator: ",") + "]"),
    told("a text that is too long", .bad, .contacts, "\"text\":\"\(String(repeating: "x", count: 10_001))\""),
    told("a contact that says it is an order", .bad, .contacts, #""type":"order""#),
    Input("a contact without an event id", .bad, in: .contacts, "{\(head),\(who)}"),
    Input("a contact with nobody", .bad, in: .contacts, "{\(head),\"event_id\":\"e\"}"),
  ]

  private static let behaviours = [
    told("a visit", .good, .behaviours, #""name":"visit""#),
    told("half an hour of browsing", .good, .behaviours, #""name":"browse","duration_seconds":1800.4,"item":7,"category":"tea","channel":"app","count":"2""#),
    told("a review", .good, .behaviours, #""name":"评价","value":5,"text":"好喝","item":"TEA-1""#),
    told("an action without a name", .bad, .behaviours, #""item":"TEA-1""#),
    told("an action that never happened", .bad, .behaviours, #""name":"visit","count":0"#),
    told("half an action", .bad, .behaviours, #""name":"visit","count":0.5"#),
    told("a negative duration", .bad, .behaviours, #""name":"visit","duration_seconds":-1"#),
    told("a duration in words", .bad, .behaviours, #""name":"visit","duration_seconds":"an hour""#),
    told("more than a year", .bad, .behaviours, #""name":"visit","duration_seconds":31622401"#),
  ]

  private static let answers = [
    told("a promoter", .good, .answers, #""survey":"s","metric":"nps","score":10,"comment":"great","follow_ups":[{"question":"why","answer":"fast"}]"#),
    told("a score as a text", .good, .answers, #""survey":"s","survey_version":3,"metric":"csat","score":"5","ticket_id":9,"order_id":"A","item":"TEA-1""#),
    told("a question that was passed over", .good, .answers, #""survey":"s","metric":"ces","score":7,"follow_ups":[{"question":"why","answer":null}]"#),
    told("a metric in capitals", .tolerated, .answers, #""survey":"s","metric":"NPS","score":0"#),
    told("an answer without a survey", .bad, .answers, #""metric":"nps","score":9"#),
    told("an answer without a metric", .bad, .answers, #""survey":"s","score":9"#),
    told("an answer without a score", .bad, .answers, #""survey":"s","metric":"nps""#),
    told("a score beyond the scale of nps", .bad, .answers, #""survey":"s","metric":"nps","score":11"#),
    told("a score beyond the scale of csat", .bad, .answers, #""survey":"s","metric":"csat","score":6"#),
    told("a score below the scale of ces", .bad, .answers, #""survey":"s","metric":"ces","score":0"#),
    told("half a point", .bad, .answers, #""survey":"s","metric":"nps","score":9.5"#),
    told("a version of zero", .bad, .answers, #""survey":"s","survey_version":0,"metric":"nps","score":9"#),
    told("further answers to no question", .bad, .answers, #""survey":"s","metric":"nps","score":9,"follow_ups":[{"answer":"x"}]"#),
  ]
}
