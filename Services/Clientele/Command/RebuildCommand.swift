// `clientele rebuild`: every customer's view worked out anew from the stored facts, and compared (P-06).
import ClienteleCore
import CommandLine
import HTTP
import Text

enum RebuildCommand {
  /// How often the service is asked how far it is.
  private static let pause: Duration = .milliseconds(100)

  static let command = Command(
    name: "rebuild", help: HelpText("work every customer out anew from the facts, and compare", zh: "由事实重算全部客户并比对"),
    discussion: HelpText(
      "Ends with 0 when every customer came out as it was, and with 1 when any did not; those are corrected.",
      zh: "全部一致时退出码为 0；有差异时为 1，差异已被更正。"),
    options: [
      .value("wait-seconds", placeholder: "N", help: HelpText("give up waiting after so long", zh: "最长等待秒数"), defaultValue: "600"), Operator.json,
      Operator.folder,
    ], run: run)

  @Sendable private static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let limit = Duration.seconds(try arguments.int("wait-seconds", in: 1...86_400))
    let isJSON = arguments.flag("json")
    let (customers, differences) = try await Operator.withServices(arguments) { services in
      let asked = try await services.call("profile", .post, "/v1/rebuilds")
      let customers = asked["customers"]?.int64Value ?? 0
      let progress = Progress(
        HelpText("rebuilt", zh: "已重算"), unit: HelpText("customers", zh: "个客户"), total: Int(clamping: customers), console: arguments.console,
        isSilent: isJSON)
      let deadline = ContinuousClock.now + limit
      while true {
        let state = try await services.call("profile", .get, "/v1/rebuilds")
        guard let waiting = state["waiting"]?.int64Value else { throw SuiteFailure("profile did not say how many customers wait") }
        progress.update(to: Int(clamping: customers - waiting))
        if waiting == 0 {
          progress.finish()
          return (customers, state["differences"]?.int64Value ?? 0)
        }
        guard ContinuousClock.now < deadline else { throw SuiteFailure("\(waiting) customers still wait after \(limit); the rebuild goes on by itself") }
        try await Task.sleep(for: pause)
      }
    }
    if isJSON {
      arguments.console.print(JSONValue.object([JSONMember("customers", .integer(customers)), JSONMember("differences", .integer(differences))]).encodedText)
    } else {
      arguments.console.print(
        Operator.say(arguments, "\(customers) customers rebuilt, \(differences) differences", "重算 \(customers) 个客户，差异 \(differences) 处"))
    }
    return differences == 0 ? .ok : .failed
  }
}
