// `healthcheck`: a service asks its own process how it is, for images that have no other HTTP client.
import CommandLine
import HTTP

/// Asks `/healthz`, or with `--ready` `/readyz`, of the process that runs with the same settings in the same container.
struct HealthCheck: Sendable {
  let name: String
  /// Time for the answer, milliseconds.
  static let answerMillisecondsMax = 3_000
  static let portFileBytesMax = 64

  private static let settings = [CommonSettings.host, CommonSettings.port, CommonSettings.portFile]

  var command: Command {
    Command(
      name: "healthcheck", help: HelpText("ask the running service whether it is well; exit 0 when it is", zh: "检查运行中的服务是否正常"),
      options: HealthCheck.settings.compactMap(\.option) + [
        .flag("ready", help: HelpText("ask whether it works, not only whether it lives", zh: "检查是否就绪"))
      ], run: run)
  }

  @Sendable private func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    var given: [String: String] = [:]
    for setting in HealthCheck.settings { given[setting.name] = arguments.optionalString(setting.name) }
    var reader = SettingsReader(arguments: given, environment: Program.environment())
    let address = HealthCheck.address(&reader)
    try reader.finish()
    guard let address else {
      arguments.console.printError("\(name): the running service has not written its port yet")
      return .failed
    }
    let url = address + (arguments.flag("ready") ? "/readyz" : "/healthz")
    let client = HTTPClient()
    let outcome: Result<ClientResponse, HTTPClientFailure>
    do throws(HTTPClientFailure) {
      outcome = .success(try await client.send(ClientRequest(.get, url), totalMillisecondsMax: HealthCheck.answerMillisecondsMax))
    } catch { outcome = .failure(error) }
    await client.close()
    switch outcome {
    case .success(let answer):
      // Container engines keep the last lines: what is wrong stands there.
      arguments.console.print(String(decoding: answer.body.prefix(4_000), as: UTF8.self))
      return answer.isSuccess ? .ok : .failed
    case .failure(let failure):
      arguments.console.printError("\(name): \(url) does not answer: \(failure)")
      return .failed
    }
  }

  /// Where the service listens; nil while a port of its own choice is not known. An address that stands for all is asked on the loopback.
  private static func address(_ reader: inout SettingsReader) -> String? {
    let host = reader.text(CommonSettings.host)
    var port = reader.integer(CommonSettings.port, in: 0...65_535)
    if port == 0 {
      guard let file = reader.optional(CommonSettings.portFile) else {
        reader.refuse(CommonSettings.port, "is 0, so \(CommonSettings.portFile.variable) must name the file that the service writes its port to")
        return nil
      }
      guard let bytes = Files.read(file, bytesMax: portFileBytesMax), let found = Int(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)) else {
        return nil
      }
      port = found
    }
    switch host {
    case "0.0.0.0": return "http://127.0.0.1:\(port)"
    case "::", "[::]": return "http://[::1]:\(port)"
    default: return host.contains(":") && !host.hasPrefix("[") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
    }
  }
}
