// What stands in a survey's link (F-03): the number of the invitation and a signature that only holders of the key can make. Nothing in it is about a person.
import Domain
import Hashing

/// There is nothing to sign links with.
public struct NoLinkKey: Error, Sendable, CustomStringConvertible {
  public let description = "a link needs a key to be signed with"
}

public final class LinkTokens: Sendable {
  /// The first key's.
  private let signer: Pseudonyms
  /// Links that any of them signed work.
  private let signers: [Pseudonyms]

  /// Characters of a token: 24 bytes in the letters of base64url.
  public static let length = 32
  private static let idBytes = 8
  private static let signatureBytes = 16
  /// Keeps these signatures apart from whatever else a key is used for.
  private static let word: UInt8 = 0x4C

  /// - Parameter keys: none of them shorter than `KeyedHasher.keyBytesMin`, at least one.
  public init(keys: [[UInt8]]) throws {
    let all = try keys.map { try Pseudonyms(key: $0) }
    guard let first = all.first else { throw NoLinkKey() }
    signer = first
    signers = all
  }

  public func token(for id: InvitationID) throws -> String {
    let signature = try signer.hash(word: LinkTokens.word, id.description)
    let number = UInt64(bitPattern: id.number)
    let bytes = (0..<LinkTokens.idBytes).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) } + signature.bytes
    return LinkTokens.encoded(bytes)
  }

  /// The invitation that a genuine token leads to; nil for any other text. Takes as long for a wrong signature as for a right one.
  public func invitation(of token: String) throws -> InvitationID? {
    guard let bytes = LinkTokens.decoded(token) else { return nil }
    let number = bytes[..<LinkTokens.idBytes].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let id = InvitationID(number: Int64(bitPattern: number))
    var isGenuine = false
    for signer in signers {
      let difference = zip(try signer.hash(word: LinkTokens.word, id.description).bytes, bytes[LinkTokens.idBytes...]).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
      isGenuine = (difference == 0) || isGenuine
    }
    return isGenuine ? id : nil
  }

  // MARK: - Letters

  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// Three bytes in four letters; the length is a multiple of three.
  private static func encoded(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let word = bytes[start..<start + 3].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      text += (0..<4).map { letters[Int(word >> UInt32(18 - 6 * $0)) & 63] }
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func decoded(_ text: String) -> [UInt8]? {
    guard text.utf8.count == length else { return nil }
    var bytes: [UInt8] = []
    var word: UInt32 = 0
    for (place, letter) in text.utf8.enumerated() {
      guard let value = letters.firstIndex(of: letter) else { return nil }
      word = word << 6 | UInt32(value)
      if place % 4 == 3 {
        bytes += (0..<3).map { UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * $0)) }
        word = 0
      }
    }
    return bytes
  }
}
