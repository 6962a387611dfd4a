// When and how often customers are asked, over HTTP (F-02).
import Access
import Domain
import FeedbackCore
import FeedbackStore
import HTTP
import Handling
import Postgres
import Runtime
import Text

struct AskingAPI: Sendable {
  let rules: AskingRules
  let clock: any BusinessClock
  let pool: PostgresPool

  func add(to router: inout Router) {
    router.get("/v1/asking-rules", needs: .surveysRead) { _ in .json(document().encoded) }
    router.get("/v1/customers/{customer_id}/contacts", needs: .invitationsRead) { try await contacts($0) }
  }

  private func document() -> JSONValue {
    let budget = rules.budget
    let reserved = budget.priority.compactMap { purpose in budget.reserved[purpose].map { JSONMember(purpose.rawValue, .integer(Int64($0))) } }
    let triggers = rules.triggers.map { trigger -> JSONValue in
      [
        "id": .text(trigger.id), "kinds": .array(trigger.kinds.map { .textOrNull($0?.rawValue) }), "survey": .text(trigger.survey),
        "delay_hours": .integer(Int64(trigger.delayHours)), "window_days": .integer(Int64(trigger.windowDays)),
      ]
    }
    let schedules = rules.schedules.map { schedule -> JSONValue in
      [
        "id": .text(schedule.id), "tiers": .array(schedule.tiers.map { .text($0.text) }), "survey": .text(schedule.survey),
        "every_months": .integer(Int64(schedule.everyMonths)), "window_days": .integer(Int64(schedule.windowDays)),
      ]
    }
    let steps = rules.steps.map { step -> JSONValue in
      [
        "id": .text(step.id), "after": .text(step.anchor.rawValue), "survey": .text(step.survey), "delay_days": .integer(Int64(step.delayDays)),
        "window_days": .integer(Int64(step.windowDays)),
      ]
    }
    let again: JSONValue = rules.again.map {
      ["delay_hours": .integer(Int64($0.delayHours)), "window_days": .integer(Int64($0.windowDays))]
    } ?? .null
    return [
      "version": .integer(Int64(rules.version)), "author": .text(rules.author),
      "budget": [
        "gap_days": .integer(Int64(budget.gapDays)), "per_year": .integer(Int64(budget.yearlyMax)),
        "priority": .array(budget.priority.map { .text($0.rawValue) }), "reserved": .object(reserved),
      ],
      "reminder_days": .integer(Int64(rules.reminderDays)), "triggers": .array(triggers), "again": again, "schedules": .array(schedules),
      "steps": .array(steps),
    ]
  }

  /// How often a customer was asked, what is planned, and whether the budget lets it be asked now.
  private func contacts(_ request: Request) async throws -> Response {
    let customer = try request.customerID("customer_id")
    let (now, budget) = (clock.now(), rules.budget)
    let found = try await pool.withSession { session in
      var store = PostgresFeedbackStore(session)
      let owner = try InvitationQueries.owner(of: customer, session)
      let past = try store.contacts(of: [owner], since: now.adding(seconds: -ContactBudget.yearSeconds))[owner] ?? []
      return (owner, past, try store.planned(of: [owner]), try store.optedOut([owner]).contains(owner))
    }
    let (owner, past, planned, isOptedOut) = found
    func moment(_ instant: Instant) -> JSONValue { .text(RFC3339.text(instant.microseconds)) }
    let verdicts = budget.priority.map { purpose -> JSONValue in
      let verdict = budget.verdict(for: purpose, at: now, past: past, planned: planned.map(\.contact))
      if case .held(let reason, let until) = verdict {
        return [
          "purpose": .text(purpose.rawValue), "may_be_asked": false, "held": .text(reason.rawValue),
          "why": .name(reason.name), "until": moment(until),
        ]
      }
      return ["purpose": .text(purpose.rawValue), "may_be_asked": .boolean(!isOptedOut), "held": .null, "why": .null, "until": .null]
    }
    return .json(
      JSONValue.object([
        JSONMember("customer_id", .text(owner.description)), JSONMember("as_of", moment(now)), JSONMember("is_opted_out", .boolean(isOptedOut)),
        JSONMember("contacts", .array(past.map { ["purpose": .text($0.purpose.rawValue), "at": moment($0.at)] })),
        JSONMember(
          "planned",
          .array(
            planned.map { planned in
              [
                "invitation_id": .text(planned.invitation.description), "purpose": .text(planned.contact.purpose.rawValue),
                "at": moment(planned.contact.at),
              ]
            })),
        JSONMember("budget", .array(verdicts)),
      ]).encoded)
  }
}
