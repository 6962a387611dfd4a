// Access that is switched off is for programs of this machine: a browser on it also runs what other sites send it.
import HTTP
import Telemetry
import TestSupport
import Testing

@testable import Access

@Suite("Access switched off") struct OffTests {
  private let guarding = AccessGuard.off.guarding(Logger(service: "test", sink: LogCollector()))

  private func status(_ method: HTTPMethod, _ headers: HTTPHeaders, _ need: Permission = .customersRead) async throws -> HTTPStatus {
    do {
      _ = try await guarding(try Request(method, "/v1/customers/1", headers: headers), need.need)
      return .ok
    } catch let problem as Problem { return problem.status }
  }

  @Test("Programs of this machine, and pages of the service itself, are answered", arguments: [
    [:], ["Host": "127.0.0.1:8080"], ["Host": "localhost:8080"], ["Host": "[::1]:8080"], ["Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080"],
    ["Host": "localhost", "Sec-Fetch-Site": "same-origin"], ["Host": "localhost", "Sec-Fetch-Site": "none"],
  ] as [HTTPHeaders])
  func own(_ headers: HTTPHeaders) async throws {
    for method in [HTTPMethod.get, .post] { #expect(try await status(method, headers) == .ok) }
  }

  @Test("A name that was made to lead here, and whatever a page of another site sends, is refused", arguments: [
    ["Host": "evil.example:8080"], ["Host": "127.0.0.1.evil.example"], ["Host": "localhost.evil.example:80"], ["Host": "[2001:db8::1]:8080"],
    ["Host": "127.0.0.1:8080", "Origin": "https://evil.example"], ["Host": "127.0.0.1:8080", "Origin": "null"],
    ["Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:9090"], ["Host": "localhost", "Sec-Fetch-Site": "cross-site"],
    ["Host": "localhost", "Sec-Fetch-Site": "same-site"],
  ] as [HTTPHeaders])
  func foreign(_ headers: HTTPHeaders) async throws {
    for method in [HTTPMethod.get, .post] { #expect(try await status(method, headers) == .forbidden) }
    // Customers' own pages are reached by the name that they have.
    #expect(try await status(.get, headers, .everybody) == .ok)
  }
}
