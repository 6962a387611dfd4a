// What a person tells the service to do with a ticket, on which state they looked, and why it is not done.
import Access
import Domain
import HTTP
import Runtime
import Text
import TicketsCore
import TicketsStore

/// Reads the members of a body and gathers everything that is wrong with them.
struct BodyReader {
  let body: JSONValue
  private(set) var faults: [Problem.FieldFault] = []

  static let textMax = 10_000
  static let categoryMax = 160

  init(_ body: JSONValue) { self.body = body }

  mutating func refuse(_ field: String, _ rule: String, _ detail: String) { faults.append(.init(field: field, rule: rule, detail: detail)) }

  /// A text; empty where it is left out and need not be there.
  mutating func text(_ field: String, max: Int, isNeeded: Bool = false) -> String {
    guard let given = body[field] else {
      if isNeeded { refuse(field, "missing", "\(field) is needed") }
      return ""
    }
    guard let text = given.stringValue else {
      refuse(field, "type", "\(field) is a text")
      return ""
    }
    if text.unicodeScalars.count > max { refuse(field, "length", "\(field) has at most \(max) characters") }
    if text.contains("\0") { refuse(field, "format", "\(field) must not contain a NUL") }
    if isNeeded, text.allSatisfy(\.isWhitespace) { refuse(field, "missing", "\(field) must not be blank") }
    return text
  }

  mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ field: String, of: Choice.Type, isNeeded: Bool = false) -> Choice? {
    guard let given = body[field] else {
      if isNeeded { refuse(field, "missing", "\(field) is one of \(BodyReader.words(Choice.self))") }
      return nil
    }
    guard let choice = given.stringValue.flatMap({ Choice(rawValue: $0) }) else {
      refuse(field, "enum", "\(field) is one of \(BodyReader.words(Choice.self))")
      return nil
    }
    return choice
  }

  static func words<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type) -> String {
    Choice.allCases.map(\.rawValue).joined(separator: ", ")
  }

  mutating func subject() -> TicketSubject {
    TicketSubject(
      kind: choice("kind", of: ContactEvent.Kind.self), category: text("category", max: BodyReader.categoryMax),
      urgency: choice("urgency", of: ContactEvent.Urgency.self))
  }

  mutating func ticket(_ field: String) -> TicketID? {
    guard let id = body[field]?.stringValue.flatMap({ TicketID($0) }) else {
      refuse(field, "format", "a ticket id has 16 hexadecimal digits")
      return nil
    }
    return id
  }

  mutating func attachments() -> [ContactEvent.Attachment] {
    guard let given = body["attachments"] else { return [] }
    guard let items = given.arrayValue, items.count <= ContactEvent.attachmentsMax else {
      refuse("attachments", "type", "attachments is a list of at most \(ContactEvent.attachmentsMax) references")
      return []
    }
    return items.enumerated().compactMap { place, item in
      guard let members = item.members, members.allSatisfy({ ["reference", "name"].contains($0.key) }) else {
        refuse("attachments[\(place)]", "type", "an attachment has a reference and, if you like, a name")
        return nil
      }
      var reader = BodyReader(item)
      let reference = reader.text("reference", max: 160, isNeeded: true)
      let name = reader.text("name", max: 160)
      for fault in reader.faults { refuse("attachments[\(place)].\(fault.field)", fault.rule, fault.detail) }
      return ContactEvent.Attachment(reference: reference, name: name)
    }
  }

  /// An amount in the currency, more than nothing, in its minor units.
  mutating func amount(_ field: String, _ currency: Currency) -> Int64? {
    guard case .number(let text)? = body[field], let units = try? MinorUnits.parse(text, digits: currency.minorDigits),
      (1...Money.recordMinorUnitsMax).contains(units)
    else {
      refuse(field, "range", "\(field) is an amount of \(currency) above 0, with at most \(currency.minorDigits) decimals, as a number")
      return nil
    }
    return units
  }

  /// A whole number; nil where it is left out.
  mutating func integer(_ field: String, in range: ClosedRange<Int>) -> Int? {
    guard let given = body[field] else { return nil }
    guard let number = given.intValue, range.contains(number) else {
      refuse(field, "range", "\(field) is a whole number from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return number
  }

  /// A moment as RFC 3339 has it.
  mutating func moment(_ field: String) -> Instant? {
    let found = body[field]?.stringValue.flatMap { try? RFC3339.parse($0) }.map(Instant.init(microseconds:))
    if found == nil { refuse(field, "format", "\(field) is needed: a moment as 2026-11-30T09:00:00+08:00") }
    return found
  }

  func finish() throws(Problem) { if !faults.isEmpty { throw Problem.invalid(faults) } }
}

extension Instruction {
  var ticketActor: TicketActor { TicketActor(actor, because: reason) }
}

extension Request {
  /// The ticket that the path names.
  func ticketID() throws(Problem) -> TicketID {
    guard let id = TicketID(try parameter("ticket_id")) else {
      throw Problem.invalid([.init(field: "ticket_id", rule: "format", detail: "a ticket id has 16 hexadecimal digits")])
    }
    return id
  }

  /// The tags of `If-Match`: without one a person might overwrite what another has just done (RFC 6585 section 3).
  func expectedTags(of what: String = "the ticket") throws(Problem) -> [String] {
    let tags = headers.all("If-Match")
    guard !tags.isEmpty else {
      throw Problem(HTTPStatus(rawValue: 428), title: "Precondition Required", detail: "send If-Match with the ETag of \(what) as you saw it")
    }
    return tags
  }
}

extension TicketRecord {
  var tag: EntityTag { EntityTag(opaque: "v\(version)") }
}

extension TicketRefusal {
  var problem: Problem {
    func invalid(_ field: String, _ rule: String, _ detail: String) -> Problem { .invalid([.init(field: field, rule: rule, detail: detail)]) }
    switch self {
    case .notPossible(let step, let state):
      let steps = state.steps.map(\.rawValue).joined(separator: ", ")
      return Problem(
        .conflict, title: "Not possible now", detail: "\(step.rawValue) is not possible while the ticket is \(state.rawValue); possible are \(steps)")
    case .tooEarly: return Problem(.conflict, title: "Not possible now", detail: "the business clock stands before what was done last")
    case .codeMissing: return invalid("code", "missing", "resolving needs a resolution code; `GET /v1/desk` lists them")
    case .rootCauseMissing: return invalid("root_cause", "missing", "faults and complaints need a root cause; `GET /v1/desk` lists them")
    case .noSuchClock(let clock): return Problem(.conflict, title: "Not promised", detail: "nothing is to be done for the clock \(clock.rawValue)")
    case .notAccepted:
      return Problem(
        .conflict, title: "Not accepted yet",
        detail: "what was delivered is to be accepted or rejected first (`POST /v1/tickets/{ticket_id}/acceptance`)")
    case .nothingToAccept: return Problem(.conflict, title: "Nothing to accept", detail: "no delivered work of this ticket awaits acceptance")
    case .isMerged(let other): return Problem(.conflict, title: "Merged", detail: "the ticket is part of \(other): go on there")
    }
  }
}

extension GrantRefusal {
  func problem(_ currency: Currency) -> Problem {
    func amount(_ units: Int64) -> String { "\(MinorUnits.text(units, digits: currency.minorDigits)) \(currency)" }
    func not(_ detail: String) -> Problem { Problem(.conflict, title: "Not granted", detail: detail) }
    return switch self {
    case .notStaff(let name):
      Problem.invalid([
        .init(field: "actor", rule: "unknown", detail: "only people of the staff's file give anything; there is nobody named \(name) (`GET /v1/staff`)")
      ])
    case .unknownUpgrade(let id):
      Problem.invalid([.init(field: "upgrade", rule: "unknown", detail: "there is no upgrade \(id); `GET /v1/staff` lists them under grants")])
    case .beyondYear(let left): not("the customer may be given \(amount(left)) more this year")
    case .beyondLimit(let limit): not("you may agree to \(amount(limit)) for one ticket, what it was given before included")
    case .beyondAnybody(let limit): not("nobody may give more than \(amount(limit)) for one ticket, what it was given before included")
    case .ownRequest: not("who asked cannot be who decides: somebody else has to")
    case .decided(let state): not("it is decided already: \(state.rawValue)")
    }
  }
}

extension DeskRefusal {
  var problem: Problem {
    switch self {
    case .unknown(let id): Problem.invalid([.init(field: "ticket_id", rule: "unknown", detail: "there is no ticket \(id)")])
    case .itself: Problem.invalid([.init(field: "ticket_id", rule: "self", detail: "a ticket cannot be linked or merged with itself")])
    case .otherCustomer: Problem(.conflict, title: "Another customer", detail: "only tickets of one customer are merged; link them instead")
    case .unknownCode(let code):
      Problem.invalid([.init(field: "code", rule: "unknown", detail: "there is no resolution code \(code); `GET /v1/desk` lists them")])
    case .unknownCause(let cause):
      Problem.invalid([.init(field: "root_cause", rule: "unknown", detail: "there is no root cause \(cause); `GET /v1/desk` lists them")])
    case .unknownPerson(let name):
      Problem.invalid([.init(field: "owner", rule: "unknown", detail: "there is nobody named \(name); `GET /v1/staff` lists everybody")])
    case .unknownTeam(let team):
      Problem.invalid([.init(field: "team", rule: "unknown", detail: "there is no team \(team); `GET /v1/staff` lists them")])
    case .unfit(let service):
      Problem.invalid([
        .init(field: "person", rule: "unfit", detail: "\(service.tier) is looked after by a \(service.role.rawValue) with \(service.years) years of service")
      ])
    case .reasonMissing:
      Problem.invalid([.init(field: "reason", rule: "missing", detail: "somebody works on the ticket: giving it to another needs a reason")])
    }
  }
}

extension Request {
  /// A ticket as whoever asks may see it.
  func shown(_ record: TicketRecord) -> JSONValue { masking(.object(TicketView.ticket(record)), "ticket", of: record.customer) }

  /// A question likewise; of some nobody knows who asked.
  func shown(_ question: StoredQuestion) -> JSONValue {
    masking(.object(ArticleView.question(question)), "question", of: question.customer, in: "question \(question.id)")
  }
}
