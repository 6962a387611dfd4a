// Parts of a request's address, checked.
import Domain
import HTTP

struct Query {
  private let request: Request

  init(_ request: Request) { self.request = request }

  /// The value under a name, read; nil when it is not given, a problem when it cannot be read.
  func value<Value>(_ name: String, rule: String, _ detail: String, _ read: (String) -> Value?) throws -> Value? {
    guard let text = request.query[name] else { return nil }
    guard let value = read(text) else { throw Problem.invalid([.init(field: name, rule: rule, detail: detail)]) }
    return value
  }

  func limit() throws -> Int {
    let detail = "limit is a whole number from 1 to \(IdentityRoutes.rowsMax)"
    return try value("limit", rule: "range", detail) { text in
      Int(text).flatMap { (1...IdentityRoutes.rowsMax).contains($0) ? $0 : nil }
    } ?? IdentityRoutes.rowsUsual
  }

  func number(_ name: String) throws -> Int64? {
    try value(name, rule: "range", "\(name) is a whole number from 0") { text in Int64(text).flatMap { $0 >= 0 ? $0 : nil } }
  }

  func customer(_ name: String) throws -> CustomerID? {
    try value(name, rule: "format", "a customer id has 16 hexadecimal digits") { CustomerID($0) }
  }

  func day(_ name: String) throws -> Day? { try value(name, rule: "format", "give a day as 1998-07-01") { Day($0) } }

  /// The day that is asked about, and the day whose knowledge counts; without the first, what was known is of the day on which it was known.
  func days() throws -> (asOf: Day?, knownOn: Day?) {
    let (asOf, knownOn) = (try day("as_of"), try day("known_on"))
    return (asOf ?? knownOn, knownOn)
  }

  func choice<Value>(_ name: String, of values: [Value], _ text: (Value) -> String) throws -> Value? {
    try value(name, rule: "enum", "\(name) is one of \(values.map(text).joined(separator: ", "))") { given in values.first { text($0) == given } }
  }

  /// The number in the path.
  static func id(_ request: Request) throws -> Int64 {
    guard let id = Int64(try request.parameter("id")), id > 0 else {
      throw Problem.invalid([.init(field: "id", rule: "range", detail: "an id is a whole number from 1")])
    }
    return id
  }
}
