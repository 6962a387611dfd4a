// Mail is handed over to a real server, encrypted or not at all, and every refusal is told apart.
import Embedded
import Glibc
import HTTP
import TestSupport
import Testing

@Suite("Mail", .enabled("\(TestMailServer.whyNot)", { await TestMailServer.isAvailable() })) struct MailTests {
  private let text = Array("Subject: hello\r\n\r\n.one line\r\n".utf8)

  private func mail(to: String = "an@example.com", from: String = "us@shop.example") -> MailEnvelope { MailEnvelope(from: from, to: to, message: text) }

  /// With a server that is stopped afterwards, and a transport to it.
  private func with(
    _ security: TestMailServer.Security = .none, server: (TestMailServer) -> MailServer = { MailServer(host: "127.0.0.1", port: $0.port, security: .none) },
    user: String = "", password: String = "", certificate: Certificate? = nil, _ body: (TestMailServer, MailTransport) async throws -> Void
  ) async throws {
    let started = try await TestMailServer.start(
      security, certificate: certificate?.file ?? "-", key: certificate?.key ?? "-", user: user, password: password)
    let mailbox = try #require(started)
    let transport = MailTransport(server(mailbox))
    let result: Result<Void, any Error>
    do { result = .success(try await body(mailbox, transport)) } catch { result = .failure(error) }
    transport.close()
    await mailbox.stop()
    try result.get()
  }

  private func failure(_ transport: MailTransport, _ mail: MailEnvelope) async -> MailFailure? {
    do throws(MailFailure) {
      try await transport.send(mail)
      return nil
    } catch { return error }
  }

  @Test("A mail arrives as it was handed over, a dot at the beginning of a line included")
  func arrives() async throws {
    try await with { server, transport in
      try await transport.send(mail())
      let came = try #require(await server.next())
      #expect(came.from == "us@shop.example" && came.to == "an@example.com" && !came.isEncrypted)
      #expect(came.text == "Subject: hello\n\n.one line\n")
    }
  }

  @Test("Who is refused, what is refused, what is to be tried later and who may not send are four things")
  func refusals() async throws {
    try await with { server, transport in
      #expect(await failure(transport, mail(to: "gone@example.com")) == MailFailure(.refusedRecipient, code: 550))
      #expect(await failure(transport, mail(to: "later@example.com")) == MailFailure(.later, code: 451))
      #expect(await failure(transport, mail(to: "spam@example.com")) == MailFailure(.refusedMessage, code: 554))
      #expect(await failure(transport, mail(from: "nobody@shop.example")) == MailFailure(.refusedSender, code: 550))
      // After all of that the same connections still carry mail.
      try await transport.send(mail())
      #expect(await server.next()?.to == "an@example.com")
      #expect(await !server.hasMore())
    }
  }

  @Test("A server that greets with a refusal lets nobody in: it says nothing of the mail", arguments: [
    ("554 5.7.1 no", MailFailure.Kind.refusedSender), ("421 busy", .later),
  ])
  func greeting(_ line: String, _ kind: MailFailure.Kind) async throws {
    let server = try #require(try await TestMailServer.startRefusing(line))
    let transport = MailTransport(MailServer(host: "127.0.0.1", port: server.port, security: .none))
    #expect(await failure(transport, mail())?.kind == kind)
    transport.close()
    await server.stop()
  }

  @Test("An address or a line that could smuggle in something else never reaches the server", arguments: [
    MailEnvelope(from: "us@shop.example", to: "a@b> <c@d", message: Array("x\r\n".utf8)),
    MailEnvelope(from: "us@shop.example", to: "a@b\r\nDATA", message: Array("x\r\n".utf8)),
    MailEnvelope(from: "us@shop.example", to: "a b@c", message: Array("x\r\n".utf8)),
    MailEnvelope(from: "us@shop.example", to: "a@b@c", message: Array("x\r\n".utf8)),
    MailEnvelope(from: "", to: "a@b", message: Array("x\r\n".utf8)),
    MailEnvelope(from: "us@shop.example", to: "a@b", message: Array("x\n.\nMAIL FROM\r\n".utf8)),
    MailEnvelope(from: "us@shop.example", to: "a@b", message: Array("x\ry\r\n".utf8)),
    MailEnvelope(from: "us@shop.example", to: "a@b", message: Array("x".utf8)),
    MailEnvelope(from: "us@shop.example", to: "a@b", message: Array("好\r\n".utf8)),
    MailEnvelope(from: "us@shop.example", to: "a@b", message: Array(repeating: 0x78, count: 999) + [0x0D, 0x0A]),
  ])
  func smuggling(mail: MailEnvelope) async {
    // Nobody listens there: what was handed over would fail otherwise.
    let transport = MailTransport(MailServer(host: "127.0.0.1", port: 1, security: .none))
    #expect(await failure(transport, mail) == MailFailure(.invalidMail))
    transport.close()
  }

  @Test("The longest line that is allowed is sent")
  func longestLine() async throws {
    try await with { server, transport in
      let line = String(repeating: "x", count: 998)
      try await transport.send(MailEnvelope(from: "us@shop.example", to: "a@b.example", message: Array("\(line)\r\n".utf8)))
      #expect(await server.next()?.text == line + "\n")
    }
  }

  @Test("A server that is not there is one to be asked again")
  func unreachable() async {
    let transport = MailTransport(MailServer(host: "127.0.0.1", port: 1, security: .none))
    #expect(await failure(transport, mail())?.kind == .unreachable)
    transport.close()
    #expect(await failure(transport, mail())?.kind == .closed)
  }

  @Test("Encryption that is wanted and cannot be had ends the sending before anything is said of the mail")
  func encryptionRequired() async throws {
    try await with(server: { MailServer(host: "127.0.0.1", port: $0.port, security: .startTLS) }) { server, transport in
      #expect(await failure(transport, mail())?.kind == .insecure)
      #expect(await !server.hasMore())
    }
  }

  @Test("A certificate is believed only when its authority was named", .enabled(if: Certificate.isPossible), arguments: [MailServer.Security.startTLS, .tls])
  func encrypted(security: MailServer.Security) async throws {
    let certificate = try await Certificate.make()
    let kind: TestMailServer.Security = security == .tls ? .tls : .starttls
    func server(_ path: String?) -> (TestMailServer) -> MailServer {
      { MailServer(host: "localhost", port: $0.port, security: security, user: "shop", password: "pä ss", certificatesPath: path) }
    }
    try await with(kind, server: server(certificate.file), user: "shop", password: "pä ss", certificate: certificate) { server, transport in
      try await transport.send(mail())
      #expect(await server.next()?.isEncrypted == true)
    }
    try await with(kind, server: server(nil), user: "shop", password: "pä ss", certificate: certificate) { _, transport in
      #expect(await failure(transport, mail())?.kind == .insecure)
    }
    // A wrong password is nobody's address being wrong.
    try await with(kind, server: server(certificate.file), user: "shop", password: "other", certificate: certificate) { _, transport in
      #expect(await failure(transport, mail())?.kind == .refusedSender)
    }
    await certificate.remove()
  }

  @Test("Many mails at once all arrive, each once")
  func many() async throws {
    try await with { server, transport in
      let all = (0..<40).map { "c\($0)@example.com" }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for to in all { group.addTask { try await transport.send(self.mail(to: to)) } }
        try await group.waitForAll()
      }
      var came: [String] = []
      for _ in all { came.append(try #require(await server.next()).to) }
      #expect(came.sorted() == all.sorted())
      #expect(await !server.hasMore())
    }
  }
}

/// A certificate for localhost that signed itself.
struct Certificate {
  static let isPossible = Executables.onPath("openssl") != nil
  let folder: String
  var file: String { "\(folder)/mail.pem" }
  var key: String { "\(folder)/mail.key" }

  static func make() async throws -> Certificate {
    let certificate = Certificate(folder: "\(TestDatabase.temporaryFolder)/clientele-mail-\(getpid())-\(UInt32.random(in: 0 ... .max))")
    guard mkdir(certificate.folder, 0o700) == 0, let openssl = Executables.onPath("openssl") else { throw HelperFailure("no folder for a certificate") }
    let words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout mail.key -out mail.pem"
    let process = try await HelperProcess.start(
      HelperProcess.Launch(executable: openssl, arguments: words.split(separator: " ").map(String.init), directory: certificate.folder))
    guard await process.waitForExit(within: .seconds(30)) == 0 else { throw HelperFailure("openssl made no certificate") }
    return certificate
  }

  func remove() async { try? await TestDatabase.removeFolder(folder) }
}
