// This service's tables in PostgreSQL, for the use cases. Every statement is set-based, its keys sorted.
import Belonging
public import ConnectorCore
public import Contracts
import Domain
public import Handling
public import Postgres

/// Kinds of due work of this service: a result is to be told; the id is the delivery's, the moment is the result's.
public enum ConnectorWork {
  public static let accepted: Int16 = 1
  public static let delivered: Int16 = 2
  public static let opened: Int16 = 3
  public static let bounced: Int16 = 4
  public static let undeliverable: Int16 = 5
}

/// Belongs to one transaction, on the thread of its session.
public struct PostgresConnectorStore: ConnectorStore {
  let session: PostgresSession

  public init(_ session: PostgresSession) { self.session = session }

  public mutating func owners(noting believed: [IdentityOwner]) throws -> [IdentityOwner] { try BelongingRows.owners(noting: believed, session) }
  public mutating func move(_ moves: [IdentityOwner]) throws -> [IdentityOwner] { try BelongingRows.move(moves, session) }
  public mutating func learn(_ addresses: [KnownAddress]) throws { try AddressRows.learn(addresses, session) }
  public mutating func give(_ owners: [IdentityOwner]) throws { try AddressRows.give(owners, session) }
  public mutating func insert(_ deliveries: [Delivery]) throws -> Int { try DeliveryRows.insert(deliveries, session) }
  public mutating func withdraw(_ withdrawals: [SurveyWithdrawal]) throws { try DeliveryRows.withdraw(withdrawals, session) }
}
