// K-09: delivered work is accepted before its ticket closes, or opens it again.
import Domain
import Testing

@Suite("Acceptance of delivered work")
struct AcceptanceTests {
  private static let rule = AcceptanceRule(kinds: [.delivery], codes: ["delivered"], days: 7)

  @Test("Only work of a kind that is delivered, and that was, is to be accepted", arguments: [
    (ContactEvent.Kind.delivery, "delivered", true), (.delivery, "declined", false), (.fault, "delivered", false), (nil, "delivered", false),
  ] as [(ContactEvent.Kind?, String, Bool)])
  func rule(_ kind: ContactEvent.Kind?, _ code: String, _ isAwaited: Bool) {
    let due = Self.rule.due(kind, TicketResolution(code: code), on: Day(number: 20_000))
    #expect(due == (isAwaited ? Day(number: 20_007) : nil))
  }

  @Test("A rule names only codes that the desk has")
  func codes() throws {
    let ladder = try EscalationLadder([50, 75, 100].map { LadderStep(percent: $0, role: .owner) })
    let codes = [DeskRules.Code(id: "delivered", name: LocalizedName(en: "d", zh: "d"))]
    func desk(_ rule: AcceptanceRule) throws {
      _ = try DeskRules(
        version: 1, author: "a", onChange: .keep, ladder: ladder, joinSeconds: 0, intakeSeconds: 1, closeAfterSeconds: 1, resolutionCodes: codes,
        rootCauses: codes, checklist: codes, acceptance: rule)
    }
    try desk(Self.rule)
    #expect(throws: ConfigurationFaults.self) { try desk(AcceptanceRule(kinds: [.delivery], codes: ["built"], days: 7)) }
  }
}
