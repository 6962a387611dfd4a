// Bonds, decisions and merges in their tables.
public import Domain
import Postgres
import ProfileCore

enum EvidenceRows {
  // MARK: - Bonds

  private static let columns = "b.other, b.leader, b.at, b.evidence, b.beyond, b.stopped"
  private static let byPair = Statement(
    name: "bonds_by_pair",
    sql: """
      SELECT \(columns) FROM unnest($1::uuid[]) WITH ORDINALITY AS u(other, place)
      JOIN bonds b ON b.other = u.other AND b.leader = ($2::uuid[])[u.place]
      """)
  private static let byKey = Statement(
    name: "bonds_by_key",
    sql: """
      SELECT \(columns) FROM unnest($1::uuid[]) AS u(key), LATERAL (SELECT * FROM bonds x WHERE x.other = u.key LIMIT $2) AS b
      UNION ALL SELECT \(columns) FROM unnest($1::uuid[]) AS u(key), LATERAL (SELECT * FROM bonds x WHERE x.leader = u.key LIMIT $2) AS b
      """)

  static func bonds(_ pairs: [IdentityPair], _ session: PostgresSession) throws -> [Bond] {
    try read(
      try session.query(byPair) { parameters in
        parameters.uuidArray(pairs.map(\.other.uuid))
        parameters.uuidArray(pairs.map(\.leader.uuid))
      })
  }

  static func bonds(of keys: [IdentityKey], max count: Int, _ session: PostgresSession) throws -> [Bond] {
    try read(
      try session.query(byKey) { parameters in
        parameters.uuidArray(keys.map(\.uuid))
        parameters.int64(Int64(count))
      })
  }

  private static func read(_ rows: Rows) throws -> [Bond] { try (0..<rows.count).map { try bond(rows, $0) } }

  static func bond(_ rows: Rows, _ row: Int) throws -> Bond {
    let stopped = try rows.textOrNil(row, 5).map { text -> MergeGuard in
      guard let stopped = MergeGuard(rawValue: text) else { throw damaged("bond") }
      return stopped
    }
    return Bond(
      pair: IdentityPair(other: IdentityKey(uuid: try rows.uuid(row, 0)), leader: IdentityKey(uuid: try rows.uuid(row, 1))),
      at: Instant(microseconds: try rows.timestamptz(row, 2)), evidence: try rows.text(row, 3), isBeyond: try rows.bool(row, 4), stopped: stopped)
  }

  private static let writeBonds = Statement(
    name: "bonds_write",
    sql: """
      INSERT INTO bonds AS b (other, leader, at, evidence, beyond, stopped)
      SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::bool[], $6::text[])
      ON CONFLICT (other, leader) DO UPDATE SET
        at = least(b.at, excluded.at),
        evidence = CASE WHEN (excluded.at, excluded.evidence COLLATE "C") < (b.at, b.evidence COLLATE "C") THEN excluded.evidence ELSE b.evidence END,
        beyond = b.beyond AND excluded.beyond, stopped = excluded.stopped
      """)

  static func write(_ bonds: [Bond], _ session: PostgresSession) throws {
    _ = try session.run(writeBonds) { parameters in
      parameters.uuidArray(bonds.map(\.pair.other.uuid))
      parameters.uuidArray(bonds.map(\.pair.leader.uuid))
      parameters.timestamptzArray(bonds.map(\.at.microseconds))
      parameters.textArray(bonds.map(\.evidence))
      parameters.boolArray(bonds.map(\.isBeyond))
      parameters.textArray(nullable: bonds.map { $0.stopped?.rawValue })
    }
  }

  // MARK: - Decisions

  private static let aboutKeys = Statement(
    name: "decisions_about",
    sql: """
      SELECT d.id, d.kind, d.at, s.key, s.side FROM decisions d JOIN decision_sides s ON s.decision_id = d.id
      WHERE d.id IN (SELECT x.decision_id FROM decision_sides x WHERE x.key = ANY($1::uuid[])) ORDER BY d.id, s.side, s.place
      """)

  static func decisions(about keys: [IdentityKey], _ session: PostgresSession) throws -> [IdentityDecision] {
    try decisions(try session.query(aboutKeys) { $0.uuidArray(keys.map(\.uuid)) })
  }

  /// Rows of id, kind, moment, key and side, those of one decision together and in order.
  static func decisions(_ rows: Rows) throws -> [IdentityDecision] {
    var result: [IdentityDecision] = []
    var row = 0
    while row < rows.count {
      let id = try rows.int64(row, 0)
      guard let kind = IdentityDecision.Kind(rawValue: try rows.text(row, 1)) else { throw damaged("decision") }
      let at = Instant(microseconds: try rows.timestamptz(row, 2))
      var sides: ([IdentityKey], [IdentityKey]) = ([], [])
      while row < rows.count, try rows.int64(row, 0) == id {
        let key = IdentityKey(uuid: try rows.uuid(row, 3))
        if try rows.int16(row, 4) == 0 { sides.0.append(key) } else { sides.1.append(key) }
        row += 1
      }
      result.append(IdentityDecision(id: id, kind: kind, at: at, left: sides.0, right: sides.1))
    }
    return result
  }

  // MARK: - Merges

  private static let insertMerges = Statement(
    name: "merges_insert",
    sql: """
      INSERT INTO merges (survivor, absorbed, evidence, at, survivor_members, absorbed_members)
      SELECT * FROM unnest($1::int8[], $2::int8[], $3::text[], $4::timestamptz[], $5::bytea[], $6::bytea[])
      """)

  static func write(_ merges: [MergeRecord], _ session: PostgresSession) throws {
    _ = try session.run(insertMerges) { parameters in
      parameters.int64Array(merges.map(\.survivor.number))
      parameters.int64Array(merges.map(\.absorbed.number))
      parameters.textArray(merges.map(\.evidence))
      parameters.timestamptzArray(merges.map(\.at.microseconds))
      parameters.bytesArray(merges.map { encoded($0.survivorMembers) })
      parameters.bytesArray(merges.map { encoded($0.absorbedMembers) })
    }
  }

  static func encoded(_ keys: [IdentityKey]) -> [UInt8] {
    keys.flatMap { key in withUnsafeBytes(of: (key.high.bigEndian, key.low.bigEndian)) { Array($0) } }
  }

  static func keys(_ bytes: [UInt8]) throws(PostgresFailure) -> [IdentityKey] {
    guard bytes.count % 16 == 0 else { throw damaged("list of identities") }
    return bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: 16).map { place in
        IdentityKey(
          high: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)),
          low: UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)))
      }
    }
  }
}

extension PostgresProfileStore {
  public mutating func bonds(_ pairs: [IdentityPair]) throws -> [Bond] { try EvidenceRows.bonds(pairs, session) }
  public mutating func bonds(of keys: [IdentityKey], max count: Int) throws -> [Bond] { try EvidenceRows.bonds(of: keys, max: count, session) }
  public mutating func decisions(about keys: [IdentityKey]) throws -> [IdentityDecision] { try EvidenceRows.decisions(about: keys, session) }
}
