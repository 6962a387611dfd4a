// An answer as this service keeps it, and what its tables must do.
public import Contracts
public import Domain
public import Handling

/// An answer on its way in.
public struct ReceivedAnswer: Sendable {
  /// Made of identity, source and event id: the same answer has the same number whenever it comes.
  public let number: Int64
  public let content: CustomerAnswer

  public init(number: Int64, content: CustomerAnswer) {
    self.number = number
    self.content = content
  }
}

/// An answer, whose it is, and under which tier it counts.
public struct AnswerRecord: Hashable, Sendable {
  public let number: Int64
  /// It follows this identity, whomever that belongs to.
  public let identity: CustomerID
  public var customer: CustomerID
  /// The customer's tier at the moment of the answer; nil: none is known yet.
  public var tier: TierID?
  /// Without identifiers.
  public let answer: AnswerEvent

  public init(number: Int64, identity: CustomerID, customer: CustomerID, tier: TierID?, answer: AnswerEvent) {
    self.number = number
    self.identity = identity
    self.customer = customer
    self.tier = tier
    self.answer = answer
  }
}

/// This service's tables. Rows are locked in the order identities, customers, answers.
public protocol FeedbackStore {
  /// The owners of these identities, locked. One that is not known is noted as given.
  mutating func owners(noting believed: [IdentityOwner]) throws -> [IdentityOwner]
  /// Takes in what is newer than what is known; returns those that were.
  mutating func move(_ moves: [IdentityOwner]) throws -> [IdentityOwner]
  /// The tiers of these customers, locked; each is there afterwards.
  mutating func lockTiers(of customers: [CustomerID]) throws -> [KnownTier]
  /// Those of customers that are locked.
  mutating func rate(_ tiers: [KnownTier]) throws
  /// Writes what is new; returns the numbers of those. The others came before and stay as they are.
  mutating func insert(_ answers: [AnswerRecord]) throws -> Set<Int64>
  /// Who has the answers that follow these identities, which are locked.
  mutating func customers(following identities: [CustomerID]) throws -> [CustomerID]
  /// Gives the answers that follow these identities to their owners.
  mutating func give(_ owners: [IdentityOwner]) throws
  /// Counts the answers of these customers that have no tier yet under what is known now.
  mutating func count(_ tiers: [KnownTier]) throws
}
