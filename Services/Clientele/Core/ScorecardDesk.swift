// Scorecards as the suite's tiering service keeps them: found by name, changed by a person, told in words (T-10).
public import Documents
public import Domain
import HTTP
public import Text

/// A scorecard's name as an operator writes it: `standard`, the newest version, or `standard@2`.
public struct ScorecardName: Sendable, Equatable {
  public let name: String
  public let version: Int?

  public init(_ text: String) throws {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts.first ?? "")
    guard parts.count == 2 else {
      version = nil
      return
    }
    guard let number = Int(parts[1]), number > 0 else { throw SuiteFailure("`\(text)` is not a scorecard and its version, as standard@2") }
    version = number
  }
}

/// Asks the tiering service.
public struct ScorecardDesk: Sendable {
  private let services: ServiceClient

  public init(_ services: ServiceClient) { self.services = services }

  /// All that are registered, by name and version.
  public func all() async throws -> [JSONValue] { try await services.call("tiering", .get, "/v1/scorecards")["scorecards"]?.arrayValue ?? [] }

  /// The registered one that is meant: of a name without a version the newest.
  public func find(_ name: ScorecardName) async throws -> ScorecardReference {
    let cards = try await all()
    let versions = cards.filter { $0["name"]?.stringValue == name.name }.compactMap { $0["version"]?.intValue }
    guard let newest = versions.max() else {
      let known = Set(cards.compactMap { $0["name"]?.stringValue }).sorted().joined(separator: ", ")
      throw SuiteFailure("there is no scorecard `\(name.name)` in the suite; registered are \(known), and `clientele scorecard import` adds one")
    }
    if let version = name.version, !versions.contains(version) {
      let known = versions.sorted().map { String($0) }.joined(separator: ", ")
      throw SuiteFailure("there is no version \(version) of \(name.name); registered are \(known)")
    }
    return ScorecardReference(name: name.name, version: name.version ?? newest)
  }

  /// The one that rates all customers, or the one that is tried on a part of them.
  public func one(in state: ScorecardState) async throws -> ScorecardReference? {
    for card in try await all() where card["state"]?.stringValue == state.rawValue {
      if let name = card["name"]?.stringValue, let version = card["version"]?.intValue { return ScorecardReference(name: name, version: version) }
    }
    return nil
  }

  /// Keeps a scorecard's file as a draft.
  public func register(_ yaml: String, actor: String, reason: String) async throws -> JSONValue {
    let body: JSONValue = ["yaml": .text(yaml), "actor": .text(actor), "reason": .text(reason)]
    return try await services.call("tiering", .post, "/v1/scorecards", body: body.encoded, contentType: "application/json")
  }

  /// The file as it was registered.
  public func file(_ reference: ScorecardReference) async throws -> [UInt8] {
    try await services.bytes("tiering", .get, ScorecardDesk.path(reference) + "/file")
  }

  public func comparison(_ reference: ScorecardReference) async throws -> JSONValue {
    try await services.longAnswer("tiering", ScorecardDesk.path(reference) + "/comparison")
  }

  public func history(_ name: ScorecardName?, limit: Int, before: Int?) async throws -> JSONValue {
    let query: [(name: String, value: String?)] = [
      ("name", name?.name), ("version", name?.version.map { String($0) }), ("limit", String(limit)), ("before", before.map { String($0) }),
    ]
    return try await services.call("tiering", .get, ServiceClient.path("/v1/scorecards/history", query))
  }

  /// A step by a person. `revision`: only while the scorecard is in this state still.
  public func step(_ step: ScorecardStep, _ reference: ScorecardReference, _ members: [JSONMember], revision: Int?) async throws -> JSONValue {
    var headers: HTTPHeaders = [:]
    if let revision { headers["If-Match"] = "\"r\(revision)\"" }
    return try await services.call(
      "tiering", .post, ScorecardDesk.path(reference) + "/" + step.rawValue, body: JSONValue.object(members).encoded, contentType: "application/json",
      headers: headers)
  }

  private static func path(_ reference: ScorecardReference) -> String { "/v1/scorecards/\(ServiceClient.escaped(reference.name))/\(reference.version)" }
}

/// A scorecard's file to begin with.
public enum ScorecardDraft {
  /// The file of another scorecard under a name, version and author of its own; without a state, which the service keeps.
  public static func make(from yaml: String, name: String, version: Int, author: String?) throws(DocumentFaults) -> String {
    let own = ["scorecard": name, "version": String(version), "author": author]
    let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line -> String? in
      let key = String(line.prefix { $0 != ":" })
      if key == "state" { return nil }
      guard let value = own[key], let value else { return String(line) }
      // Quoted where it is no plain word: an author may be called anything.
      let isPlain = value.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
      return "\(key): " + (isPlain ? value : JSONValue.text(value).encodedText)
    }
    let draft = lines.joined(separator: "\n")
    _ = try ScorecardDocument.decode(Array(draft.utf8), source: "the draft")
    return draft
  }
}

extension Curve {
  /// Which way the points go as the raw value grows.
  public var direction: (en: String, zh: String) {
    if turns { return ("rises and falls, as stated", "先升后降或先降后升（已声明）") }
    let points =
      switch self {
      case .line(let points): points.map(\.points)
      case .bands(let bands): bands.map(\.points)
      }
    if zip(points, points.dropFirst()).contains(where: { $0 < $1 }) { return ("rises", "递增") }
    return zip(points, points.dropFirst()).contains(where: { $0 > $1 }) ? ("falls", "递减") : ("level", "持平")
  }
}

/// A list of customers known to be worth most: a customer id or member id a line.
public enum LabelledList {
  private static let bytesMax = 6 << 20

  /// Blank lines and what follows a `#` at a line's beginning are passed over.
  public static func read(_ path: String) async throws -> [String] {
    let text = String(decoding: try await InputFile.whole(path, bytesMax: bytesMax), as: UTF8.self)
    let names = text.split(whereSeparator: \.isNewline).map { line in
      String(line.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
    guard !names.isEmpty else { throw SuiteFailure("\(path) names no customer: a customer id or member id a line is needed") }
    return names
  }
}
