// The settings of the connector: by which ways messages go, and what they say.
import Access
import CommandLine
import ConnectorCore
import Documents
import Domain
import HTTP
import Hashing
import Messaging
import Runtime

struct ConnectorSettings: Sendable {
  static let smtpURL = Setting(
    "smtp-url", "CONNECTOR_SMTP_URL",
    HelpText("mail server, as smtp://mail.example.com:587, or smtps:// for TLS from the first byte; unset: no mail is sent", zh: "邮件服务器地址；不设则不发邮件"))
  static let smtpSecurity = Setting(
    "smtp-security", "CONNECTOR_SMTP_SECURITY",
    HelpText("of smtp://: starttls, or none for a relay on the same machine", zh: "smtp:// 的加密方式：starttls，或本机中继用 none"), defaultText: "starttls")
  static let smtpUser = Setting("smtp-user", "CONNECTOR_SMTP_USER", HelpText("user at the mail server; unset: no login", zh: "邮件服务器用户名"))
  static let smtpPassword = Setting("smtp-password", "CONNECTOR_SMTP_PASSWORD", HelpText("password of that user", zh: "邮件服务器密码"), isSecret: true)
  static let mailFrom = Setting(
    "mail-from", "CONNECTOR_MAIL_FROM", HelpText("address that mail comes from, and to which what bounces goes back", zh: "发件人地址"))
  static let webhookURL = Setting(
    "webhook-url", "CONNECTOR_WEBHOOK_URL",
    HelpText("https address that is called for messages by other ways than mail; unset: none", zh: "邮件以外渠道的回调地址；不设则不调用"))
  static let webhookKey = Setting(
    "webhook-key", "CONNECTOR_WEBHOOK_KEY",
    HelpText("secret of at least 16 bytes that calls are signed with, and what comes back of them", zh: "回调签名密钥"), isSecret: true)
  static let caFile = Setting(
    "ca-file", "CONNECTOR_CA_FILE", HelpText("certificate authority of mail server and webhook (PEM), instead of the system's", zh: "自定义根证书文件"))
  static let messagesFile = Setting(
    "messages-file", "CONNECTOR_MESSAGES_FILE",
    HelpText("what messages say, when not as the file says that comes with the program (YAML)", zh: "自定义消息文案文件"))
  static let linkBase = Setting(
    "link-base", "CONNECTOR_LINK_BASE",
    HelpText("goes in front of links that name no host, as feedback's do without FEEDBACK_PUBLIC_URL", zh: "链接未含主机名时的前缀"))
  static let senders = Setting("senders", "CONNECTOR_SENDERS", HelpText("messages that are sent at one time", zh: "同时发送的消息数"), defaultText: "4")
  static let all = [
    smtpURL, smtpSecurity, smtpUser, smtpPassword, mailFrom, webhookURL, webhookKey, caFile, messagesFile, linkBase, senders,
  ]

  static let urlBytesMax = 500
  static let sendersMax = 64

  let mail: (server: MailServer, from: String)?
  let webhook: (url: String, signature: WebhookSignature)?
  let certificatesPath: String?
  let texts: RuleFile<MessageTexts>
  let linkBase: String
  let senders: Int
  /// Lets the sender and requests wake the lane of due work, once there is one.
  let lane = LaneBell()
  /// Which ways take nothing just now, as the sender found.
  let rests = WayRests()

  var ways: OpenWays { OpenWays(hasMail: mail != nil, hasWebhook: webhook != nil) }

  init(
    mail: (server: MailServer, from: String)? = nil, webhook: (url: String, signature: WebhookSignature)? = nil, certificatesPath: String? = nil,
    texts: RuleFile<MessageTexts>, linkBase: String = "", senders: Int = 4
  ) {
    self.mail = mail
    self.webhook = webhook
    self.certificatesPath = certificatesPath
    self.texts = texts
    self.linkBase = linkBase
    self.senders = senders
  }

  /// nil when a fault was found; all faults stay in the reader.
  init?(_ reader: inout SettingsReader) {
    let certificates = reader.optional(ConnectorSettings.caFile)
    if let certificates, Files.read(certificates, bytesMax: ConnectorSettings.certificatesBytesMax) == nil {
      reader.refuse(ConnectorSettings.caFile, "the file \(certificates) cannot be read")
    }
    let mail = ConnectorSettings.mail(&reader, certificates)
    let webhook = ConnectorSettings.webhook(&reader)
    let texts = reader.value(of: ConnectorSettings.messagesFile) { path throws(DocumentFaults) in try ConnectorSettings.texts(at: path) }
    let base = reader.optional(ConnectorSettings.linkBase) ?? ""
    if !base.isEmpty, !ConnectorSettings.isAddress(base, schemes: ["https", "http"]) || base.hasSuffix("/") {
      reader.refuse(ConnectorSettings.linkBase, "must begin with https:// and have no slash at its end, as https://ask.example.com")
    }
    let senders = reader.integer(ConnectorSettings.senders, in: 1...ConnectorSettings.sendersMax)
    guard let texts else { return nil }
    self.init(mail: mail, webhook: webhook, certificatesPath: certificates, texts: texts, linkBase: base, senders: senders)
  }

  static let certificatesBytesMax = 4 << 20

  static func texts(at path: String?) throws(DocumentFaults) -> RuleFile<MessageTexts> {
    try RuleFile(at: path, shipped: MessagesDocument.shipped, Resources.bytes) { bytes, source throws(DocumentFaults) in
      try MessagesDocument.decode(bytes, source: source)
    }
  }

  // MARK: - Mail

  private static func mail(_ reader: inout SettingsReader, _ certificates: String?) -> (server: MailServer, from: String)? {
    let security = reader.choice(smtpSecurity, of: [MailServer.Security.startTLS.rawValue, MailServer.Security.none.rawValue])
    let (user, password) = (reader.optional(smtpUser), reader.optional(smtpPassword))
    let from = reader.optional(mailFrom)
    guard let url = reader.optional(smtpURL) else {
      for (setting, isSet) in [(mailFrom, from != nil), (smtpUser, user != nil), (smtpPassword, password != nil)] where isSet {
        reader.refuse(setting, "is set, and \(smtpURL.variable) is not: without a mail server nothing is sent")
      }
      return nil
    }
    if (user == nil) != (password == nil) { reader.refuse(smtpUser, "a login needs both: set \(smtpUser.variable) and \(smtpPassword.variable)") }
    if let from, !MailEnvelope.isAddress(from) { reader.refuse(mailFrom, "must be one address, as service@example.com") }
    if from == nil { reader.refuse(mailFrom, "is needed with \(smtpURL.variable): the address that mail comes from") }
    guard let place = place(of: url) else {
      reader.refuse(smtpURL, "must be smtp://HOST:PORT or smtps://HOST:PORT, without user, password or path")
      return nil
    }
    guard let from, let host = from.split(separator: "@").last else { return nil }
    let server = MailServer(
      host: place.host, port: place.port, security: place.isTLS ? .tls : MailServer.Security(rawValue: security) ?? .startTLS, user: user,
      password: password ?? "", certificatesPath: certificates, ownName: String(host))
    if server.security == .none, !Loopback.isLoopback(server.host) {
      reader.refuse(smtpSecurity, "none is for a relay on the same machine only: addresses and links would travel readable to \(server.host)")
    }
    return (server, from)
  }

  private static func place(of url: String) -> (host: String, port: Int, isTLS: Bool)? {
    let isTLS = url.hasPrefix("smtps://")
    guard isTLS || url.hasPrefix("smtp://"), url.utf8.count <= urlBytesMax else { return nil }
    let parts = url.dropFirst(isTLS ? 8 : 7).split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let port = Int(parts[1]), (1...65_535).contains(port), isHost(parts[0]) else { return nil }
    return (String(parts[0]), port, isTLS)
  }

  private static func isHost(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E }
  }

  // MARK: - Webhook

  private static func webhook(_ reader: inout SettingsReader) -> (url: String, signature: WebhookSignature)? {
    let (url, key) = (reader.optional(webhookURL), reader.optional(webhookKey))
    guard let url else {
      if key != nil { reader.refuse(webhookKey, "is set, and \(webhookURL.variable) is not: nothing would be signed") }
      return nil
    }
    let host = url.split(separator: "/").dropFirst().first.map { $0.prefix { $0 != ":" } } ?? ""
    if !isAddress(url, schemes: Loopback.isLoopback(String(host)) ? ["https", "http"] : ["https"]) {
      reader.refuse(webhookURL, "must begin with https:// (http:// for this machine alone) and name no user")
    }
    guard let key else {
      reader.refuse(webhookKey, "is needed with \(webhookURL.variable): whoever is called must be able to tell who calls")
      return nil
    }
    guard key.utf8.count >= KeyedHasher.keyBytesMin else {
      reader.refuse(webhookKey, "must have at least \(KeyedHasher.keyBytesMin) bytes")
      return nil
    }
    do { return (url, try WebhookSignature(key: Array(key.utf8))) } catch {
      reader.refuse(webhookKey, "\(error)")
      return nil
    }
  }

  private static func isAddress(_ url: String, schemes: [String]) -> Bool {
    guard let scheme = schemes.first(where: { url.hasPrefix("\($0)://") }) else { return false }
    let authority = url.dropFirst(scheme.utf8.count + 3).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    return url.utf8.count <= urlBytesMax && url.utf8.allSatisfy { (0x21...0x7E).contains($0) } && !authority.isEmpty && !authority.contains("@")
  }
}
