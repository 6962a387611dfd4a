// The file that says when customers are asked (F-02).
import Documents
import Domain
import Testing

@Suite("The file that says when customers are asked")
struct AskingDocumentTests {
  @Test("The shipped one asks after tickets and deliveries, again after a fix, each quarter, and 7 and 90 days after the first order")
  func shipped() throws {
    let rules = try AskingDocument.decode(
      try DocumentFile.read(AskingDocument.shipped), source: AskingDocument.shipped,
      surveys: ["csat-after-ticket", "ces-after-delivery", "nps-quarterly", "ces-after-ticket", "csat-first-order"])
    #expect(rules.budget.gapDays == 30 && rules.budget.yearlyMax == 4 && rules.reminderDays == 7)
    #expect(rules.trigger(for: .fault)?.survey == "csat-after-ticket" && rules.trigger(for: nil)?.survey == "csat-after-ticket")
    #expect(rules.trigger(for: .delivery)?.survey == "ces-after-delivery" && rules.trigger(for: .suggestion) == nil)
    #expect(rules.schedule(for: TierID("normal"))?.everyMonths == 3 && rules.schedule(for: TierID("watch")) == nil && rules.again?.windowDays == 60)
    #expect(rules.version == 2 && rules.steps.map(\.id) == ["first-order", "ninety-days"] && rules.steps.map(\.delayDays) == [7, 90])
    #expect(rules.steps.allSatisfy { $0.anchor == .firstOrder } && rules.step("ninety-days")?.survey == "nps-quarterly")
  }

  @Test("All that is wrong with a file is said at once, by line")
  func faults() {
    let yaml = """
      asking: 1
      author: t
      budget: {gap_days: 30, per_year: 4, priority: [recovery, joy], reserved: {relationship: 9}}
      reminder_days: 99
      triggers:
        - {id: a, kinds: [fault, anger], survey: nps, delay_hours: 1, window_days: 0}
        - {id: b, kinds: [unsorted], survey: other, delay_hours: 1, window_days: 3}
      schedules:
        - {id: c, tiers: [Bad Tier], survey: nps, every_months: 0, window_days: 3}
      steps:
        - {id: d, after: last_order, survey: other, delay_days: -1, window_days: 3}
      end: true
      """
    do {
      _ = try AskingDocument.decode(Array(yaml.utf8), source: "a.yaml", surveys: ["nps"])
      Issue.record("it was taken")
    } catch {
      #expect(
        Set(error.faults.map { "\($0.line) \($0.path)" }) == [
          "3 budget.priority[1]", "4 reminder_days", "6 triggers[0].kinds[1]", "6 triggers[0].window_days", "7 triggers[1].survey",
          "9 schedules[0].tiers[0]", "9 schedules[0].every_months", "11 steps[0].after", "11 steps[0].survey", "11 steps[0].delay_days",
        ])
    }
  }

  @Test("What contradicts itself is said too")
  func contradictions() {
    let yaml = """
      asking: 1
      author: t
      budget: {gap_days: 30, per_year: 4, priority: [recovery, relationship, transaction, research]}
      reminder_days: 0
      triggers:
        - {id: a, kinds: [fault, unsorted], survey: nps, delay_hours: 1, window_days: 3}
        - {id: a, kinds: [unsorted], survey: nps, delay_hours: 1, window_days: 3}
      schedules:
        - {id: c, tiers: [vip], survey: nps, every_months: 3, window_days: 3}
        - {id: d, tiers: [key, vip], survey: nps, every_months: 3, window_days: 3}
      steps:
        - {id: e, after: first_order, survey: nps, delay_days: 7, window_days: 3}
        - {id: e, after: first_order, survey: nps, delay_days: 90, window_days: 3}
      end: true
      """
    do {
      _ = try AskingDocument.decode(Array(yaml.utf8), source: "a.yaml")
      Issue.record("it was taken")
    } catch { #expect(error.faults.map { "\($0.line) \($0.path)" } == ["7 triggers[1].id", "7 triggers[1].kinds", "10 schedules[1].tiers", "13 steps[1].id"]) }
  }
}
