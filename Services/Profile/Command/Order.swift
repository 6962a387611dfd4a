// What people ask for over HTTP, with their name and their reason.
import HTTP
import Text

/// What a person asks to be done: by whom and why, both kept for ever.
struct Order: Sendable {
  let body: JSONValue
  let actor: String
  let reason: String

  /// Characters, as JSON Schema counts them.
  static let actorMax = 100
  static let reasonMax = 1_000

  init(_ request: Request, members: Set<String>) throws {
    guard let body = try? JSONValue(request.body), let given = body.members else {
      throw Problem(.badRequest, detail: "the body must be a JSON object with actor and reason")
    }
    self.body = body
    var faults: [Problem.FieldFault] = []
    func text(_ key: String, max: Int) -> String {
      guard let text = body[key]?.stringValue, !text.allSatisfy(\.isWhitespace) else {
        faults.append(.init(field: key, rule: "missing", detail: "\(key) must be a text that is not blank"))
        return ""
      }
      if text.unicodeScalars.count > max { faults.append(.init(field: key, rule: "length", detail: "\(key) has at most \(max) characters")) }
      if text.contains("\0") { faults.append(.init(field: key, rule: "format", detail: "\(key) must not contain a NUL")) }
      return text
    }
    actor = text("actor", max: Order.actorMax)
    reason = text("reason", max: Order.reasonMax)
    for member in given where !members.union(["actor", "reason"]).contains(member.key) {
      faults.append(.init(field: String(member.key.prefix(64)), rule: "unknown", detail: "there is no such member here"))
    }
    if !faults.isEmpty { throw Problem.invalid(faults) }
  }
}
