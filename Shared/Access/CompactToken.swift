// A signed token in compact form (RFC 7515), taken apart but not believed yet.
import Text

struct CompactToken {
  /// The largest token, in bytes: half of what a request's headers may have.
  static let bytesMax = 8 << 10
  static let headerBytesMax = 1 << 10
  static let kidBytesMax = 200

  private static let headerLimits = JSONLimits(documentBytesMax: headerBytesMax, depthMax: 4, numberBytesMax: 32, treeValuesMax: 64)
  private static let claimsLimits = JSONLimits(documentBytesMax: bytesMax, depthMax: 8, numberBytesMax: 32, treeValuesMax: 2_000)

  let algorithm: String
  let kid: String
  /// What is signed: the first two parts as they came.
  let signed: [UInt8]
  let signature: [UInt8]
  private let payload: [UInt8]

  init(_ text: some Collection<UInt8>) throws(TokenRefusal) {
    guard text.count <= CompactToken.bytesMax else { throw .size }
    let bytes = Array(text)
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
      let signature = Base64URL.decode(parts[2])
    else { throw .form }
    (algorithm, kid) = try CompactToken.read(header: header)
    self.payload = payload
    self.signature = signature
    signed = Array(bytes[..<parts[1].endIndex])
  }

  private static func read(header: [UInt8]) throws(TokenRefusal) -> (algorithm: String, kid: String) {
    guard let header = try? JSONValue(header, limits: headerLimits), header.members != nil else { throw .header }
    // Keys come from the configured issuer alone, whatever a token brings along or points to.
    guard ["jwk", "jku", "x5u", "x5c"].allSatisfy({ header[$0] == nil }) else { throw .header }
    guard header["crit"] == nil else { throw .critical }
    if let type = header["typ"] {
      guard let word = type.stringValue?.lowercased(), ["jwt", "at+jwt", "application/at+jwt"].contains(word) else { throw .type }
    }
    guard let algorithm = header["alg"]?.stringValue else { throw .algorithm }
    guard let kid = header["kid"]?.stringValue, (1...kidBytesMax).contains(kid.utf8.count) else { throw .key }
    return (algorithm, kid)
  }

  /// The claims, to be read once the signature is known to be right.
  func claims() throws(TokenRefusal) -> JSONValue {
    guard let claims = try? JSONValue(payload, limits: CompactToken.claimsLimits), claims.members != nil else { throw .claims }
    return claims
  }
}
