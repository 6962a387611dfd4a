// `clientele sign-in`: a way into the console, by the suite's own key.
import Access
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
    options: [
      .value(
        "role", placeholder: "ROLE", help: HelpText("what they are to the suite; may be given several times", zh: "角色，可重复给出"),
        choices: Role.allCases.map(\.rawValue), isRequired: true, isRepeated: true),
      .value(
        "subject", placeholder: "NAME", help: HelpText("who it is, by the name in the staff's file and in histories", zh: "登录人（人员文件与历史记录中的姓名）"),
        isRequired: true),
      .value("name", placeholder: "NAME", help: HelpText("another name to be shown", zh: "显示名称")),
      Operator.folder, Operator.json,
    ]
  ) { arguments in
    let subject = try arguments.string("subject")
    guard (1...Principal.textBytesMax).contains(subject.utf8.count) else {
      throw arguments.error(HelpText("--subject has 1 to \(Principal.textBytesMax) bytes", zh: "--subject 须为 1 至 \(Principal.textBytesMax) 字节"))
    }
    let connection = try SuiteConnection.find(folder: arguments.optionalString("folder"), environment: Program.environment())
    let link = try SignInLink(connection, subject: subject, name: arguments.optionalString("name"), roles: arguments.strings("role"))
    if arguments.flag("json") {
      arguments.console.print(JSONValue.object([JSONMember("url", .text(link.url)), JSONMember("code", .textOrNull(link.code))]).encodedText)
    } else {
      arguments.console.print(link.url)
    }
    return .ok
  }
}
