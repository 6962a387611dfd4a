// Where an issuer's keys are: at an address that was configured, or where its discovery document says (OpenID Connect Discovery 1.0).
public import HTTP
import Text

/// Gets the keys of an issuer.
public struct IssuerDocuments: Sendable {
  /// Milliseconds for one document.
  public static let millisecondsMax = 5_000
  private static let discoveryLimits = JSONLimits(documentBytesMax: KeySet.bytesMax, depthMax: 8, treeValuesMax: 10_000)

  private let client: HTTPClient
  private let issuer: String
  private let keys: String?

  /// - Parameter keys: the address of the keys; nil: the issuer is asked for it.
  public init(client: HTTPClient, issuer: String, keys: String?) {
    self.client = client
    self.issuer = issuer
    self.keys = keys
  }

  /// The settings of a client for these documents.
  public static var clientSettings: HTTPClientSettings {
    var settings = HTTPClientSettings()
    settings.limits.responseBytesMax = KeySet.bytesMax
    settings.limits.totalMillisecondsMax = millisecondsMax
    return settings
  }

  struct Failure: Error, CustomStringConvertible { let description: String }

  public func fetch() async throws -> [UInt8] {
    if let keys { return try await document(keys) }
    return try await document(try await address("jwks_uri"))
  }

  /// An address that the discovery document names.
  func address(_ name: String) async throws -> String {
    let discovery = try await document((issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration")
    guard let json = try? JSONValue(discovery, limits: IssuerDocuments.discoveryLimits), json["issuer"]?.stringValue == issuer else {
      throw Failure(description: "the discovery document is not that of \(issuer)")
    }
    guard let address = json[name]?.stringValue, IssuerDocuments.isSafe(address) else {
      throw Failure(description: "the discovery document names no \(name) that is https")
    }
    return address
  }

  private func document(_ address: String) async throws -> [UInt8] {
    let answer = try await client.get(address, headers: ["Accept": "application/json"])
    guard answer.isSuccess else { throw Failure(description: "\(address) answered \(answer.status)") }
    return answer.body
  }

  /// Whether nobody on the way can put other keys there: https, or this machine.
  public static func isSafe(_ address: String) -> Bool {
    let lower = address.lowercased()
    if lower.hasPrefix("https://") { return lower.utf8.count > 8 }
    guard lower.hasPrefix("http://") else { return false }
    let authority = lower.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard !authority.contains("@") else { return false }
    return Loopback.isLoopback(authority: authority)
  }
}

/// Addresses that only this machine reaches.
public enum Loopback {
  public static func isLoopback(_ host: String) -> Bool {
    if ["localhost", "::1", "[::1]"].contains(host) { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// - Parameter authority: a name or an address with a port or without, as it stands in a URL and in `Host`.
  public static func isLoopback(authority: some StringProtocol) -> Bool {
    isLoopback(authority.hasPrefix("[") ? String(authority.prefix { $0 != "]" }) + "]" : String(authority.prefix { $0 != ":" }))
  }
}
