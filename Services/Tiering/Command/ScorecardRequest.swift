// What a person asks to be done with a scorecard: by whom and why, and which state they have seen.
import Documents
import Domain
import HTTP
import Runtime
import Text
import TieringStore

struct ScorecardRequest: Sendable {
  let body: JSONValue
  let actor: ScorecardActor
  /// The states named by `If-Match`; nil: whatever state it is in.
  let seen: Set<Int64>?

  init(_ request: Request, members: Set<String> = [], limits: JSONLimits = .standard, at now: Instant) throws(Problem) {
    let told = try Instruction(request, members: members, limits: limits)
    body = told.body
    actor = ScorecardActor(told.actor, because: told.reason, at: now)
    seen = ScorecardRequest.seen(request.headers.all("If-Match"))
  }

  /// The scorecard that the path names.
  static func reference(_ request: Request) throws(Problem) -> ScorecardReference {
    let (name, text) = (try request.parameter("name"), try request.parameter("version"))
    guard let version = Int32(text), version > 0, String(version) == text else {
      throw Problem.invalid([.init(field: "version", rule: "range", detail: "a version is a whole number from 1")])
    }
    try check(name: name)
    return ScorecardReference(name: name, version: Int(version))
  }

  static func check(name: String) throws(Problem) {
    guard Scorecard.isName(name) else {
      let detail = "a name is small letters, digits and hyphens, at most \(Scorecard.nameBytesMax)"
      throw Problem.invalid([.init(field: "name", rule: "format", detail: detail)])
    }
  }

  /// A whole number, however it is written: 20 and 20.0 are the same to JSON.
  static func whole(_ value: JSONValue) -> Int? {
    guard case .number(let text) = value, let number = Rational(decimal: text), number.isInteger else { return nil }
    return Int(exactly: number.numerator)
  }

  static func unknown(_ reference: ScorecardReference) -> Problem {
    Problem(.notFound, title: "No such scorecard", detail: "there is no scorecard \(reference); `GET /v1/scorecards` lists them")
  }

  /// A scorecard without a fault; each of them is named by its line otherwise (T-01).
  static func file(_ bytes: [UInt8]) throws(Problem) -> RuleFile<Scorecard> {
    guard bytes.count <= SimulationAPI.scorecardBytesMax else {
      throw Problem(.contentTooLarge, detail: "a scorecard has at most \(SimulationAPI.scorecardBytesMax) bytes")
    }
    do throws(DocumentFaults) { return try RuleFile(scorecard: bytes, source: "scorecard") } catch {
      let faults = error.faults.map { Problem.FieldFault(field: $0.path, rule: "scorecard", detail: "\($0.line):\($0.column): \($0.problem)") }
      throw Problem.invalid(faults, detail: "the scorecard cannot be used: each fault is named by its line and column")
    }
  }

  /// The tag of a scorecard in its state.
  static func tag(_ revision: Int64) -> EntityTag { EntityTag(opaque: "r\(revision)") }

  /// `"r7", "r8"` are the states 7 and 8, `*` is any. A tag that is none of ours, or a weak one, names no state.
  private static func seen(_ values: [String]) -> Set<Int64>? {
    let tags = values.joined(separator: ",").filter { $0 != " " && $0 != "\t" }.split(separator: ",")
    guard !tags.isEmpty, !tags.contains("*") else { return nil }
    return Set(
      tags.compactMap { text in
        guard text.hasPrefix("\"r"), text.hasSuffix("\""), let number = Int64(text.dropFirst(2).dropLast()), tag(number).description == text else { return nil }
        return number
      })
  }

  /// Refuses when `If-Match` names another state than this one.
  func check(_ revision: Int64, of reference: ScorecardReference) throws(Problem) {
    if let seen, !seen.contains(revision) { throw ScorecardRequest.changed(reference) }
  }

  static func changed(_ reference: ScorecardReference) -> Problem {
    Problem(
      .preconditionFailed, title: "Changed meanwhile",
      detail: "somebody has changed scorecard \(reference) since you looked at it: look again, its history says who and why")
  }
}
