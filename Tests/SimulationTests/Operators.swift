// People at the API of profile: they merge customers, undo merges, give tags and take them away, while everything else goes on. At that of tiering they
// refuse automated tiering, or accept it again.
import Domain
import Handling
import ProfileCore
import ProfileStore
import TieringCore

@testable import profile

enum Operators {
  /// What one person does, in a transaction that may fail like any other; whether it counts, the tables say.
  static func act(_ session: SimulatedSession) throws {
    let world = session.world
    try session.inTransaction {
      switch world.chance.below(5) {
      case 0, 1: try merge(session)
      case 2: try undo(session)
      case 3: try tag(session)
      default: try untag(session)
      }
    }
  }

  /// What a person who refuses automated tiering, or accepts it again, lets the service do.
  static func refuse(_ session: SimulatedSession, rules: TieringRules) throws {
    let world = session.world
    try session.inTransaction {
      let rated = try session.statement("rated customers") { transaction in
        session.database.rated.all(transaction).filter { $0.row.mergedInto == nil && $0.row.standing != nil }.map(\.key)
      }
      guard let id = world.chance.pick(rated) else { return }
      var store = SimulatedTieringStore(session, lane: "operator")
      let parts = try store.refusals(under: [id]).map(\.part).filter { $0 != id }
      let locked = try store.lockCustomers(([id] + parts).sorted())
      guard let customer = locked.first(where: { $0.id == id }), customer.mergedInto == nil else { return }
      let order = ReviewOrder.optOut(!customer.course.review.refusesAutomation, ReviewAction(actor: "a", reason: "r"))
      let moment = RatingMoment(business: world.clock.now(), real: world.machineTime)
      _ = try ReviewDesk.apply(order, to: [customer], &store, rules: rules, at: moment)
      try ReviewDesk.accept(locked.filter { $0.id != id }, &store)
      try session.statement("publish later") { transaction in
        let last = session.database.outbox.all(transaction).last?.key ?? 0
        try session.database.unsettle([(id.number, last)], lookAt: Instant(microseconds: 0), transaction)
      }
      world.note { "a person decides on automated tiering of \(id)" }
    }
  }

  private static func standing(_ session: SimulatedSession) throws -> [CustomerID] {
    try session.statement("standing customers") { transaction in
      session.database.customers.all(transaction).filter { $0.row.mergedInto == nil }.map(\.key)
    }
  }

  private static func record(_ kind: IdentityDecision.Kind, _ left: [IdentityKey], _ right: [IdentityKey], _ session: SimulatedSession) throws {
    guard !left.isEmpty, !right.isEmpty else { return }
    let at = session.world.clock.now()
    try session.statement("record a decision") { transaction in
      let id = session.database.nextID()
      try session.database.decisions.put(id, IdentityDecision(id: id, kind: kind, at: at, left: left, right: right), transaction)
      try session.database.ask(DecisionDesk.decisionWork, id, transaction)
      session.world.note { "a person decides \(kind) (\(id))" }
    }
  }

  /// As `IdentityRoutes` words it: the strong identities of each, the one that gave the number first.
  private static func merge(_ session: SimulatedSession) throws {
    let customers = try standing(session)
    guard let one = session.world.chance.pick(customers), let other = session.world.chance.pick(customers), one != other else { return }
    var store = SimulatedProfileStore(session, lane: "operator")
    func keys(_ id: CustomerID) throws -> [IdentityKey] {
      let members = try store.members(of: [id]).map(\.identity)
      let strong = members.filter(\.isStrong)
      return (strong.isEmpty ? members : strong).sorted { ($0.id == id ? 0 : 1, $0.key) < ($1.id == id ? 0 : 1, $1.key) }.map(\.key)
    }
    try record(.together, try keys(one), try keys(other), session)
  }

  private static func undo(_ session: SimulatedSession) throws {
    let merges = try session.statement("merges") { transaction in session.database.merges.all(transaction).map(\.row) }
    guard let merge = session.world.chance.pick(merges) else { return }
    try record(.apart, merge.survivorMembers, merge.absorbedMembers, session)
  }

  private static let words = ["vip", "老客户", "watch"]

  private static func tag(_ session: SimulatedSession) throws {
    guard let id = session.world.chance.pick(try standing(session)), let word = session.world.chance.pick(words) else { return }
    var store = SimulatedProfileStore(session, lane: "operator")
    guard let customer = try store.lockCustomers([id]).first, customer.mergedInto == nil else { return }
    let (now, days) = (session.world.clock.now(), session.world.chance.below(6))
    let until = days == 0 ? nil : BusinessZone.utc.day(of: now) + (days - 1)
    try session.statement("give a tag") { transaction in
      let tag = ManualTag(id: session.database.nextID(), identity: id, tag: word, actor: "a", reason: "r", at: now, until: until)
      try session.database.manualTags.put(tag.id, tag, transaction)
      try session.database.ask(TagRows.tagWork, id.number, transaction)
    }
  }

  private static func untag(_ session: SimulatedSession) throws {
    guard let id = session.world.chance.pick(try standing(session)) else { return }
    var store = SimulatedProfileStore(session, lane: "operator")
    guard let customer = try store.lockCustomers([id]).first, customer.mergedInto == nil else { return }
    let members = try store.members(of: [id]).map(\.identity.id)
    let given = try store.manualTags(of: members).filter { $0.removedAt == nil }
    guard let one = session.world.chance.pick(given) else { return }
    let now = session.world.clock.now()
    try session.statement("take a tag away") { transaction in
      var gone = one
      gone.removedAt = now
      try session.database.manualTags.put(gone.id, gone, transaction)
      try session.database.ask(TagRows.tagWork, id.number, transaction)
    }
  }
}
