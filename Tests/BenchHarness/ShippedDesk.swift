// The rules of tickets that come with the suite, as the parts that measure tickets use them.
import Documents
import Domain
import Runtime
import TicketsCore

struct ShippedDesk: Sendable {
  /// With the staff's file that comes with the suite, which names nobody.
  let rules: TicketRules
  let ladder: TierLadder
  let office: WorkCalendar

  init() throws {
    func bytes(_ path: String) throws -> [UInt8] {
      guard let bytes = Resources.bytes(path) else { throw BenchFailure("\(path) is not built in") }
      return bytes
    }
    ladder = try PolicyDocument.decode(try bytes("deploy/policies.yaml"), source: "policies.yaml").ladder
    let calendars = try CalendarDocument.decode(try bytes(CalendarDocument.shipped), source: "calendars.yaml", zoneNamed: TimeZones.zone)
    let standards = try StandardDocument.decode(try bytes(StandardDocument.shipped), source: "standards.yaml", ladder: ladder, calendars: calendars)
    let desk = try DeskDocument.decode(try bytes(DeskDocument.shipped), source: "desk.yaml")
    let staff = try StaffDocument.decode(try bytes(StaffDocument.shipped), source: "staff.yaml", ladder: ladder, currency: .cny)
    guard let office = calendars["office"] else { throw BenchFailure("the calendars that come with the suite have no office hours") }
    self.office = office
    rules = TicketRules(
      book: ServiceRuleBook(standards: standards, calendars: calendars), desk: desk, staff: staff, zone: office.zone, currency: .cny)
  }
}
