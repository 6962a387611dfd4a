// What stands in a survey's link (F-03): the number of the invitation and a signature that only holders of the key can make. Nothing in it is about a person.
import Domain
import Hashing
import Text

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
    return Base64URL.encode(bytes)
  }

  /// The invitation that a genuine token leads to; nil for any other text. Takes as long for a wrong signature as for a right one.
  public func invitation(of token: String) throws -> InvitationID? {
    guard token.utf8.count == LinkTokens.length, let bytes = Base64URL.decode(token.utf8) else { return nil }
    let number = bytes[..<LinkTokens.idBytes].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let id = InvitationID(number: Int64(bitPattern: number))
    let signature = Array(bytes[LinkTokens.idBytes...])
    var isGenuine = false
    for signer in signers { isGenuine = areEqual(try signer.hash(word: LinkTokens.word, id.description).bytes, signature) || isGenuine }
    return isGenuine ? id : nil
  }
}
