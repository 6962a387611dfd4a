// The services' APIs, asked as the person who looks at a page: the console has no rights of its own.
import Access
import Domain
import HTTP
import Runtime
import Text

/// Why a service gave no answer that a page could show.
enum PeerFailure: Error, Sendable {
  /// It said no: status, what is wrong, and with which fields.
  case refused(status: Int, title: String, detail: String?, faults: [Problem.FieldFault])
  /// It does not answer.
  case away(Peer)

  var isMissing: Bool { if case .refused(404, _, _, _) = self { true } else { false } }
  /// That of a page which shows it.
  var status: HTTPStatus {
    switch self {
    case .away: .serviceUnavailable
    case .refused(let code, _, _, _): (400...499).contains(code) ? HTTPStatus(rawValue: code) : .badGateway
    }
  }
}

/// An answer, with the tag of the state that it shows.
struct PeerAnswer: Sendable {
  let json: JSONValue
  let tag: String?
}

/// Speaks to the services for one person.
struct PeerAPI: Sendable {
  let site: Site
  /// nil: access is switched off, or nobody is signed in.
  let caller: SignedIn?
  /// Why contact data is asked for in full (S-02); nil: it comes masked.
  var reason: String?

  /// The largest answer that a page is made of, in bytes.
  static let answerBytesMax = 8 << 20
  /// The longest line, and the longest refusal, in bytes.
  private static let refusalBytesMax = 1 << 20
  static let limits = JSONLimits(documentBytesMax: answerBytesMax, treeValuesMax: 500_000)
  /// Seconds for which the token of one request holds.
  private static let tokenSeconds = 120

  func get(_ peer: Peer, _ path: String, _ query: [(name: String, value: String?)] = [], headers: HTTPHeaders = [:]) async throws(PeerFailure) -> JSONValue {
    try await call(peer, .get, PercentEncoding.path(path, query), headers: headers).json
  }

  /// - Parameters:
  ///   - seen: the tag of what a decision was made by; who has changed it meanwhile is not overwritten.
  ///   - acts: whether the body may say by whom it is done; tokens say it, and where there are none the body has to.
  func send(
    _ method: HTTPMethod, _ peer: Peer, _ path: String, _ body: JSONValue? = nil, seen: String? = nil, acts: Bool = true, headers: HTTPHeaders = [:]
  ) async throws(PeerFailure) -> JSONValue {
    var (headers, body) = (headers, body)
    if acts { body = body.map(acting) }
    if let seen { headers["If-Match"] = seen }
    if body != nil { headers["Content-Type"] = "application/json" }
    return try await call(peer, method, path, body: body?.encoded ?? [], headers: headers).json
  }

  /// The body of what somebody does: where there are no tokens it has to say who.
  func acting(_ body: JSONValue) -> JSONValue {
    guard site.access.isOff, let caller, let members = body.members, body["actor"] == nil else { return body }
    return .object(members + [JSONMember("actor", .text(caller.principal.actor))])
  }

  func call(
    _ peer: Peer, _ method: HTTPMethod, _ path: String, body: [UInt8] = [], headers: HTTPHeaders = [:]
  ) async throws(PeerFailure) -> PeerAnswer {
    let answer = try await bytes(peer, method, path, body: body, headers: headers)
    guard !answer.body.isEmpty else { return PeerAnswer(json: .null, tag: answer.headers["ETag"]) }
    guard let json = try? JSONValue(answer.body, limits: PeerAPI.limits) else { throw .away(peer) }
    return PeerAnswer(json: json, tag: answer.headers["ETag"])
  }

  /// An answer that is no JSON, as it came.
  ///
  /// - Parameter millisecondsMax: it is waited for no longer; nil: as long as for any other.
  func bytes(
    _ peer: Peer, _ method: HTTPMethod, _ path: String, body: [UInt8] = [], headers: HTTPHeaders = [:], millisecondsMax: Int? = nil
  ) async throws(PeerFailure) -> ClientResponse {
    var request = ClientRequest(method, (site.settings.peers[peer] ?? "") + path, headers: headers, body: body)
    if let token = try token(peer) { request.headers["Authorization"] = "Bearer \(token)" }
    if let reason, Look.isAsked(peer, method, path) { request.headers[Access.Look.header] = PercentEncoding.encoded(reason) }
    let answer: ClientResponse
    do { answer = try await site.settings.client.send(request, totalMillisecondsMax: millisecondsMax) } catch { throw .away(peer) }
    guard answer.isSuccess else { throw PeerAPI.refusal(answer) }
    return answer
  }

  /// An answer in lines, each taken as it comes: for what takes as long as there are many customers. False: it was not whole in time.
  func lines(
    _ peer: Peer, _ request: ClientRequest, milliseconds: Int, _ take: (JSONValue) -> Void
  ) async throws(PeerFailure) -> Bool {
    var request = request
    request.url = (site.settings.peers[peer] ?? "") + request.url
    if let token = try token(peer) { request.headers["Authorization"] = "Bearer \(token)" }
    do {
      let answer = try await site.settings.client.stream(request, totalMillisecondsMax: milliseconds)
      guard answer.isSuccess else {
        var body: [UInt8] = []
        for try await piece in answer.body where body.count < PeerAPI.refusalBytesMax { body += piece }
        throw PeerAPI.refusal(ClientResponse(status: answer.status, headers: answer.headers, body: body))
      }
      for try await line in answer.body.lines(lineBytesMax: PeerAPI.answerBytesMax) where !line.isEmpty {
        guard let value = try? JSONValue(line, limits: PeerAPI.limits) else { throw PeerFailure.away(peer) }
        take(value)
      }
      return true
    } catch let failure as PeerFailure { throw failure } catch let failure as HTTPClientFailure where failure.kind == .timedOut { return false } catch {
      throw .away(peer)
    }
  }

  /// A report that takes as long as there are many customers: the service tells with lines how far it is, and has the document in the last one.
  func long(_ peer: Peer, _ path: String, _ query: [(name: String, value: String?)] = []) async throws(PeerFailure) -> JSONValue {
    var result: JSONValue?
    let request = ClientRequest(.get, PercentEncoding.path(path, query + [("progress", "true")]))
    let isWhole = try await lines(peer, request, milliseconds: PeerAPI.longMillisecondsMax) { if $0["end"] == true { result = $0["result"] } }
    guard isWhole, let result else { throw .away(peer) }
    return result
  }

  /// For a report over all customers, in milliseconds.
  static let longMillisecondsMax = 120_000

  private func token(_ peer: Peer) throws(PeerFailure) -> String? {
    guard let caller, !site.access.isOff else { return nil }
    if let tokens = caller.tokens { return tokens.access }
    guard let key = site.access.keys.first else { return nil }
    let principal = caller.principal
    let token = try? key.token(
      subject: principal.subject, name: principal.name, staff: principal.staff, roles: principal.roles.sorted { $0.rawValue < $1.rawValue },
      now: site.now() / 1_000_000, lifetimeSeconds: PeerAPI.tokenSeconds)
    guard let token else { throw .away(peer) }
    return token
  }

  private static func refusal(_ answer: ClientResponse) -> PeerFailure {
    let problem = try? JSONValue(answer.body, limits: limits)
    let faults = (problem?["errors"]?.arrayValue ?? []).map { fault in
      func text(_ name: String) -> String { fault[name]?.stringValue ?? "" }
      return Problem.FieldFault(field: text("field"), rule: text("rule"), detail: text("detail"))
    }
    return .refused(
      status: answer.status.rawValue, title: problem?["title"]?.stringValue ?? "\(answer.status)", detail: problem?["detail"]?.stringValue, faults: faults)
  }
}
