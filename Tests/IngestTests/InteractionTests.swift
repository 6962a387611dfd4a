// Contacts, behaviours and answers: what is read, what is made of it, and that each counts once (I-04, I-06, K-01, P-10, F-01).
import Contracts
import Domain
import Handling
import Testing
import Text

@testable import IngestCore

@Suite struct InteractionTests {
  static let contact = #"""
    {"source":"desk","event_id":"c-1","occurred_at":"2026-06-30T10:00:00+08:00","direction":"呼入","channel":"微信","kind":"投诉","category":"物流\n延误",
     "urgency":"Down","text":" late\r\nagain\u0007 ","reference":77,"order_id":1001,"attachments":["a/1.jpg",{"reference":"r-9","name":"call"}],
     "customer":{"phone":"139 1234 5678","phone_verified":true,"open_id":"o-1","name":"安娜"}}
    """#
  static let behaviour = #"""
    {"source":"app","event_id":"b-1","occurred_at":"2026-06-30T10:00:00Z","name":"Add To Cart","count":"3","duration_seconds":"89.5","item":7,"value":"-2",
     "category":"tea","channel":"手机","customer":{"device_id":"d-1"}}
    """#
  static let answer = #"""
    {"source":"polls","event_id":"a-1","occurred_at":"2026-06-30T10:00:00Z","survey":"q2","survey_version":"2","metric":"满意度","score":"5",
     "comment":"再来","channel":"E-Mail","ticket_id":5,"item":"T","follow_ups":[{"question":"why","answer":"fast"},{"question":"more?","answer":" "}],
     "customer":{"member_id":"M1"}}
    """#

  private func fact(_ json: String, _ stream: InputStream) throws -> InteractionFact {
    let verdict = try Kit.read(json, stream: stream)
    guard case .fact(.interaction(let fact)) = verdict else { throw Surprise("\(verdict)") }
    return fact
  }

  @Test("a contact becomes one in our words: who, over which channel, what about, how urgent, and what was said") func contacts() throws {
    let fact = try fact(InteractionTests.contact, .contacts)
    let wanted = ContactEvent(
      source: "desk", eventID: "c-1", occurredAt: Instant(seconds: 1_782_784_800), direction: .inbound, channel: "wechat", kind: .complaint,
      category: "物流 延误", urgency: .systemDown, text: "late\nagain", reference: "77", orderID: "1001",
      attachments: [.init(reference: "a/1.jpg"), .init(reference: "r-9", name: "call")],
      identifiers: [Identifier(kind: .phone, value: "+8613912345678", isVerified: true), Identifier(kind: .openID, value: "o-1")])
    #expect(fact.event == .contact(wanted))
    #expect(fact.attributes == [.name: "安娜"])
  }

  @Test("a behaviour keeps any name, in our spelling, its count, its seconds and its figure") func behaviours() throws {
    let wanted = BehaviourEvent(
      source: "app", eventID: "b-1", occurredAt: Instant(seconds: 1_782_813_600), name: "cart", count: 3, durationSeconds: 90, channel: "app", item: "7",
      category: "tea", value: -2, identifiers: [Identifier(kind: .deviceID, value: "d-1")])
    #expect(try fact(InteractionTests.behaviour, .behaviours).event == .behaviour(wanted))
    let own = InteractionTests.behaviour.replacing("Add To Cart", with: "Try-On Booked")
    guard case .behaviour(let event) = try fact(own, .behaviours).event else { throw Surprise("no behaviour") }
    #expect(event.name == "try_on_booked")
  }

  @Test("an answer keeps its survey's version, its score on the metric's scale, and further answers that say something") func answers() throws {
    let wanted = AnswerEvent(
      source: "polls", eventID: "a-1", occurredAt: Instant(seconds: 1_782_813_600), survey: "q2", surveyVersion: 2, metric: .csat, score: 5, comment: "再来",
      channel: "email", ticketID: "5", item: "T", followUps: [.init(question: "why", answer: "fast")],
      identifiers: [Identifier(kind: .memberID, value: "M1")])
    #expect(try fact(InteractionTests.answer, .answers).event == .answer(wanted))
  }

  @Test("every fault of a record is told at once, by its field") func faults() throws {
    let contact = #"{"source":"desk","kind":"rant","urgency":7,"direction":"up","attachments":[{"name":"x"},4],"order_id":{}}"#
    #expect(
      try Kit.codes(contact, stream: .contacts) == [
        "urgency.type", "attachments[1].type", "order_id.type", "event_id.missing", "customer.missing", "occurred_at.missing", "kind.enum",
        "direction.enum", "attachments[0].reference.missing",
      ])
    let head = #""source":"s","event_id":"e","occurred_at":"2026-06-30T10:00:00Z","customer":{"member_id":"M"}"#
    #expect(
      try Kit.codes("{\(head),\"count\":0,\"duration_seconds\":\"x\",\"value\":1.5}", stream: .behaviours) == [
        "name.missing", "count.range", "duration_seconds.type", "value.type",
      ])
    #expect(try Kit.codes("{\(head),\"survey\":\"s\",\"metric\":\"ces\",\"score\":8}", stream: .answers) == ["score.range"])
    #expect(try Kit.codes("{\(head),\"metric\":\"likes\",\"score\":\"many\"}", stream: .answers) == ["survey.missing", "metric.enum", "score.type"])
    #expect(try Kit.codes("{\(head),\"type\":\"contact\"}", stream: .answers).contains("type.enum"))
  }

  @Test("the same event id counts once, in any stream of its source; with another content the first stands and the second is a conflict")
  func once() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    let records = [
      Kit.input(InteractionTests.contact, stream: .contacts), Kit.input(InteractionTests.contact, stream: .contacts),
      Kit.input(InteractionTests.contact.replacing("again", with: "never"), stream: .contacts),
      Kit.input(InteractionTests.contact.replacing("安娜", with: "安妮"), stream: .contacts),
      Kit.input(InteractionTests.behaviour.replacing("\"app\"", with: "\"desk\"").replacing("b-1", with: "c-1"), stream: .behaviours),
      Kit.input(InteractionTests.answer, stream: .answers),
    ]
    let outcome = try feed.apply(records, to: &store)
    #expect(outcome.interactions.map(\.eventID) == ["c-1", "a-1"])
    #expect(outcome.codes == ["event_id.conflict", "event_id.conflict", "event_id.conflict"])
    #expect(store.sources["desk"] == SourceCount(source: "desk", records: 5, accepted: 1, duplicates: 1, refused: 3))
  }

  @Test("what a contact tells about the person is a customer fact beside it, and both are at home with the strongest identifier") func persons() throws {
    var feed = try Feed()
    var store = MemoryIngestStore()
    let outcome = try feed.apply([Kit.input(InteractionTests.contact, stream: .contacts)], to: &store)
    #expect(outcome.customers.map(\.eventID) == ["c-1/customer"] && outcome.customers.first?.attributes == [.name: "安娜"])
    #expect(Set(outcome.publications.map { $0.home?.kind }) == [.phone])
  }

  @Test(
    "a record says by its type where it belongs; an order is what says nothing known",
    arguments: [
      (#"{"type":"contact"}"#, nil, InputStream.contacts), (#"{"type":"Refund"}"#, nil, .orders), (#"{"type":"customer"}"#, nil, .customers),
      (#"{"a":{"type":"answer"},"type":"behaviour"}"#, nil, .behaviours), ("{}", "com.example.desk.contact.v1", .contacts),
      ("{}", "shop.answer-given", .answers), (#"{"type":"nothing"}"#, "x.registration", .customers), ("{}", nil, .orders), ("[1", nil, .orders),
      (#"{"specversion":"1.0","type":"com.shop.contact.created","data":{"text":"x"}}"#, nil, .contacts),
      (#"{"data":{"type":"answer"},"specversion":"1.0","type":"com.shop.event"}"#, nil, .answers),
    ]) func types(_ json: String, _ envelope: String?, _ stream: InputStream) {
    #expect(RecordStream.find(Array(json.utf8), envelopeType: envelope) == stream)
  }

  private static let mapping = """
    mapping: desk
    version: 1
    source: desk
    owner: service
    format: {kind: csv}
    kinds:
      - {kind: answer, when: {field: Stars, empty: false}}
      - {kind: behaviour, when: {field: Page, empty: false}}
      - {kind: contact}
    contact:
      event_id: {field: Id}
      occurred_at: {field: At, pattern: rfc3339}
      customer: {member_id: {field: Member}}
      channel: {constant: hotline}
      kind: {field: Kind, table: {K1: complaint}, otherwise: question}
      urgency: {constant: blocked}
      text: {field: Text}
      attachment: {field: Recording}
    behaviour:
      event_id: {field: Id}
      occurred_at: {field: At, pattern: rfc3339}
      customer: {member_id: {field: Member}}
      name: {constant: browse}
      item: {field: Page}
    answer:
      event_id: {field: Id}
      occurred_at: {field: At, pattern: rfc3339}
      customer: {member_id: {field: Member}}
      survey: {constant: call}
      metric: {constant: csat}
      score: {field: Stars}
      ticket_id: {field: Recording}
    end: true
    """

  @Test("a mapping makes them of a file's lines, each on the topic of its kind when the file has one kind only") func mapped() throws {
    let mapping = try Kit.mapping(InteractionTests.mapping)
    let lines = """
      Id,At,Member,Kind,Text,Recording,Stars,Page
      1,2026-06-30T10:00:00Z,M1,K1,hello,rec-1,,
      2,2026-06-30T10:00:00Z,M1,,,,,T-9
      3,2026-06-30T10:00:00Z,M1,,,T-5,4,
      4,2026-06-30T10:00:00Z,M1,,,T-5,9,

      """
    var file = FileRecords(mapping: mapping.mapping, mappingID: "desk@1", importID: "i")
    let records = try file.take(Array(lines.utf8)) + file.finish()
    let reading = RecordReading(rules: try Kit.rules())
    let verdicts = records.map { record in
      reading.read(
        InputRecord(stream: .orders, value: record.value) { name in record.headers.first { $0.name == name }?.value }, mapping: mapping, now: Kit.now)
    }
    var events: [InteractionEvent] = []
    for case .fact(.interaction(let fact)) in verdicts { events.append(fact.event) }
    let at = Instant(seconds: 1_782_813_600)
    let who = [Identifier(kind: .memberID, value: "M1")]
    #expect(
      events == [
        .contact(
          ContactEvent(
            source: "desk", eventID: "1", occurredAt: at, channel: "hotline", kind: .complaint, urgency: .blocked, text: "hello",
            attachments: [.init(reference: "rec-1")], identifiers: who)),
        .behaviour(BehaviourEvent(source: "desk", eventID: "2", occurredAt: at, name: "browse", item: "T-9", identifiers: who)),
        .answer(AnswerEvent(source: "desk", eventID: "3", occurredAt: at, survey: "call", metric: .csat, score: 4, ticketID: "T-5", identifiers: who)),
      ])
    #expect(verdicts.last.map(Kit.codes) == ["score.range"])
    #expect(FileRecords.topic(of: mapping.mapping) == Topics.ordersIn)
    let contactsOnly = InteractionTests.mapping.replacing("  - {kind: answer, when: {field: Stars, empty: false}}\n", with: "")
      .replacing("  - {kind: behaviour, when: {field: Page, empty: false}}\n", with: "").split(separator: "behaviour:\n")
    let text = (contactsOnly.first.map(String.init) ?? "") + "end: true\n"
    #expect(FileRecords.topic(of: try Kit.mapping(text).mapping) == Topics.contactsIn)
  }
}

extension IngestOutcome {
  var interactions: [InteractionEvent] { publications.compactMap { if case .interaction(let event) = $0.event { event } else { nil } } }
}
