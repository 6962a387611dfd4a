// An issuer's public keys as it publishes them (RFC 7517), of which only those are kept that can sign tokens for us.
import Hashing
import Text

struct KeySet: Sendable {
  /// The largest document, in bytes.
  static let bytesMax = 256 << 10
  /// Keys that are looked at.
  static let keysMax = 100
  private static let limits = JSONLimits(documentBytesMax: bytesMax, depthMax: 8, numberBytesMax: 32, treeValuesMax: 10_000)

  let keys: [String: VerifyingKey]

  /// nil when the document is none, or has no key that can be used: then the keys of before are better.
  init?(_ document: [UInt8]) {
    guard let document = try? JSONValue(document, limits: KeySet.limits), let listed = document["keys"]?.arrayValue, listed.count <= KeySet.keysMax
    else { return nil }
    var keys: [String: VerifyingKey] = [:]
    var twice: Set<String> = []
    for entry in listed {
      guard let kid = entry["kid"]?.stringValue, (1...CompactToken.kidBytesMax).contains(kid.utf8.count), let key = KeySet.key(entry) else { continue }
      if keys.updateValue(key, forKey: kid) != nil { twice.insert(kid) }
    }
    // Two keys of one name leave open which of them signed.
    for kid in twice { keys[kid] = nil }
    guard !keys.isEmpty else { return nil }
    self.keys = keys
  }

  /// nil for keys that are for something else, too short, of another kind, or not public alone.
  private static func key(_ entry: JSONValue) -> VerifyingKey? {
    guard entry["d"] == nil, entry["k"] == nil, entry["use"].map({ $0.stringValue == "sig" }) ?? true else { return nil }
    if let operations = entry["key_ops"], operations.arrayValue?.contains("verify") != true { return nil }
    let algorithm = entry["alg"]?.stringValue
    if entry["alg"] != nil, algorithm == nil { return nil }
    func number(_ name: String) -> [UInt8]? { (entry[name]?.stringValue?.utf8).flatMap { Base64URL.decode($0) } }
    switch entry["kty"]?.stringValue {
    case "RSA":
      guard [nil, "RS256", "PS256"].contains(algorithm), let n = number("n"), let e = number("e") else { return nil }
      return try? VerifyingKey(rsaModulus: n, exponent: e, pss: algorithm == "PS256")
    case "EC":
      guard entry["crv"]?.stringValue == "P-256", [nil, "ES256"].contains(algorithm), let x = number("x"), let y = number("y") else { return nil }
      return try? VerifyingKey(p256X: x, y: y)
    case "OKP":
      guard entry["crv"]?.stringValue == "Ed25519", [nil, "EdDSA", "Ed25519"].contains(algorithm), let x = number("x") else { return nil }
      return try? VerifyingKey(ed25519: x)
    default: return nil
    }
  }
}
