// The server's types that the suite uses, by the object ids that PostgreSQL fixes for good.

/// A type of the server. Object ids below 10,000 are the same in every PostgreSQL.
public struct PostgresType: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt32

  @inlinable
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let bool = PostgresType(rawValue: 16)
  public static let bytea = PostgresType(rawValue: 17)
  public static let char = PostgresType(rawValue: 18)
  public static let name = PostgresType(rawValue: 19)
  public static let int8 = PostgresType(rawValue: 20)
  public static let int2 = PostgresType(rawValue: 21)
  public static let int4 = PostgresType(rawValue: 23)
  public static let text = PostgresType(rawValue: 25)
  public static let oid = PostgresType(rawValue: 26)
  public static let xid = PostgresType(rawValue: 28)
  public static let json = PostgresType(rawValue: 114)
  public static let float4 = PostgresType(rawValue: 700)
  public static let float8 = PostgresType(rawValue: 701)
  public static let unknown = PostgresType(rawValue: 705)
  public static let bpchar = PostgresType(rawValue: 1042)
  public static let varchar = PostgresType(rawValue: 1043)
  public static let date = PostgresType(rawValue: 1082)
  public static let timestamp = PostgresType(rawValue: 1114)
  public static let timestamptz = PostgresType(rawValue: 1184)
  public static let numeric = PostgresType(rawValue: 1700)
  public static let uuid = PostgresType(rawValue: 2950)
  public static let jsonb = PostgresType(rawValue: 3802)
  public static let xid8 = PostgresType(rawValue: 5069)

  public static let boolArray = PostgresType(rawValue: 1000)
  public static let byteaArray = PostgresType(rawValue: 1001)
  public static let nameArray = PostgresType(rawValue: 1003)
  public static let int2Array = PostgresType(rawValue: 1005)
  public static let int4Array = PostgresType(rawValue: 1007)
  public static let textArray = PostgresType(rawValue: 1009)
  public static let int8Array = PostgresType(rawValue: 1016)
  public static let float8Array = PostgresType(rawValue: 1022)
  public static let dateArray = PostgresType(rawValue: 1182)
  public static let timestamptzArray = PostgresType(rawValue: 1185)
  public static let uuidArray = PostgresType(rawValue: 2951)
  public static let jsonbArray = PostgresType(rawValue: 3807)

  /// The array type over this one; nil where the suite has no use for it.
  public var array: PostgresType? {
    switch self {
    case .bool: .boolArray
    case .bytea: .byteaArray
    case .int2: .int2Array
    case .int4: .int4Array
    case .int8: .int8Array
    case .text: .textArray
    case .float8: .float8Array
    case .date: .dateArray
    case .timestamptz: .timestamptzArray
    case .uuid: .uuidArray
    case .jsonb: .jsonbArray
    default: nil
    }
  }

  /// True for types whose bytes are UTF-8 text.
  var isText: Bool {
    switch self {
    case .text, .varchar, .bpchar, .name, .json, .unknown, .char: true
    default: false
    }
  }
}
