// Addresses in their table.
import ConnectorCore
import Contracts
import Domain
import Handling
import Postgres

enum AddressRows {
  static let columns = "identity_id, customer_id, kind, value, is_verified, is_shared, first_seen_at, bounced_at"

  private static let join = Statement(
    name: "addresses_learn",
    sql: """
      INSERT INTO addresses AS a (identity_id, customer_id, kind, value, is_verified, is_shared, first_seen_at)
      SELECT * FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::bool[], $6::bool[], $7::timestamptz[])
        AS u(id, customer, kind, value, verified, shared, first) ORDER BY u.id
      ON CONFLICT (identity_id) DO UPDATE SET customer_id = excluded.customer_id, is_verified = a.is_verified OR excluded.is_verified,
        is_shared = a.is_shared OR excluded.is_shared, first_seen_at = least(a.first_seen_at, excluded.first_seen_at)
      """)

  static func learn(_ addresses: [KnownAddress], _ session: PostgresSession) throws {
    guard !addresses.isEmpty else { return }
    _ = try session.run(join) { parameters in
      parameters.int64Array(addresses.map(\.identity.number))
      parameters.int64Array(addresses.map(\.customer.number))
      parameters.textArray(addresses.map(\.kind.rawValue))
      parameters.textArray(addresses.map(\.value))
      parameters.boolArray(addresses.map(\.isVerified))
      parameters.boolArray(addresses.map(\.isShared))
      parameters.timestamptzArray(addresses.map(\.firstSeenAt.microseconds))
    }
  }

  private static let follow = Statement(
    name: "addresses_give",
    sql: """
      UPDATE addresses a SET customer_id = u.customer FROM unnest($1::int8[], $2::int8[]) AS u(identity, customer)
      WHERE a.identity_id = u.identity AND a.customer_id <> u.customer
      """)

  static func give(_ owners: [IdentityOwner], _ session: PostgresSession) throws {
    guard !owners.isEmpty else { return }
    _ = try session.run(follow) { parameters in
      parameters.int64Array(owners.map(\.identity.number))
      parameters.int64Array(owners.map(\.customer.number))
    }
  }

  private static let list = Statement(
    name: "addresses_of", sql: "SELECT \(columns) FROM addresses WHERE customer_id = ANY($1::int8[]) ORDER BY identity_id LIMIT $2")
  /// Of one customer: profile keeps no more of all kinds together (P-03).
  private static let perCustomerMax = 50

  static func all(of customers: [CustomerID], _ session: PostgresSession) throws -> [KnownAddress] {
    guard !customers.isEmpty else { return [] }
    let rows = try session.query(list) { parameters in
      parameters.int64Array(customers.map(\.number))
      parameters.int64(Int64(customers.count * perCustomerMax))
    }
    return try (0..<rows.count).map { row in
      guard let kind = AddressKind(rawValue: try rows.text(row, 2)) else { throw damaged("kind of an address") }
      return KnownAddress(
        identity: CustomerID(number: try rows.int64(row, 0)), customer: CustomerID(number: try rows.int64(row, 1)), kind: kind,
        value: try rows.text(row, 3), isVerified: try rows.bool(row, 4), isShared: try rows.bool(row, 5),
        firstSeenAt: Instant(microseconds: try rows.timestamptz(row, 6)),
        bouncedAt: try rows.timestamptzOrNil(row, 7).map(Instant.init(microseconds:)))
    }
  }

  private static let refused = Statement(
    name: "address_bounced", sql: "UPDATE addresses SET bounced_at = $2 WHERE identity_id = $1 AND bounced_at IS NULL")

  static func noteBounced(_ identity: CustomerID, at now: Instant, _ session: PostgresSession) throws {
    _ = try session.run(refused) { parameters in
      parameters.int64(identity.number)
      parameters.timestamptz(now.microseconds)
    }
  }
}
