// Signatures against the examples of RFC 7515 (A.1 to A.3) and RFC 8037 (A.4), and what is no signature.
import Hashing
import Testing

/// Base64 for addresses, as the examples are written.
private func bytes(_ text: String) -> [UInt8] {
  let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  var (held, bits, bytes) = (0, 0, [UInt8]())
  for letter in text.utf8 {
    held = (held << 6 | (letters.firstIndex(of: letter) ?? 0)) & 0xFFFF
    bits += 6
    if bits >= 8 {
      bits -= 8
      bytes.append(UInt8(truncatingIfNeeded: held >> bits))
    }
  }
  return bytes
}

private struct Example: Sendable {
  let signed: String
  let signature: String

  static let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
  static let modulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47"
    + "soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmo"
    + "udF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
  static let rs256 = Example(
    signed: "eyJhbGciOiJSUzI1NiJ9." + payload,
    signature: "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--"
      + "f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUT"
      + "I8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw")
  static let es256 = Example(
    signed: "eyJhbGciOiJFUzI1NiJ9." + payload, signature: "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
  static let edDSA = Example(
    signed: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
    signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")

  static func rsa() throws -> VerifyingKey { try VerifyingKey(rsaModulus: bytes(modulus), exponent: [1, 0, 1]) }
  static func curve() throws -> VerifyingKey {
    try VerifyingKey(p256X: bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), y: bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))
  }
  static func edwards() throws -> VerifyingKey { try VerifyingKey(ed25519: bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")) }
}

@Suite("Signatures") struct SignatureTests {
  @Test("The examples of the RFCs are right, and with one bit changed they are not")
  func examples() throws {
    for (key, example) in [(try Example.rsa(), Example.rs256), (try Example.curve(), .es256), (try Example.edwards(), .edDSA)] {
      var (signed, signature) = (Array(example.signed.utf8), bytes(example.signature))
      #expect(key.verifies(signature, of: signed), "\(key.algorithm)")
      signed[5] ^= 1
      #expect(!key.verifies(signature, of: signed), "\(key.algorithm)")
      signed[5] ^= 1
      for place in [0, signature.count / 2, signature.count - 1] {
        signature[place] ^= 1
        #expect(!key.verifies(signature, of: signed), "\(key.algorithm), byte \(place)")
        signature[place] ^= 1
      }
      for other in [Array(signature.dropLast()), signature + [0], []] { #expect(!key.verifies(other, of: signed), "\(key.algorithm)") }
    }
  }

  @Test("A key verifies nothing that was signed in another way")
  func onlyOwn() throws {
    let pss = try VerifyingKey(rsaModulus: bytes(Example.modulus), exponent: [1, 0, 1], pss: true)
    #expect(!pss.verifies(bytes(Example.rs256.signature), of: Array(Example.rs256.signed.utf8)))
    #expect(!(try Example.edwards().verifies(bytes(Example.es256.signature), of: Array(Example.es256.signed.utf8))))
    #expect(!(try Example.curve().verifies(bytes(Example.edDSA.signature), of: Array(Example.edDSA.signed.utf8))))
  }

  @Test("An ES256 signature with a zero in it is none")
  func zeros() throws {
    let (key, signed, right) = (try Example.curve(), Array(Example.es256.signed.utf8), bytes(Example.es256.signature))
    let zero = [UInt8](repeating: 0, count: 32)
    for signature in [zero + zero, zero + right[32...], right[..<32] + zero] { #expect(!key.verifies(Array(signature), of: signed)) }
  }

  @Test("Keys that are short, long, even, or no point of their curve are refused")
  func weak() throws {
    let modulus = bytes(Example.modulus)
    #expect(throws: HashingFailure.self) { _ = try VerifyingKey(rsaModulus: Array(modulus.prefix(128)), exponent: [1, 0, 1]) }
    #expect(throws: HashingFailure.self) { _ = try VerifyingKey(rsaModulus: modulus + [UInt8](repeating: 1, count: 1_024), exponent: [1, 0, 1]) }
    for exponent in [[], [1], [2], [0, 3], [UInt8](repeating: 1, count: 9)] as [[UInt8]] {
      #expect(throws: HashingFailure.self, "\(exponent)") { _ = try VerifyingKey(rsaModulus: modulus, exponent: exponent) }
    }
    #expect(throws: HashingFailure.self) { _ = try VerifyingKey(rsaModulus: [0] + modulus, exponent: [1, 0, 1]) }
    let x = bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
    #expect(throws: HashingFailure.self) { _ = try VerifyingKey(p256X: x, y: x) }
    #expect(throws: HashingFailure.self) { _ = try VerifyingKey(p256X: Array(x.dropLast()), y: x) }
    #expect(throws: HashingFailure.self) { _ = try VerifyingKey(ed25519: Array(x.dropLast())) }
  }

  @Test("HMAC gives the answer of RFC 7515 A.1, and takes no other code and no short key")
  func shared() throws {
    let key = try SharedKey(bytes("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
    let signed = Array(("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + Example.payload).utf8)
    var code = bytes("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    #expect(try key.code(of: signed) == code)
    #expect(key.verifies(code, of: signed))
    #expect(!key.verifies(Array(code.dropLast()), of: signed) && !key.verifies([], of: signed))
    code[31] ^= 1
    #expect(!key.verifies(code, of: signed))
    #expect(throws: HashingFailure.self) { _ = try SharedKey([UInt8](repeating: 7, count: 31)) }
  }
}
