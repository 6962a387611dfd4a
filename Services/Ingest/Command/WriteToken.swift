// Who may write over HTTP: whoever knows the token, when one is set.
import HTTP
import Runtime

/// The token that requests which change something carry as `Authorization: Bearer TOKEN` (RFC 6750).
struct WriteToken: Sendable {
  /// Shorter ones are guessed.
  static let bytesMin = 16
  static let bytesMax = 1_024

  private let bytes: [UInt8]

  /// nil when none is set, or when it cannot be used; faults stay in the reader.
  init?(_ reader: inout SettingsReader) {
    guard let text = reader.optional(CommonSettings.ingestToken) else { return nil }
    self.init(text)
    guard (WriteToken.bytesMin...WriteToken.bytesMax).contains(bytes.count), bytes.allSatisfy(WriteToken.isAllowed) else {
      reader.refuse(
        CommonSettings.ingestToken,
        "must have \(WriteToken.bytesMin) to \(WriteToken.bytesMax) characters out of letters, digits and - . _ ~ + / =")
      return nil
    }
  }

  init(_ text: String) { bytes = Array(text.utf8) }

  /// What RFC 6750 lets a token be made of.
  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F, 0x3D: true
    default: false
    }
  }

  /// Takes as long for every text of one length, so that no answer's time tells how much of a guess was right.
  func matches(_ text: some Collection<UInt8>) -> Bool {
    let given = Array(text)
    var difference = UInt64(truncatingIfNeeded: given.count ^ bytes.count)
    for place in given.indices { difference |= UInt64(given[place] ^ bytes[place % bytes.count]) }
    return difference == 0
  }

  /// Throws a 401 unless the request carries the token.
  func check(_ request: Request) throws {
    let text = request.headers["Authorization"] ?? ""
    let scheme = text.prefix { $0 != " " }
    guard scheme.lowercased() == "bearer" else {
      throw WriteToken.problem("bearer", "this request needs Authorization: Bearer and the token that the service was given")
    }
    guard matches(text.dropFirst(scheme.count).drop { $0 == " " }.utf8) else {
      throw WriteToken.problem("invalid", "the token is not the one that the service was given")
    }
  }

  private static func problem(_ kind: String, _ detail: String) -> Problem {
    let challenge = #"Bearer realm="clientele""# + (kind == "invalid" ? #", error="invalid_token""# : "")
    return Problem(.unauthorized, detail: detail, headers: ["WWW-Authenticate": challenge])
  }
}

extension WriteToken {
  /// Around every route that changes something.
  var middleware: Middleware {
    { request, next in
      try check(request)
      return try await next(request)
    }
  }

  /// Addresses that only this machine reaches.
  static func isLoopback(_ host: String) -> Bool { host == "localhost" || host == "::1" || host == "[::1]" || host.hasPrefix("127.") }
}
