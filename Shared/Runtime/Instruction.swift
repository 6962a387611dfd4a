// What a person tells a service to do over HTTP, with name and reason.
import Access
public import Domain
public import HTTP
public import Text

/// The body of such a request: by whom and why, both kept for ever, and what the route asks for beside. Who it is, is the bearer of the token; the body
/// may say so too, and must where access is switched off.
public struct Instruction: Sendable {
  public let body: JSONValue
  public let actor: String
  /// Empty where none is needed and none was given.
  public let reason: String

  /// Characters, as JSON Schema counts them.
  public static let actorMax = 100
  public static let reasonMax = 1_000
  /// Of a body that holds little more than these.
  public static let bodyBytesMax = 16 << 10

  /// Throws everything that is wrong with it at once.
  ///
  /// - Parameters:
  ///   - members: beside actor and reason; others are refused.
  ///   - needsReason: false where a reason may be left out.
  public init(_ request: Request, members: Set<String> = [], needsReason: Bool = true, limits: JSONLimits = .standard) throws(Problem) {
    guard let body = try? JSONValue(request.body, limits: limits), let given = body.members else {
      throw Problem(.badRequest, detail: "the body must be a JSON object with actor and reason")
    }
    self.body = body
    var faults: [Problem.FieldFault] = []
    // Another than the bearer of the token is refused before anything else is looked at.
    let known = try request.actor(given: body["actor"]?.stringValue)
    func text(_ key: String, max: Int, isNeeded: Bool) -> String {
      if !isNeeded, body[key] == nil { return "" }
      let given = body[key] == nil && key == "actor" ? known : body[key]?.stringValue
      guard let text = given, !isNeeded || !text.allSatisfy(\.isWhitespace) else {
        faults.append(.init(field: key, rule: "missing", detail: "\(key) must be a text that is not blank"))
        return ""
      }
      if text.unicodeScalars.count > max { faults.append(.init(field: key, rule: "length", detail: "\(key) has at most \(max) characters")) }
      if text.contains("\0") { faults.append(.init(field: key, rule: "format", detail: "\(key) must not contain a NUL")) }
      return text
    }
    actor = text("actor", max: Instruction.actorMax, isNeeded: true)
    reason = text("reason", max: Instruction.reasonMax, isNeeded: needsReason)
    for member in given where !members.union(["actor", "reason"]).contains(member.key) {
      faults.append(.init(field: String(member.key.prefix(64)), rule: "unknown", detail: "there is no such member here"))
    }
    if !faults.isEmpty { throw Problem.invalid(faults) }
  }
}

extension Request {
  /// The customer that the path names.
  public func customerID(_ name: String) throws(Problem) -> CustomerID {
    guard let id = CustomerID(try parameter(name)) else {
      throw Problem.invalid([.init(field: name, rule: "format", detail: "a customer id has 16 hexadecimal digits")])
    }
    return id
  }
}
