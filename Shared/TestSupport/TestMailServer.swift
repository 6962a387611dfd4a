// A mail server that nobody here wrote (Python's aiosmtpd), as a process of its own.
import Embedded
import Text

/// Takes mail, tells of each by a line, and refuses what its address asks it to.
///
/// `gone@…` does not exist (550), `later@…` is asked for again (451), `spam@…` is refused once its text is there (554); from `nobody@…` nothing is taken (550).
public struct TestMailServer: Sendable {
  /// One mail as it arrived.
  public struct Mail: Sendable {
    public let from: String
    public let to: String
    /// Its lines as they came, ends left out.
    public let text: String
    public let isEncrypted: Bool
  }

  public enum Security: String, Sendable { case none, starttls, tls }

  public static let whyNot = "needs python3 with aiosmtpd (pip install aiosmtpd)"
  /// How long anything is waited for.
  private static let limit = Duration.seconds(30)

  public let port: Int
  private let process: HelperProcess

  private static let script = """
    import asyncio, base64, ssl, sys, threading
    try:
        from aiosmtpd.smtp import SMTP, AuthResult
    except ImportError:
        print('absent', flush=True)
        sys.exit(0)
    security, certificate, key, user, password, port = sys.argv[1:7]
    context = None
    if security != 'none':
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    class Desk:
        async def handle_MAIL(self, server, session, envelope, address, options):
            if address.startswith('nobody@'):
                return '550 5.7.1 not yours'
            envelope.mail_from = address
            return '250 ok'
        async def handle_RCPT(self, server, session, envelope, address, options):
            if address.startswith('gone@'):
                return '550 5.1.1 no such mailbox'
            if address.startswith('later@'):
                return '451 4.3.0 try again'
            envelope.rcpt_tos.append(address)
            return '250 ok'
        async def handle_DATA(self, server, session, envelope):
            if envelope.rcpt_tos[0].startswith('spam@'):
                return '554 5.7.1 not wanted'
            text = base64.b64encode(envelope.original_content).decode()
            print(f"{envelope.mail_from}\\t{envelope.rcpt_tos[0]}\\t{int(session.ssl is not None or security == 'tls')}\\t{text}", flush=True)
            return '250 ok'
    def login(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login == user.encode() and data.password == password.encode()), handled=False)
    def mail():
        more = {}
        if security == 'starttls':
            more = {'tls_context': context, 'require_starttls': True}
        if user:
            more |= {'authenticator': login, 'auth_required': True, 'auth_require_tls': security == 'starttls'}
        return SMTP(Desk(), hostname='mail.example', loop=loop, **more)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    server = loop.run_until_complete(loop.create_server(mail, '127.0.0.1', int(port), ssl=context if security == 'tls' else None))
    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(loop.stop)), daemon=True).start()
    loop.run_forever()
    """

  /// nil where Python or aiosmtpd is missing.
  /// - Parameter port: 0 for any.
  public static func start(
    _ security: Security = .none, certificate: String = "-", key: String = "-", user: String = "", password: String = "", port: Int = 0
  ) async throws -> TestMailServer? {
    guard let python = Executables.onPath("python3") else { return nil }
    let words = ["-X", "utf8", "-c", script, security.rawValue, certificate, key, user, password, String(port)]
    let process = try await HelperProcess.start(
      HelperProcess.Launch(executable: python, arguments: words, standardOutput: .lines(copy: nil), pipesInput: true))
    guard let line = await process.firstLine(within: limit), let port = Int(line) else {
      await process.stop(within: .seconds(5))
      return nil
    }
    return TestMailServer(port: port, process: process)
  }

  /// A server that greets everybody with one line and hangs up when it has heard an answer to it.
  public static func startRefusing(_ greeting: String) async throws -> TestMailServer? {
    guard let python = Executables.onPath("python3") else { return nil }
    let script = """
      import socket, sys, threading
      server = socket.create_server(('127.0.0.1', 0))
      print(server.getsockname()[1], flush=True)
      def greet():
          while True:
              with server.accept()[0] as client:
                  client.sendall(sys.argv[1].encode() + b'\\r\\n')
                  client.recv(1000)
      threading.Thread(target=greet, daemon=True).start()
      sys.stdin.read()
      """
    let process = try await HelperProcess.start(
      HelperProcess.Launch(
        executable: python, arguments: ["-c", script, greeting], standardOutput: .lines(copy: nil), pipesInput: true))
    guard let line = await process.firstLine(within: limit), let port = Int(line) else {
      await process.stop(within: .seconds(5))
      return nil
    }
    return TestMailServer(port: port, process: process)
  }

  /// Found out once: starting Python takes a while.
  private static let availability = Task {
    guard let server = try? await start() else { return false }
    await server.stop()
    return true
  }
  public static func isAvailable() async -> Bool { await availability.value }

  /// The next mail; nil when none came in time.
  public func next() async -> Mail? {
    guard let line = await process.nextLine(within: TestMailServer.limit) else { return nil }
    let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, let bytes = Base64.decoded(parts[3]) else { return nil }
    return Mail(
      from: parts[0], to: parts[1], text: String(decoding: bytes.filter { $0 != 0x0D }, as: UTF8.self), isEncrypted: parts[2] == "1")
  }

  /// Whether a mail came that nobody asked for yet; waits for none.
  public func hasMore() async -> Bool { await process.nextLine(within: .zero) != nil }

  public func stop() async {
    process.closeInput()
    await process.stop(within: .seconds(5))
  }
}
