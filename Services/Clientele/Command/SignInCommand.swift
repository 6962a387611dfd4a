// `clientele sign-in`: a way into the console, by the suite's own key.
import ClienteleCore
import CommandLine
import HTTP
import Runtime
import Text

enum SignInCommand {
  static let command = Command(
    name: "sign-in", help: HelpText("make a code to sign in at the console with", zh: "生成控制台登录码"),
    discussion: HelpText(
      """
      Prints an address of the console with a code in it. The code holds ten minutes, and once; who signs in with it stays signed in for a working day at \
      most. Made by the suite's own key: it is for machines without an identity provider, and for operators.
      """,
      zh: "输出带登录码的控制台地址。登录码十分钟内有效，仅可使用一次；登录后最长保持一个工作日。由套件密钥签发，供未接入身份提供方的环境及运维人员使用。"),
    options: Bearer.options + [Operator.folder, Operator.json]
  ) { arguments in
    let bearer = try Bearer(arguments)
    let connection = try SuiteConnection.find(folder: arguments.optionalString("folder"), environment: Program.environment())
    let link = try SignInLink(connection, subject: bearer.subject, name: bearer.name, roles: bearer.roles)
    if arguments.flag("json") {
      arguments.console.print(JSONValue.object([JSONMember("url", .text(link.url)), JSONMember("code", .textOrNull(link.code))]).encodedText)
    } else {
      arguments.console.print(link.url)
    }
    return .ok
  }
}
