// Requests to other servers, over libcurl on one thread of ours.

public import Lifecycle
import Telemetry

/// Sends requests to other servers. Redirects are handed back, not followed; proxies of the environment are not used; cookies are not kept.
///
/// Its thread starts with the first request and ends with ``close()``, or when the client is let go of. As a ``Service`` it does nothing
/// but close when the group stops.
public final class HTTPClient: Service {
  public let name: String
  private let engine: ClientEngine

  public init(name: String = "http-client", settings: HTTPClientSettings = HTTPClientSettings()) {
    self.name = name
    self.engine = ClientEngine(name, settings)
  }

  deinit { engine.close() }

  public func run(_ stop: StopSignal) async throws {
    await stop.wait()
    await close()
  }

  /// Fails every request under way with `closed`, and later ones; returns when the thread has ended.
  public func close() async {
    engine.close()
    await engine.ended()
  }

  public func get(_ url: String, headers: HTTPHeaders = [:]) async throws(HTTPClientFailure) -> ClientResponse {
    try await send(ClientRequest(.get, url, headers: headers))
  }

  public func post(
    _ url: String, headers: HTTPHeaders = [:], body: [UInt8], contentType: String = "application/json"
  ) async throws(HTTPClientFailure) -> ClientResponse {
    try await send(HTTPClient.typed(ClientRequest(.post, url, headers: headers, body: body), contentType))
  }

  public func put(
    _ url: String, headers: HTTPHeaders = [:], body: [UInt8], contentType: String = "application/json"
  ) async throws(HTTPClientFailure) -> ClientResponse {
    try await send(HTTPClient.typed(ClientRequest(.put, url, headers: headers, body: body), contentType))
  }

  /// Sends a request and gives back its whole response. `totalMillisecondsMax` is the limit for this request instead of the client's.
  public func send(_ request: ClientRequest, totalMillisecondsMax: Int? = nil) async throws(HTTPClientFailure) -> ClientResponse {
    let milliseconds = totalMillisecondsMax ?? engine.settings.limits.totalMillisecondsMax
    let transfer = try engine.submit(request, isStreamed: false, milliseconds: milliseconds)
    return try await guarded(transfer) { () async throws(HTTPClientFailure) in try await transfer.response() }
  }

  /// Sends a request and gives back status and headers as soon as they are there, the body as it comes.
  public func stream(_ request: ClientRequest, totalMillisecondsMax: Int? = nil) async throws(HTTPClientFailure) -> StreamedResponse {
    let milliseconds = totalMillisecondsMax ?? engine.settings.limits.streamMillisecondsMax
    let transfer = try engine.submit(request, isStreamed: true, milliseconds: milliseconds)
    let body = ResponseBody(engine, transfer)
    let head = try await guarded(transfer) { () async throws(HTTPClientFailure) in try await transfer.head() }
    return StreamedResponse(status: head.status, headers: head.headers, body: body)
  }

  private func guarded<Value>(
    _ transfer: Transfer, _ wait: () async throws(HTTPClientFailure) -> Value
  ) async throws(HTTPClientFailure) -> Value {
    let outcome: Result<Value, HTTPClientFailure> = await withTaskCancellationHandler {
      do throws(HTTPClientFailure) { return .success(try await wait()) } catch { return .failure(error) }
    } onCancel: {
      engine.cancel(transfer)
    }
    return try outcome.get()
  }

  private static func typed(_ request: ClientRequest, _ contentType: String) -> ClientRequest {
    var request = request
    request.headers["Content-Type"] = request.headers["Content-Type"] ?? contentType
    return request
  }
}
