// What sources tell in one run, as records and, beside them, as plain facts from which the truth is worked out.
import Contracts
import Domain
import Kafka
import Text

/// An identifier in two words.
struct Name: Hashable, Comparable {
  let kind: IdentifierKind
  let value: String
  var isStrong: Bool { kind != .deviceID }
  static func < (left: Name, right: Name) -> Bool { (left.kind, left.value) < (right.kind, right.value) }
}

/// One thing that happened, as it is told.
struct Told {
  enum What {
    case order(revision: Int, paidAt: Instant?)
    case payment(String)
    case refund(String)
    case cancellation
    case creditNote(String)
    case registration(industry: String?)
    case visit
  }
  let what: What
  let source: String
  /// Of a registration and a visit its event id.
  let id: String
  let at: Instant
  let minorUnits: Int64
  let names: [Name]

  /// What the event is known by in `ce_id`.
  var eventID: String {
    switch what {
    case .order(let revision, _): "\(source)/order/\(id)/\(revision)"
    case .payment(let reference): "\(source)/payment/\(id)/\(reference)"
    case .refund(let reference): "\(source)/refund/\(id)/\(reference)"
    case .cancellation: "\(source)/cancellation/\(id)"
    case .creditNote(let reference): "\(source)/refund/\(reference)"
    case .registration, .visit: "\(source)/\(id)"
    }
  }
}

/// One record as it is published; the same one may be published more than once.
struct Input {
  enum Fate: Equatable {
    case good
    /// Refused whenever it comes.
    case bad
    /// One of several contents under the same key: whichever comes first stands, the others are refused.
    case rival(String)
  }
  let json: String
  let topic: Topic
  let fate: Fate
}

struct Stand: Hashable {
  let place: TopicPartition
  let offset: Int64
}

struct Workload {
  static let begin = Instant(seconds: 899_294_400)
  static let firstDay = Instant(seconds: 852_422_400)
  /// What this source says the simulated database cannot hold.
  static let poisonedSource = "poisoned"

  /// In the order in which they are published.
  private(set) var inputs: [Input] = []
  private(set) var told: [Told] = []
  /// Where the records stand that will be, or may be, refused.
  private(set) var stands: [String: (fate: Input.Fate, stands: [Stand])] = [:]
  private var number = 0

  init(_ chance: inout Chance) {
    let people = chance.among(2...5)
    for person in 0..<people {
      register(person, &chance)
      for _ in 0..<chance.among(2...7) { order(of: person, &chance) }
      for _ in 0..<chance.below(4) { visit(by: person, &chance) }
    }
    for _ in 0..<chance.below(3) where people > 1 { join(chance.below(people), chance.below(people), &chance) }
    for _ in 0..<chance.below(7) { bad(&chance) }
    inputs += inputs.filter { _ in chance.happens(200) }
    inputs.shuffle(using: &chance)
  }

  mutating func stand(_ input: Input, _ place: TopicPartition, _ offset: Int64) {
    guard input.fate != .good else { return }
    stands[input.json, default: (input.fate, [])].stands.append(Stand(place: place, offset: offset))
  }

  // MARK: - Persons

  private static func strong(_ person: Int) -> [Name] {
    [
      Name(kind: .memberID, value: "M\(person)"), Name(kind: .unionID, value: "u\(person)"),
      Name(kind: .phone, value: "+861391234000\(person)"), Name(kind: .email, value: "p\(person)@example.com"),
    ]
  }
  private static func device(_ person: Int) -> Name { Name(kind: .deviceID, value: "d\(person)") }

  private func some(_ person: Int, _ chance: inout Chance) -> [Name] {
    let all = Workload.strong(person) + [Workload.device(person)]
    let chosen = all.filter { _ in chance.happens(350) }
    return chosen.isEmpty ? [all[chance.below(all.count)]] : chosen
  }

  private static func moment(_ chance: inout Chance) -> Instant { firstDay.adding(seconds: Int64(chance.below(520 * 86_400))) }

  private mutating func register(_ person: Int, _ chance: inout Chance) {
    for round in 0..<chance.among(1...2) {
      let names = round == 0 ? Workload.strong(person) + (chance.happens(500) ? [Workload.device(person)] : []) : some(person, &chance)
      registration(names, chance.pick(["retail", "it", nil]) ?? nil, &chance)
    }
  }

  /// Somebody who tells an identifier of two: they are one.
  private mutating func join(_ one: Int, _ other: Int, _ chance: inout Chance) {
    guard one != other else { return }
    registration([Workload.strong(one)[0], Workload.strong(other)[2]], nil, &chance)
  }

  private mutating func registration(_ names: [Name], _ industry: String?, _ chance: inout Chance) {
    number += 1
    let event = Told(
      what: .registration(industry: industry), source: "members", id: "r\(number)", at: Workload.moment(&chance), minorUnits: 0, names: names)
    tell(event, on: Topics.customersIn)
  }

  /// Some device's, some under a name that makes two identities one.
  private mutating func visit(by person: Int, _ chance: inout Chance) {
    number += 1
    tell(
      Told(what: .visit, source: "app", id: "v\(number)", at: Workload.moment(&chance), minorUnits: 0, names: some(person, &chance)), on: Topics.behavioursIn)
  }

  // MARK: - Orders

  private mutating func order(of person: Int, _ chance: inout Chance) {
    number += 1
    // Two sources count their orders by the same numbers.
    let source = number.isMultiple(of: 2) ? "shop" : "mall"
    let id = String(number / 2 + 1)
    let at = Workload.moment(&chance)
    let amount = Int64(chance.among(1...60_000)) * 100
    let names = some(person, &chance)
    func told(_ what: Told.What, _ days: Int, _ amount: Int64, _ names: [Name] = []) -> Told {
      Told(what: what, source: source, id: id, at: at.adding(seconds: Int64(days) * 86_400 + 60), minorUnits: amount, names: names)
    }
    if chance.happens(80) {
      // The order itself never comes.
      return tell(told(.payment("p1"), 0, amount))
    }
    let paysLater = chance.happens(400)
    let first = told(.order(revision: 1, paidAt: paysLater ? nil : at), 0, amount, names)
    if chance.happens(100) { tell(first, rivals: true) } else { tell(first) }
    if chance.happens(250) { tell(told(.order(revision: 2, paidAt: chance.happens(700) ? at : nil), 0, amount / 2, some(person, &chance))) }
    if paysLater {
      for part in 0..<chance.among(0...2) { tell(told(.payment("p\(part)"), part + 1, amount / 2, chance.happens(200) ? some(person, &chance) : [])) }
    }
    if chance.happens(250) { tell(told(.refund("f1"), 9, chance.happens(500) ? amount : amount / 3)) }
    if chance.happens(150) { tell(told(.cancellation, 3, 0)) }
    if chance.happens(100) {
      number += 1
      tell(Told(what: .creditNote("c\(number)"), source: source, id: "", at: at, minorUnits: amount / 5, names: some(person, &chance)))
    }
  }

  private mutating func bad(_ chance: inout Chance) {
    number += 1
    let time = RFC3339.text(Workload.moment(&chance).microseconds)
    let customer = #""customer":{"member_id":"M0"}"#
    let json: [String] = [
      #"{"order_id":"b\#(number)","#,
      #"{"source":"shop","order_id":"b\#(number)","status":"paid","total":"1.00",\#(customer)}"#,
      #"{"source":"shop","order_id":"b\#(number)","occurred_at":"\#(time)","total":"-5.00",\#(customer)}"#,
      #"{"source":"shop","order_id":"b\#(number)","occurred_at":"\#(time)","total":"1.00","currency":"XXQ",\#(customer)}"#,
      #"{"source":"shop","order_id":"b\#(number)","occurred_at":"\#(time)","total":"1.00"}"#,
      #"{"source":"\#(Workload.poisonedSource)","order_id":"b\#(number)","occurred_at":"\#(time)","total":"1.00",\#(customer)}"#,
    ]
    inputs.append(Input(json: chance.pick(json) ?? "", topic: Topics.ordersIn, fate: .bad))
  }

  // MARK: - Records

  private mutating func tell(_ event: Told, on topic: Topic = Topics.ordersIn, rivals: Bool = false) {
    told.append(event)
    guard rivals else {
      inputs.append(Input(json: Workload.json(event), topic: topic, fate: .good))
      return
    }
    for channel in ["web", "shop"] {
      inputs.append(Input(json: Workload.json(event, channel: channel), topic: topic, fate: .rival(event.eventID)))
    }
  }

  private static func json(_ event: Told, channel: String? = nil) -> String {
    var parts = [#""source":"\#(event.source)""#, #""occurred_at":"\#(RFC3339.text(event.at.microseconds))""#]
    let cents = event.minorUnits % 100
    let amount = "\(event.minorUnits / 100).\(cents < 10 ? "0" : "")\(cents)"
    switch event.what {
    case .order(let revision, let paidAt):
      parts += [#""order_id":"\#(event.id)""#, #""revision":\#(revision)"#, #""total":"\#(amount)""#]
      if let paidAt { parts.append(#""paid_at":"\#(RFC3339.text(paidAt.microseconds))""#) }
    case .payment(let reference): parts += [#""type":"payment""#, #""order_id":"\#(event.id)""#, #""reference":"\#(reference)""#, #""amount":"\#(amount)""#]
    case .refund(let reference): parts += [#""type":"refund""#, #""order_id":"\#(event.id)""#, #""reference":"\#(reference)""#, #""amount":"\#(amount)""#]
    case .creditNote(let reference): parts += [#""type":"refund""#, #""reference":"\#(reference)""#, #""amount":"\#(amount)""#]
    case .cancellation: parts += [#""type":"cancellation""#, #""order_id":"\#(event.id)""#]
    case .registration: parts.append(#""event_id":"\#(event.id)""#)
    case .visit: parts += [#""event_id":"\#(event.id)""#, #""name":"visit""#]
    }
    if let channel { parts.append(#""channel":"\#(channel)""#) }
    if let customer = customer(event) { parts.append(#""customer":{\#(customer)}"#) }
    return "{" + parts.joined(separator: ",") + "}"
  }

  private static func customer(_ event: Told) -> String? {
    var parts = event.names.flatMap { name in
      let value = [#""\#(name.kind.name)":"\#(name.value)""#]
      return name.kind == .phone || name.kind == .email ? value + [#""\#(name.kind.name)_verified":true"#] : value
    }
    if case .registration(let industry?) = event.what { parts.append(#""industry":"\#(industry)""#) }
    return parts.isEmpty ? nil : parts.joined(separator: ",")
  }
}
