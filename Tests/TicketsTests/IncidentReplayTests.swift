// Real incidents replayed at their own times (K-04): what the clocks of a ticket measure is what an independent count over the same log says.
import Documents
import Domain
import Glibc
import Runtime
import Testing
import TicketsCore

@testable import tickets

/// A bounded part of the log of an incident desk: every tenth incident, and every one that was reopened.
private struct IncidentLog {
  static let file = root + "../shared/data/incidents/incident_event_log.csv.gz"
  static let isThere = access(file, R_OK) == 0 && run("command -v python3")?.isEmpty == false
  private static let root = String(#filePath.dropLast("Tests/TicketsTests/IncidentReplayTests.swift".count))
  private static let outputBytesMax = 8 << 20

  /// Writes the log's lines, `O` an opening and `R` a row, and what they come to, `E`: a first answer or a resolution, from when until when, and how many
  /// minutes between them were nobody's wait, by the clock on the wall and by the office hours of the file of calendars. A prefix sum over all minutes.
  private static let script = #"""
    import collections, csv, datetime, gzip, io, itertools, re, sys
    DAY = 1440
    shift = int(sys.argv[3]) * 7 * DAY
    zero = datetime.datetime(1970, 1, 1)
    def minute(text, form="%d/%m/%Y %H:%M"):
      return (datetime.datetime.strptime(text, form) - zero) // datetime.timedelta(minutes=1)
    rows = collections.defaultdict(list)
    with gzip.open(sys.argv[1]) as packed:
      for row in csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8")): rows[int(row["number"])].append(row)
    def reopened(log):
      states = [row["ident_state"] for row in log]
      return any(one in ("Resolved", "Closed") and two not in ("Resolved", "Closed") for one, two in zip(states, states[1:]))
    incidents = {}
    for number in sorted(rows):
      log = rows[number]
      if number % 10 and not reopened(log): continue
      opened = minute(log[0]["opened_at"]) + shift
      lines = [(minute(row["sys_updated_at"]) + shift, row["ident_state"]) for row in log]
      moments = [opened] + [at for at, state in lines]
      if moments != sorted(moments): continue
      incidents[number] = (opened, int(log[0]["caller_id"].replace("?", "0")), log[0]["urgency"][0],
        [line for line in lines if line[1] not in ("New", "-100")])
    yaml = open(sys.argv[2], encoding="utf-8").read()
    worked = {}
    for first, last in re.findall(r"from: ([\d-]{10})(?:, to: ([\d-]{10}))?, name", yaml):
      for day in range(minute(first, "%Y-%m-%d") // DAY, minute(last or first, "%Y-%m-%d") // DAY + 1): worked[day] = False
    for day in re.findall(r"on: ([\d-]{10})", yaml): worked[minute(day, "%Y-%m-%d") // DAY] = True
    start, start_minute, end, end_minute = map(int, re.search(r"monday: (\d+):(\d+)-(\d+):(\d+)", yaml).groups())
    open_from, open_to = start * 60 + start_minute, end * 60 + end_minute
    base = min(incident[0] for incident in incidents.values()) // DAY
    until = max(incident[3][-1][0] for incident in incidents.values()) // DAY + 1
    def hours(day):
      is_open = worked.get(day, (day + 3) % 7 < 5)
      return (1 if is_open and open_from <= at < open_to else 0 for at in range(DAY))
    sums = [0] + list(itertools.accumulate(itertools.chain.from_iterable(hours(day) for day in range(base, until + 1))))
    def office(one, two): return sums[two - base * DAY] - sums[one - base * DAY]
    def tell(number, what, one, two, waits):
      inside = [(max(one, a), min(two, b)) for a, b in waits if min(two, b) > max(one, a)]
      print("E", number, what, one, two, two - one - sum(b - a for a, b in inside), office(one, two) - sum(office(a, b) for a, b in inside))
    for number, (opened, caller, urgency, lines) in incidents.items():
      print("O", number, opened, caller, urgency)
      for at, state in lines: print("R", number, at, state.replace(" ", "_"))
      waits = [(at, next_at) for (at, state), (next_at, _) in zip(lines, lines[1:]) if state.startswith("Awaiting")]
      before, answered, since = "New", None, opened
      for at, state in lines:
        done = state in ("Resolved", "Closed")
        says = state == "Active" and before != "Awaiting User Info" or done
        if answered is None and says:
          answered = at
          tell(number, "first_response", opened, at, waits)
        if done and since is not None:
          tell(number, "resolution", since, at, waits)
          since = None
        elif not done and since is None: since = at
        before = state
    """#

  struct Opening {
    let number: Int64
    let minute: Int64
    let caller: Int64
    let urgency: ContactEvent.Urgency
  }
  struct Row {
    let number: Int64
    let minute: Int64
    let state: String
  }
  /// From when until when in minutes, and how many of them were nobody's wait.
  struct Expected: Equatable {
    let from: Int64
    let to: Int64
    let byTheWall: Int64
    let inOfficeHours: Int64
  }

  var openings: [Opening] = []
  var rows: [Row] = []
  var firstResponses: [Int64: [Expected]] = [:]
  var resolutions: [Int64: [Expected]] = [:]

  /// - Parameter weeks: by how many weeks everything is moved on, so that it meets other holidays.
  init(weeks: Int) throws {
    let calendars = Self.root + "deploy/calendars.yaml"
    let output = try #require(Self.run("python3 -c '\(Self.script)' '\(Self.file)' '\(calendars)' \(weeks)"))
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ")
      func number(_ place: Int) throws -> Int64 { try #require(words.indices.contains(place) ? Int64(words[place]) : nil, "\(line)") }
      switch words.first {
      case "O":
        let urgency: ContactEvent.Urgency = try [.systemDown, .degraded, .question][Int(min(max(number(4), 1), 3)) - 1]
        openings.append(Opening(number: try number(1), minute: try number(2), caller: try number(3), urgency: urgency))
      case "R": rows.append(Row(number: try number(1), minute: try number(2), state: String(words[3])))
      default:
        let expected = Expected(from: try number(3), to: try number(4), byTheWall: try number(5), inOfficeHours: try number(6))
        if words[2] == "resolution" {
          resolutions[try number(1), default: []].append(expected)
        } else {
          firstResponses[try number(1), default: []].append(expected)
        }
      }
    }
  }

  private static func run(_ command: String) -> String? {
    guard let pipe = popen(command, "r") else { return nil }
    var bytes = [UInt8](repeating: 0, count: outputBytesMax)
    let count = fread(&bytes, 1, bytes.count, pipe)
    return pclose(pipe) == 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}

/// The desk that takes part in it: the shipped rules, business time that moves on, and deadlines worked off once an hour.
private struct ReplayedDesk {
  let rules: TicketRules
  let zone: BusinessZone
  private(set) var tickets: [TicketID: Ticket] = [:]
  private(set) var breaches: [TicketID: [TicketEvent]] = [:]
  private var due: [TicketID: Instant] = [:]
  private let agent = TicketActor("Wang Fang", because: "replay")

  init(rules: TicketRules, zone: BusinessZone) {
    self.rules = rules
    self.zone = zone
  }

  func instant(_ minute: Int64) -> Instant { zone.instant(localSeconds: minute * 60) }
  private var ladder: EscalationLadder { rules.desk.ladder }

  private mutating func keep(_ ticket: Ticket, _ events: [TicketEvent]) {
    tickets[ticket.id] = ticket
    breaches[ticket.id, default: []] += events.filter { $0.kind == .breached }
    due[ticket.id] = ticket.nextMoment(rules.book, ladder)
  }

  mutating func hourCame(_ now: Instant) {
    for (id, at) in due where at <= now {
      guard var ticket = tickets[id] else { continue }
      let events = ticket.pass(to: now, rules.book, ladder)
      keep(ticket, events)
    }
  }

  mutating func open(_ opening: IncidentLog.Opening) throws {
    let tiers = ["vip", "key", "normal", "watch"]
    let kinds: [ContactEvent.Kind] = [.question, .fault, .complaint]
    let subject = TicketSubject(kind: kinds[Int(opening.number % 3)], urgency: opening.urgency)
    let (ticket, events) = Ticket.open(
      TicketID(number: opening.number), subject, tier: TierID(tiers[Int(opening.caller % 4)]), at: instant(opening.minute), by: .customer,
      rules: rules.book)
    keep(ticket, events)
  }

  /// What a row of the log means: the first look at an incident is an answer, unless it is the customer who ends a wait.
  private func steps(_ state: String, in ticket: TicketState) -> [TicketStep] {
    switch state {
    case "Active":
      switch ticket {
      case .waitingForCustomer: [.message]
      case .waitingForThirdParty: [.resume, .reply]
      default: ticket.isOpen ? [.reply] : [.reopen]
      }
    case "Resolved": ticket.isOpen ? [.resolve] : []
    case "Closed": ticket.isOpen ? [.resolve, .close] : ticket == .resolved ? [.close] : []
    default:
      (ticket.isOpen ? [] : [.reopen])
        + (state == "Awaiting_User_Info"
          ? (ticket == .waitingForCustomer ? [] : [.waitForCustomer]) : ticket == .waitingForThirdParty ? [] : [.waitForThirdParty])
    }
  }

  mutating func take(_ row: IncidentLog.Row) throws {
    guard var ticket = tickets[TicketID(number: row.number)] else { return }
    var events: [TicketEvent] = []
    for step in steps(row.state, in: ticket.state) {
      if step == .message {
        events += try ticket.receive(messageAt: instant(row.minute), text: "", rules: rules.book, ladder: ladder)
      } else {
        let resolution = step == .resolve ? TicketResolution(code: "fixed", rootCause: "product") : nil
        events += try ticket.take(step, by: agent, at: instant(row.minute), resolution: resolution, rules: rules.book, ladder: ladder)
      }
    }
    keep(ticket, events)
  }
}

@Suite("Real incidents replayed (K-04)", .enabled(if: IncidentLog.isThere, "needs shared/data/incidents beside the repository, and python3"))
struct IncidentReplayTests {
  private func replay(_ log: IncidentLog) throws -> ReplayedDesk {
    let settings = try Shipped.settings()
    var desk = ReplayedDesk(rules: settings.rules.value, zone: try #require(settings.calendars.content["office"]).zone)
    // Those of one minute as the log has them.
    var openings = log.openings.enumerated().sorted { ($0.element.minute, $0.offset) < ($1.element.minute, $1.offset) }.map(\.element)[...]
    var rows = log.rows.enumerated().sorted { ($0.element.minute, $0.offset) < ($1.element.minute, $1.offset) }.map(\.element)[...]
    let (first, last) = (try #require(openings.first).minute, try #require(rows.last).minute)
    for hour in (first / 60)...(last / 60 + 1) {
      while let opening = openings.first, opening.minute < hour * 60 {
        try desk.open(opening)
        openings = openings.dropFirst()
      }
      while let row = rows.first, row.minute < hour * 60 {
        try desk.take(row)
        rows = rows.dropFirst()
      }
      desk.hourCame(desk.instant(hour * 60))
    }
    return desk
  }

  /// When what a clock waited for was done.
  private func done(_ clock: TicketClock) throws -> Instant {
    switch clock.outcome {
    case .met(let at), .missed(.some(let at)): return at
    case .running, .missed(nil), .withdrawn: throw Open(clock: clock)
    }
  }

  private struct Open: Error { let clock: TicketClock }

  @Test(
    "First answers and resolutions took as long as an independent count over the same log says, in working time and by the wall",
    arguments: [
      // As it was; and with the holidays and make-up days of the shipped file, on the same weekdays.
      0, 417,
    ])
  func durations(weeksLater: Int) throws {
    let log = try IncidentLog(weeks: weeksLater)
    let desk = try replay(log)
    let settings = try Shipped.settings()
    let calendars = settings.calendars.content
    let always = try #require(calendars["always"])
    let office = try #require(calendars["office"])
    var (met, missed, paused) = (0, 0, 0)
    for opening in log.openings {
      let ticket = try #require(desk.tickets[TicketID(number: opening.number)])
      #expect(ticket.state == .closed)
      let pauses = ticket.pauses.map(\.pause)
      for (kind, expected) in [(ServiceClock.firstResponse, log.firstResponses[opening.number]), (.resolution, log.resolutions[opening.number])] {
        let clocks = ticket.clocks.filter { $0.clock == kind }
        let measured = try clocks.map { clock in
          let (from, to) = (clock.startedAt, try done(clock))
          func minutes(_ microseconds: Int64) -> Int64 { microseconds / 60_000_000 }
          func wall(_ instant: Instant) -> Int64 {
            minutes(instant.microseconds) + Int64(desk.zone.offsetSeconds(atUnixSeconds: instant.microseconds / 1_000_000)) / 60
          }
          return IncidentLog.Expected(
            from: wall(from), to: wall(to), byTheWall: minutes(always.elapsedMicroseconds(from: from, to: to, pauses: pauses)),
            inOfficeHours: minutes(office.elapsedMicroseconds(from: from, to: to, pauses: pauses)))
        }
        #expect(measured == expected, "incident \(opening.number), \(kind)")
        for (clock, counted) in zip(clocks, expected ?? []) {
          let isKept = (clock.calendar == "office" ? counted.inOfficeHours : counted.byTheWall) * 60 < clock.seconds
          #expect(clock.isMissed != isKept, "incident \(opening.number), \(clock)")
          if isKept { met += 1 } else { missed += 1 }
          if counted.byTheWall < counted.to - counted.from { paused += 1 }
        }
      }
      let breached = ticket.clocks.filter(\.isMissed)
      #expect(desk.breaches[ticket.id]?.count == breached.count, "each breach once")
      #expect(
        Set(desk.breaches[ticket.id]?.map { Deadline.at($0.at) } ?? []) == Set(breached.map(\.deadline)), "at its deadline, however late the desk looked")
    }
    print("incidents replayed: \(log.openings.count), \(log.rows.count) rows, \(met) promises kept, \(missed) broken, \(paused) of them with waits")
    #expect(log.openings.count > 2_000 && met > 1_000 && missed > 500 && paused > 500 && log.resolutions.values.contains { $0.count > 1 })
  }
}
