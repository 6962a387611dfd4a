// What answers, tiers and moves of identities do (F-03, F-04): each answer counts once, for the customer it belongs to, under the tier of its moment.
public import Contracts
public import Domain
import Handling

public enum FeedbackBatch {
  /// What a transaction took in.
  public struct Outcome: Sendable {
    /// Answers that were new.
    public var new = 0
    /// What somebody has to get back to, in the order of the answers' numbers.
    public var contacts: [CustomerContact] = []
  }

  /// Answers that came before change nothing.
  public static func receive(_ answers: [ReceivedAnswer], _ store: inout some FeedbackStore, comments: CommentRules) throws -> Outcome {
    let fresh = Dictionary(answers.map { ($0.number, $0) }) { first, _ in first }.values.sorted { $0.number < $1.number }
    // Identities first: a move of one waits here, and finds the answer.
    let believed = IdentityOwner.newest(
      fresh.map {
        IdentityOwner(identity: $0.content.identity, customer: $0.content.customer, version: $0.content.version, since: $0.content.answer.occurredAt)
      })
    let owners = Dictionary(try store.owners(noting: believed).map { ($0.identity, $0) }) { first, _ in first }
    func customer(_ content: CustomerAnswer) -> CustomerID {
      guard let owner = owners[content.identity], owner.version >= content.version else { return content.customer }
      return owner.customer
    }
    let tiers = Dictionary(try store.lockTiers(of: Set(fresh.map { customer($0.content) }).sorted()).map { ($0.customer, $0) }) { first, _ in first }
    let records = fresh.map { received in
      let (content, customer) = (received.content, customer(received.content))
      return AnswerRecord(
        number: received.number, identity: content.identity, customer: customer, tier: tiers[customer]?.tier(at: content.answer.occurredAt),
        answer: content.answer)
    }
    let new = try store.insert(records)
    try store.note(records.compactMap { new.contains($0.number) ? CommentNote($0.number, $0.answer.comment, by: comments) : nil })
    let contacts = zip(records, fresh).compactMap { record, received -> CustomerContact? in
      guard new.contains(record.number) else { return nil }
      return ClosedLoop.contact(for: record, version: max(received.content.version, owners[record.identity]?.version ?? 0))
    }
    return Outcome(new: new.count, contacts: contacts)
  }

  /// Snapshots that are no newer than what is known change nothing. The tier of an answer stays the one of its moment. Returns what was new.
  @discardableResult
  public static func rated(_ snapshots: [TierSnapshot], _ store: inout some FeedbackStore) throws -> [KnownTier] {
    let newest = Dictionary(snapshots.map { ($0.customer, $0) }) { $0.version >= $1.version ? $0 : $1 }
    let newer = try store.lockTiers(of: newest.keys.sorted()).compactMap { known in
      newest[known.customer].flatMap { $0.version > known.version ? tier(by: $0) : nil }
    }
    try store.rate(newer)
    try store.count(newer)
    return newer
  }

  /// Of one that became part of another nothing is known any more: what it had follows its identities.
  private static func tier(by snapshot: TierSnapshot) -> KnownTier {
    guard snapshot.mergedInto == nil else { return KnownTier(customer: snapshot.customer, version: snapshot.version) }
    return KnownTier(
      customer: snapshot.customer, version: snapshot.version, tier: TierID(snapshot.tier), before: snapshot.tierBefore.flatMap { TierID($0) },
      since: snapshot.ratedAt)
  }

  /// Answers follow the identity they came by, whatever was known first.
  public static func moved(_ moves: [IdentityMove], _ store: inout some InvitationStore, at now: Instant) throws {
    let taken = try store.move(IdentityOwner.newest(
      moves.map { IdentityOwner(identity: $0.identity, customer: $0.customer, version: $0.version, since: $0.at) }))
    guard !taken.isEmpty else { return }
    // Those who lose answers as well as those who get them: whoever rates a customer holds it, and its answers after it.
    let losing = try store.customers(following: taken.map(\.identity).sorted())
    let tiers = try store.lockTiers(of: Set(losing + taken.map(\.customer)).sorted())
    try store.give(taken.sorted { $0.identity < $1.identity })
    try store.count(tiers)
    // What was said by one of those who are one customer now counts for what is under way to the others.
    try store.withdraw(from: try store.optedOut(Set(taken.map(\.customer)).sorted()).sorted(), at: now)
  }
}
