// The binary form of values, compared with the server's own.
import TestSupport
import Testing

@testable import Postgres

struct ParametersTests {
  private func bytes(_ build: (inout Parameters) -> Void) -> [UInt8] {
    var values = Parameters()
    build(&values)
    return [UInt8](values.arena.bytes)
  }

  private static let serverForms: [(sql: String, build: @Sendable (inout Parameters) -> Void)] = [
    ("int8send(-5)", { $0.int64(-5) }),
    ("int4send(70000)", { $0.int32(70_000) }),
    ("int2send(-1::int2)", { $0.int16(-1) }),
    ("boolsend(true)", { $0.bool(true) }),
    ("float8send(1.5)", { $0.float64(1.5) }),
    ("textsend('é客')", { $0.text("é客") }),
    ("uuid_send('01234567-89ab-cdef-0011-223344556677')", { $0.uuid(0x0123_4567_89AB_CDEF_0011_2233_4455_6677) }),
    ("timestamptz_send('2023-11-14 22:13:20.123456+00')", { $0.timestamptz(1_700_000_000_123_456) }),
    ("timestamptz_send('1969-12-31 23:59:59.999999+00')", { $0.timestamptz(-1) }),
    ("timestamptz_send('infinity')", { $0.timestamptz(.max) }),
    ("timestamptz_send('-infinity')", { $0.timestamptz(.min) }),
    ("date_send('1970-01-02')", { $0.date(unixDays: 1) }),
    ("jsonb_send('[1]')", { $0.jsonb("[1]") }),
    ("array_send('{1,NULL,-3}'::int8[])", { $0.int64Array(nullable: [1, nil, -3]) }),
    ("array_send('{1,2}'::int8[])", { $0.int64Array([1, 2]) }),
    ("array_send('{}'::int8[])", { $0.int64Array([]) }),
    ("array_send('{7,NULL}'::int4[])", { $0.int32Array(nullable: [7, nil]) }),
    ("array_send('{7}'::int2[])", { $0.int16Array([7]) }),
    ("array_send('{t,f}'::bool[])", { $0.boolArray([true, false]) }),
    ("array_send(ARRAY['a','',NULL,'\"{}'])", { $0.textArray(nullable: ["a", "", nil, "\"{}"]) }),
    ("array_send(ARRAY['\\x00ff'::bytea, NULL, ''])", { $0.bytesArray(nullable: [[0, 255], nil, []]) }),
    ("array_send(ARRAY['00000000-0000-0000-0000-000000000001'::uuid, NULL])", { $0.uuidArray(nullable: [1, nil]) }),
    ("array_send(ARRAY['2000-01-01 00:00:00+00'::timestamptz, NULL])", { $0.timestamptzArray(nullable: [946_684_800_000_000, nil]) }),
    ("array_send('{0.5}'::float8[])", { $0.float64Array([0.5]) }),
  ]

  @Test(.enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
  func everyValueIsWrittenAsTheServerWritesIt() async throws {
    try await TestDatabase.withSession { session in
      for (text, build) in Self.serverForms {
        let expected = try session.query(sql("SELECT \(text)")).bytes(0, 0)
        #expect(bytes(build) == expected, "\(text)")
      }
    }
  }

  @Test func mistakesAreRefusedWhenTheValuesAreUsed() {
    let mistakes: [@Sendable (inout Parameters) -> Void] = [
      { $0.beginArray(.int8) },
      { $0.endArray() },
      { $0.element(int64: 1) },
      { $0.elementNull() },
      {
        $0.beginArray(.int8); $0.element(int32: 1); $0.endArray()
      },
      {
        $0.beginArray(.int8); $0.int64(1); $0.endArray()
      },
      { $0.beginArray(.xid8) },
      { values in for _ in 0...Parameters.countMax { values.bool(true) } },
    ]
    for build in mistakes {
      var values = Parameters()
      build(&values)
      expectFailure(.other) { try values.check("s") }
      values.reset()
      values.int64(1)
      let left = failure { try values.check("s") }
      #expect(left == nil)
    }
  }

  @Test func valuesOverTheBoundAreADataError() {
    var arena = ByteArena(bytesMax: 4_096)
    for _ in 0..<1_000 { arena.put(UInt64(1)) }
    let (isOverfull, count) = (arena.isOverfull, arena.count)
    #expect(isOverfull && count == 4_096)
    arena.reset()
    arena.put(UInt64(258))
    let (isStillOverfull, bytes) = (arena.isOverfull, [UInt8](arena.bytes))
    #expect(!isStillOverfull)
    #expect(bytes == [0, 0, 0, 0, 0, 0, 1, 2])
  }

  @Test func aTimeBeforeTheRangeBecomesMinusInfinity() {
    #expect(ServerTime.encode(.min + 1) == .min)
    #expect(ServerTime.decode(.max - 1) == .max)
    #expect(ServerTime.decode(ServerTime.encode(12_345)) == 12_345)
  }

  @Test func aBrokenArrayIsNotRead() {
    let good = bytes { $0.int64Array([1, 2]) }
    for length in 0..<good.count {
      good.prefix(length).withUnsafeBytes { #expect(BinaryArray.elements(of: $0, .int8) == nil) }
    }
    good.withUnsafeBytes { #expect(BinaryArray.elements(of: $0, .int8)?.count == 2) }
    good.withUnsafeBytes { #expect(BinaryArray.elements(of: $0, .int4) == nil) }
  }
}
