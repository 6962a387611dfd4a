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
  /// In which segments the customer was at that moment (P-09); nil: that is not decided, or cannot be known.
  public var segment: CustomerSegment?
  /// Without identifiers.
  public let answer: AnswerEvent
  /// What was found in its comment; nil: there is none, or it was not read yet.
  public var reading: CommentReading?

  public init(number: Int64, identity: CustomerID, customer: CustomerID, tier: TierID?, answer: AnswerEvent, reading: CommentReading? = nil) {
    self.number = number
    self.identity = identity
    self.customer = customer
    self.tier = tier
    self.answer = answer
    self.reading = reading
  }
}

/// What was found in an answer's comment (F-06).
public struct CommentNote: Hashable, Sendable {
  public let answer: Int64
  /// The version of the rules that found it.
  public let rules: Int
  public let reading: CommentReading

  public init(answer: Int64, rules: Int, reading: CommentReading) {
    self.answer = answer
    self.rules = rules
    self.reading = reading
  }

  /// nil: there is no comment.
  public init?(_ number: Int64, _ comment: String, by rules: CommentRules) {
    guard !comment.isEmpty else { return nil }
    self.init(answer: number, rules: rules.version, reading: rules.read(comment))
  }
}

/// This service's tables. Rows are locked in the order profiles, identities, customers, answers, what was found in comments.
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
  /// Keeps what was found in comments, in the place of what was found before.
  mutating func note(_ comments: [CommentNote]) throws
  /// Who has the answers and invitations that follow these identities, which are locked.
  mutating func customers(following identities: [CustomerID]) throws -> [CustomerID]
  /// Gives the answers, invitations and opt-outs that follow these identities to their owners.
  mutating func give(_ owners: [IdentityOwner]) throws
  /// Counts the answers of these customers that have no tier yet under what is known now.
  mutating func count(_ tiers: [KnownTier]) throws
}
