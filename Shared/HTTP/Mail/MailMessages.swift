// What is asked of a mail server and why it may not have done it. In this room because it is the only one that sees libcurl.

/// Where mail is handed over.
public struct MailServer: Sendable {
  public enum Security: String, Sendable, CaseIterable {
    /// STARTTLS before anything else; a server that cannot is not used.
    case startTLS = "starttls"
    /// TLS from the first byte.
    case tls
    /// Readable by everybody on the way: for a relay on the same machine.
    case none
  }

  public var host: String
  public var port: Int
  public var security: Security
  /// nil: without a login.
  public var user: String?
  public var password: String
  /// A file of CA certificates (PEM) instead of the system's.
  public var certificatesPath: String?
  /// What we call ourselves to the server (EHLO).
  public var ownName: String

  public init(
    host: String, port: Int, security: Security, user: String? = nil, password: String = "", certificatesPath: String? = nil, ownName: String = "localhost"
  ) {
    self.host = host
    self.port = port
    self.security = security
    self.user = user
    self.password = password
    self.certificatesPath = certificatesPath
    self.ownName = ownName
  }
}

/// One mail to one address: with several, one that is refused would fail all.
public struct MailEnvelope: Sendable {
  public var from: String
  public var to: String
  /// Headers and body as RFC 5322 has them: seven bits, lines of at most 998 bytes, each ended by CR LF.
  public var message: [UInt8]

  public init(from: String, to: String, message: [UInt8]) {
    self.from = from
    self.to = to
    self.message = message
  }

  /// The longest address, in bytes (RFC 5321).
  public static let addressBytesMax = 254
  public static let messageBytesMax = 1 << 20
  static let lineBytesMax = 998

  /// Whether a text can stand in an SMTP command: one `@`, nothing that would end the command or the address.
  public static func isAddress(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count <= addressBytesMax, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3C && $0 != 0x3E && $0 != 0x22 && $0 != 0x5C }) else {
      return false
    }
    let parts = bytes.split(separator: 0x40, omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty }
  }

  /// Why it cannot be sent; nil when it can.
  var fault: String? {
    guard MailEnvelope.isAddress(from) else { return "the sender's address is malformed" }
    guard MailEnvelope.isAddress(to) else { return "the recipient's address is malformed" }
    guard message.count <= MailEnvelope.messageBytesMax else { return "the message has more than \(MailEnvelope.messageBytesMax) bytes" }
    var length = 0
    var previous: UInt8 = 0
    for byte in message {
      // A line feed alone is the end of a line to some servers, and a way to smuggle a second mail in.
      if (byte == 0x0A) != (previous == 0x0D) { return "a line of the message does not end with CR LF" }
      length = byte == 0x0A ? 0 : length + 1
      guard length <= MailEnvelope.lineBytesMax + 1 else { return "a line of the message has more than \(MailEnvelope.lineBytesMax) bytes" }
      guard byte < 0x80, byte != 0 else { return "the message has a byte that is no ASCII" }
      previous = byte
    }
    return previous == 0x0A ? nil : "the message does not end with CR LF"
  }
}

/// Limits of a transport. Every one is finite.
public struct MailLimits: Sendable {
  /// Mails under way at one time, each on a connection of its own.
  public var connectionsMax = 4
  /// Mails that may wait for their turn; more are refused at once.
  public var waitingMax = 256
  /// For name lookup, connection, TLS handshake and greeting.
  public var connectMillisecondsMax = 10_000
  /// For one whole mail.
  public var totalMillisecondsMax = 60_000

  public init() {}
}

/// Why a mail was not taken over. No text of the server's: it may name the address.
public struct MailFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: String, Sendable, Hashable {
    /// The server refuses this address for good (5xx to RCPT).
    case refusedRecipient
    /// The server refuses this mail for good (5xx after it was told).
    case refusedMessage
    /// The server says: later (4xx).
    case later
    /// The server does not let us in, or not under this sender's address: nothing to do with the recipient.
    case refusedSender
    case unresolved, unreachable, timedOut, disconnected
    /// No encryption, or a certificate that is not trusted.
    case insecure
    case invalidMail, overloaded, cancelled, closed, other
  }

  public let kind: Kind
  /// The server's code; 0: it answered nothing.
  public let code: Int

  public init(_ kind: Kind, code: Int = 0) {
    self.kind = kind
    self.code = code
  }

  public var description: String { code == 0 ? kind.rawValue : "\(kind.rawValue) (\(code))" }
}
