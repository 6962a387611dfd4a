// K-05: whom an alert names besides its role, and which rosters the settings take.
import Contracts
import Documents
import Domain
import Glibc
import Runtime
import Testing
import Text
import TicketsCore

@testable import tickets

@Suite("Who is on call")
struct OnCallTests {
  private static func record(owner: String, team: String) throws -> TicketRecord {
    let rules = try People.settings().rules.value
    let (ticket, _) = Ticket.open(
      TicketID(number: 7), TicketSubject(), tier: nil, at: minute(0), by: .system, text: "down", rules: rules.book)
    return TicketRecord(
      ticket: ticket, version: 1, identity: CustomerID(number: 5), customer: CustomerID(number: 5), origin: TicketOrigin(text: "down"), owner: owner,
      team: team, events: 1)
  }

  private static func named(_ role: LadderStep.Role, at moment: Instant, owner: String = "An", team: String = "east") throws -> String? {
    let event = TicketEvent(
      .warned, at: moment, by: .system, before: .new, after: .new, clock: .resolution, step: LadderStep(percent: 75, role: role))
    let (rules, record) = (try People.settings().rules.value, try record(owner: owner, team: team))
    let alert = try #require(TicketPublisher.alert(event, of: record, rules))
    let again = try #require(TicketPublisher.alert(event, of: record, rules))
    #expect(JSONWriter.bytes { alert.write(to: &$0) } == JSONWriter.bytes { again.write(to: &$0) })
    #expect(alert.role == role && alert.owner == owner && alert.at == moment)
    return alert.onCall
  }

  @Test("Steps beyond the owner's name who is on call for the ticket's team at the step's own moment")
  func steps() throws {
    for role in [LadderStep.Role.teamLead, .manager, .director] {
      #expect(try Self.named(role, at: minute(0)) == "Mo")
      #expect(try Self.named(role, at: minute(-60)) == "Mo", "from nine o'clock on")
      #expect(try Self.named(role, at: minute(-61)) == nil && Self.named(role, at: minute(11 * 60)) == nil, "nobody has that shift")
      #expect(try Self.named(role, at: minute(1_440)) == "Na")
      #expect(try Self.named(role, at: minute(0), team: "west") == nil, "a team without a roster")
    }
  }

  @Test("The owner's step is the owner's alone, and somebody else's only while nobody owns the ticket")
  func owners() throws {
    #expect(try Self.named(.owner, at: minute(0)) == nil)
    #expect(try Self.named(.owner, at: minute(0), owner: "") == "Mo")
  }

  /// What the settings make of a text that may name this roster as `FILE`.
  private static func read(_ text: String, _ shifts: String = People.shifts) throws -> (rosters: [String: OnCallRoster]?, faults: [String]) {
    var name = Array("/tmp/on-call-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      close(descriptor)
      unlink(path)
    }
    let bytes = Array(shifts.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    var reader = SettingsReader(arguments: [:], environment: ["TICKETS_ON_CALL_FILES": text.replacing("FILE", with: path)])
    let rosters = TicketsSettings.rosters(&reader, try People.settings().staff.content, .utc)
    return (rosters, reader.faults.map { "\($0)".replacing(path, with: "FILE") })
  }

  @Test("Rosters are read for their teams, and everything that is wrong with them is told at once")
  func settings() throws {
    #expect(try Self.read("").rosters == [:])
    let both = try Self.read("east=FILE, west=FILE").rosters
    #expect(both?.keys.sorted() == ["east", "west"] && both?["west"]?.person(at: minute(0)) == "Mo")
    let (none, faults) = try Self.read("east=FILE,east=FILE,north=FILE,FILE,west=FILE.not", People.shifts.replacing("SUMMARY:Na", with: "SUMMARY:Xu"))
    let told = faults.joined(separator: "\n")
    for fault in [
      "FILE:10:1: SUMMARY: nobody in the staff's file is named `Xu`", "the team `east` has two files", "`north` is no team of the staff's file",
      "`FILE` must be TEAM=FILE", "FILE.not",
    ] { #expect(told.contains(fault), "\(told)") }
    #expect(none == nil)
  }
}
