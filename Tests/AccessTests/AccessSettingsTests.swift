// The settings of access: everything that is wrong is told at once, and nothing secret in it.
import Access
import Runtime
import Testing

@Suite("Settings of access") struct AccessSettingsTests {
  private static let key = "a-secret-that-has-more-than-32-bytes"

  private func read(_ given: [String: String]) -> (AccessSettings, faults: [SettingFault]) {
    let base = ["DATABASE_URL": "postgres://u@h/d", "KAFKA_BROKERS": "b:1", "CLIENTELE_PSEUDONYM_KEY": "0123456789abcdef"]
    var reader = SettingsReader(arguments: [:], environment: base.merging(given) { $1 })
    let settings = CommonSettings(&reader, service: "profile")
    return (settings.access, reader.faults)
  }

  @Test("A key, an issuer with its audience, or both", arguments: [
    ["CLIENTELE_TOKEN_KEY": key], ["CLIENTELE_TOKEN_KEY": "\(key),another-\(key)"],
    ["CLIENTELE_OIDC_ISSUER": "https://id.example.com", "CLIENTELE_OIDC_AUDIENCE": "clientele"],
    ["CLIENTELE_TOKEN_KEY": key, "CLIENTELE_OIDC_ISSUER": "http://localhost:9400", "CLIENTELE_OIDC_AUDIENCE": "c", "CLIENTELE_JWKS_URL": "https://id/x"],
    ["CLIENTELE_ACCESS": "off"], ["CLIENTELE_ACCESS": "off", "HTTP_HOST": "::1"],
  ] as [[String: String]])
  func right(_ given: [String: String]) {
    let (settings, faults) = read(given)
    #expect(faults.isEmpty, "\(faults)")
    #expect(settings.isOff == (given["CLIENTELE_ACCESS"] == "off"))
    #expect(settings.keys.count == (given["CLIENTELE_TOKEN_KEY"]?.split(separator: ",").count ?? 0))
    #expect(settings.rules?.issuer == given["CLIENTELE_OIDC_ISSUER"])
  }

  @Test("What cannot be meant is refused by the setting's name", arguments: [
    (["CLIENTELE_ACCESS": "maybe"], ["access"]), (["CLIENTELE_ACCESS": "off", "HTTP_HOST": "0.0.0.0"], ["access"]),
    (["CLIENTELE_ACCESS": "off", "HTTP_HOST": "127.0.0.1.example.com"], ["access"]), (["CLIENTELE_TOKEN_KEY": "short"], ["CLIENTELE_TOKEN_KEY"]),
    (["CLIENTELE_TOKEN_KEY": "\(key),short"], ["CLIENTELE_TOKEN_KEY"]), (["CLIENTELE_TOKEN_KEY": "\(key),"], ["CLIENTELE_TOKEN_KEY"]),
    (["CLIENTELE_TOKEN_KEY": "\(key),\(key),\(key),\(key),\(key)"], ["CLIENTELE_TOKEN_KEY"]),
    (["CLIENTELE_OIDC_ISSUER": "https://id.example.com"], ["oidc-audience"]),
    (["CLIENTELE_OIDC_ISSUER": "http://id.example.com", "CLIENTELE_OIDC_AUDIENCE": "x"], ["oidc-issuer"]),
    (["CLIENTELE_OIDC_ISSUER": "https://id.example.com", "CLIENTELE_OIDC_AUDIENCE": "x", "CLIENTELE_JWKS_URL": "http://id.example.com/k"], ["jwks-url"]),
    (["CLIENTELE_OIDC_AUDIENCE": "x", "CLIENTELE_JWKS_URL": "https://id/k"], ["oidc-audience", "jwks-url"]),
    (["CLIENTELE_ACCESS": "off", "CLIENTELE_TOKEN_KEY": key], ["CLIENTELE_TOKEN_KEY"]),
  ] as [([String: String], [String])])
  func wrong(_ given: [String: String], _ settings: [String]) {
    let faults = read(given).faults
    #expect(faults.map(\.setting) == settings, "\(faults)")
    let told = "\(faults)"
    #expect(!told.contains("short") && !told.contains(AccessSettingsTests.key))
  }
}
