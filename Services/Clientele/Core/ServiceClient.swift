// Requests to the suite's services, with refusals told as the services told them.
public import HTTP
import Access
public import Text

/// A service said no.
public struct ServiceRefusal: Error, Sendable, CustomStringConvertible {
  public let service: String
  public let status: Int
  public let description: String

  init(_ service: String, _ path: String, _ answer: ClientResponse) {
    self.service = service
    status = answer.status.rawValue
    var text = "\(service) answered \(answer.status) to \(path)"
    if let problem = try? JSONValue(answer.body, limits: ServiceClient.limits) {
      if let detail = problem["detail"]?.stringValue ?? problem["title"]?.stringValue { text += ": \(detail)" }
      for fault in problem["errors"]?.arrayValue ?? [] {
        let words = ["field", "rule", "detail"].compactMap { fault[$0]?.stringValue }.filter { !$0.isEmpty }
        text += "\n  " + words.joined(separator: ": ")
      }
    }
    description = text
  }
}

/// Speaks to the services of one suite.
public struct ServiceClient: Sendable {
  public let connection: SuiteConnection
  public let client: HTTPClient
  /// In whose name requests are made that say nobody themselves; nil: the program's.
  private let actor: String?

  /// The largest answer that is read whole, in bytes.
  public static let answerBytesMax = 64 << 20
  /// The longest line of a streamed answer, in bytes.
  public static let lineBytesMax = 64 << 10
  static let limits = JSONLimits(documentBytesMax: answerBytesMax, treeValuesMax: 4_000_000)

  public init(_ connection: SuiteConnection, actor: String? = nil) {
    (self.connection, self.actor) = (connection, actor)
    var settings = HTTPClientSettings()
    settings.limits.responseBytesMax = ServiceClient.answerBytesMax
    // The figures of all customers on a past day are worked out page by page before the first byte comes.
    settings.limits.stallSecondsMax = 60
    client = HTTPClient(settings: settings)
  }

  public func close() async { await client.close() }

  /// One request; the answer as JSON, null for an empty one. Throws ``ServiceRefusal`` for any status but 2xx.
  public func call(
    _ service: String, _ method: HTTPMethod = .get, _ path: String, body: [UInt8] = [], contentType: String? = nil, headers: HTTPHeaders = [:]
  ) async throws -> JSONValue {
    try await tagged(service, method, path, body: body, contentType: contentType, headers: headers).answer
  }

  /// The same, with the answer's ETag.
  ///
  /// - Parameter seen: the ETag of what a decision was made by; who has changed it meanwhile is not overwritten.
  public func tagged(
    _ service: String, _ method: HTTPMethod = .get, _ path: String, body: [UInt8] = [], contentType: String? = nil, headers: HTTPHeaders = [:],
    seen: String? = nil
  ) async throws -> (answer: JSONValue, tag: String?) {
    var headers = headers
    if let seen { headers["If-Match"] = seen }
    let answer = try await answer(service, method, path, body: body, contentType: contentType, headers: headers)
    let tag = answer.headers["ETag"]
    if answer.body.isEmpty { return (.null, tag) }
    do { return (try JSONValue(answer.body, limits: ServiceClient.limits), tag) } catch {
      throw SuiteFailure("\(service) answered \(path) with something that is no JSON: \(error)")
    }
  }

  /// One request; the answer as it came. Throws ``ServiceRefusal`` for any status but 2xx.
  public func bytes(
    _ service: String, _ method: HTTPMethod = .get, _ path: String, body: [UInt8] = [], contentType: String? = nil, headers: HTTPHeaders = [:]
  ) async throws -> [UInt8] {
    try await answer(service, method, path, body: body, contentType: contentType, headers: headers).body
  }

  private func answer(
    _ service: String, _ method: HTTPMethod, _ path: String, body: [UInt8], contentType: String?, headers: HTTPHeaders
  ) async throws -> ClientResponse {
    var request = ClientRequest(method, try connection.url(of: service) + path, headers: headers, body: body)
    if let contentType { request.headers["Content-Type"] = contentType }
    for field in try shown(to: service, body, contentType).fields { request.headers[field.name] = field.value }
    let answer: ClientResponse
    do { answer = try await client.send(request) } catch { throw ServiceClient.silent(service, error) }
    guard answer.isSuccess else { throw ServiceRefusal(service, path, answer) }
    return answer
  }

  private func shown(to service: String, _ body: [UInt8], _ contentType: String?) throws -> HTTPHeaders {
    try connection.credentials.headers(service, actor: Credentials.actor(of: body, contentType) ?? actor)
  }

  /// The lines of an NDJSON answer, one by one as they come.
  public func eachLine(
    _ service: String, _ path: String, method: HTTPMethod = .get, body: [UInt8] = [], contentType: String? = nil,
    lineBytesMax: Int = ServiceClient.lineBytesMax, _ take: ([UInt8]) throws -> Void
  ) async throws {
    do {
      var request = ClientRequest(method, try connection.url(of: service) + path, body: body)
      if let contentType { request.headers["Content-Type"] = contentType }
      for field in try shown(to: service, body, contentType).fields { request.headers[field.name] = field.value }
      let answer = try await client.stream(request)
      guard answer.isSuccess else {
        var body: [UInt8] = []
        for try await piece in answer.body where body.count < ServiceClient.lineBytesMax { body += piece }
        throw ServiceRefusal(service, path, ClientResponse(status: answer.status, headers: answer.headers, body: body))
      }
      for try await line in answer.body.lines(lineBytesMax: lineBytesMax) where !line.isEmpty { try take(line) }
    } catch let failure as HTTPClientFailure { throw ServiceClient.silent(service, failure) }
  }

  /// The document of an answer that takes as long as there are many customers. The service says with lines how far it is, so that only silence is
  /// waited out, not the time that it takes.
  public func longAnswer(_ service: String, _ path: String) async throws -> JSONValue {
    let asked = path + (path.contains("?") ? "&" : "?") + "progress=true"
    var result: JSONValue?
    try await eachLine(service, asked, lineBytesMax: ServiceClient.answerBytesMax) { line in
      let value: JSONValue
      do { value = try JSONValue(line, limits: ServiceClient.limits) } catch { throw SuiteFailure("\(service) sent a line that is no JSON: \(error)") }
      if value["end"]?.booleanValue == true { result = value["result"] }
    }
    guard let result else { throw SuiteFailure("\(service) ended its answer to \(path) in the middle: its log says why") }
    return result
  }

  private static func silent(_ service: String, _ failure: HTTPClientFailure) -> any Error {
    if failure.kind == .cancelled { return CancellationError() }
    return SuiteFailure("\(service) does not answer: \(failure); `clientele doctor` looks at every service")
  }

  /// What asks for contact data in full, and says why (S-02); nothing without a reason.
  public static func unmasking(_ reason: String?) -> HTTPHeaders { reason.map { [Look.header: escaped($0)] } ?? [:] }

  /// A path with a query; values that are nil are left out.
  public static func path(_ path: String, _ query: [(name: String, value: String?)]) -> String { PercentEncoding.path(path, query) }

  /// Percent-encoded for a part of a path or a query (RFC 3986 section 2.3).
  public static func escaped(_ text: String) -> String { PercentEncoding.encoded(text) }
}
