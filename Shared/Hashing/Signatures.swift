// Signatures of others, checked by OpenSSL with a public key that is good for one algorithm.
import COpenSSL
import Synchronization

/// How something is signed, by the names of RFC 7518 and RFC 8037.
public enum SignatureAlgorithm: String, Sendable, CaseIterable {
  case rs256 = "RS256"
  case ps256 = "PS256"
  case es256 = "ES256"
  case edDSA = "EdDSA"
}

/// A public key and the one algorithm that it may be used with. Several threads share it; calls take turns.
public final class VerifyingKey: Sendable {
  /// Fewer bits are factored by whoever wants to (RFC 7518 section 3.3).
  public static let rsaBitsMin = 2_048
  /// More only cost time at every look.
  public static let rsaBitsMax = 8_192
  /// Of the exponent, bytes.
  static let exponentBytesMax = 8
  /// The longest signature of the largest key, in bytes.
  public static let signatureBytesMax = rsaBitsMax / 8

  public let algorithm: SignatureAlgorithm
  private let signatureBytes: Int
  private let handle: Mutex<KeyHandle>

  /// - Parameter pss: PS256 instead of RS256.
  public init(rsaModulus n: [UInt8], exponent e: [UInt8], pss: Bool = false) throws {
    // Numbers without leading zeros (RFC 7518 section 6.3.1): their length is their size.
    guard let top = n.first, top != 0, let last = e.last, let first = e.first, first != 0 else {
      throw HashingFailure(description: "the numbers of an RSA key are empty or begin with zero")
    }
    let bits = n.count * 8 - top.leadingZeroBitCount
    guard (VerifyingKey.rsaBitsMin...VerifyingKey.rsaBitsMax).contains(bits) else {
      throw HashingFailure(description: "an RSA key has \(VerifyingKey.rsaBitsMin) to \(VerifyingKey.rsaBitsMax) bits, this one has \(bits)")
    }
    guard last & 1 == 1, e != [1], e.count <= VerifyingKey.exponentBytesMax else {
      throw HashingFailure(description: "the exponent of an RSA key is odd, larger than 1 and no longer than \(VerifyingKey.exponentBytesMax) bytes")
    }
    algorithm = pss ? .ps256 : .rs256
    signatureBytes = n.count
    handle = Mutex(try KeyHandle(clientele_rsa_public(n, n.count, e, e.count), "an RSA key"))
  }

  /// A point on P-256, for ES256.
  public init(p256X x: [UInt8], y: [UInt8]) throws {
    guard x.count == 32, y.count == 32 else { throw HashingFailure(description: "a point on P-256 has two numbers of 32 bytes") }
    algorithm = .es256
    signatureBytes = 64
    handle = Mutex(try KeyHandle(clientele_p256_public([0x04] + x + y), "a point on P-256"))
  }

  public init(ed25519 bytes: [UInt8]) throws {
    guard bytes.count == 32 else { throw HashingFailure(description: "an Ed25519 key has 32 bytes") }
    algorithm = .edDSA
    signatureBytes = 64
    handle = Mutex(try KeyHandle(clientele_ed25519_public(bytes), "an Ed25519 key"))
  }

  /// Whether the holder of the private half signed these bytes.
  ///
  /// - Parameter signature: as RFC 7518 wants it: of ES256 the two numbers side by side, not DER.
  public func verifies(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
    guard signature.count == signatureBytes else { return false }
    guard algorithm == .es256 else { return check(signature[...], bytes) }
    // A zero is no signature by any key, and was once taken for everybody's.
    guard signature[..<32].contains(where: { $0 != 0 }), signature[32...].contains(where: { $0 != 0 }) else { return false }
    var length: Int32 = 0
    guard let der = clientele_ecdsa_der(signature, &length), length > 0 else { return false }
    defer { clientele_free(der) }
    return check(UnsafeBufferPointer(start: der, count: Int(length)), bytes)
  }

  private func check(_ signature: some Collection<UInt8>, _ bytes: [UInt8]) -> Bool {
    let signature = Array(signature)
    let (hashes, isPSS): (Int32, Int32) = (algorithm == .edDSA ? 0 : 1, algorithm == .ps256 ? 1 : 0)
    return handle.withLock { clientele_verify($0.key, hashes, isPSS, signature, signature.count, bytes, bytes.count) == 1 }
  }
}

/// OpenSSL's object, freed with this one.
private final class KeyHandle {
  let key: OpaquePointer

  init(_ key: OpaquePointer?, _ what: String) throws {
    guard let key else { throw HashingFailure(description: "OpenSSL refuses the numbers of \(what)") }
    self.key = key
  }

  deinit { EVP_PKEY_free(key) }
}

/// HMAC-SHA-256 under a shared key, for what one party both makes and checks. Several threads share it; calls take turns.
public final class SharedKey: Sendable {
  /// As many bytes as the hash has (RFC 7518 section 3.2).
  public static let bytesMin = 32

  private let hasher: Mutex<KeyedHasher>

  public init(_ key: [UInt8]) throws {
    guard key.count >= SharedKey.bytesMin else { throw HashingFailure(description: "a shared key has at least \(SharedKey.bytesMin) bytes") }
    hasher = Mutex(try KeyedHasher(key: key))
  }

  public func code(of bytes: [UInt8]) throws -> [UInt8] { try hasher.withLock { hasher in try bytes.withUnsafeBytes { try hasher.code($0) } } }

  public func verifies(_ code: [UInt8], of bytes: [UInt8]) -> Bool {
    guard let right = try? self.code(of: bytes) else { return false }
    return areEqual(code, right)
  }
}

/// Takes as long for any two of one length, so that no answer's time tells how much of a guess was right.
public func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
  one.count == other.count && CRYPTO_memcmp(one, other, one.count) == 0
}
