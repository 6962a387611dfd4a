// `clientele token`: a short-lived token by the suite's own key.
import Access
import ClienteleCore
import CommandLine

enum TokenCommand {
  static let command = Command(
    name: "token", help: HelpText("make a short-lived token for the services' APIs", zh: "签发短期访问令牌"),
    discussion: HelpText(
      """
      Prints one token, by the key that CLIENTELE_TOKEN_KEY holds or that lies in the folder of a suite of this machine. Who has the key can make tokens for \
      everybody: keep it like a password. With an identity provider people get their tokens there.

      curl -H "Authorization: Bearer $(clientele token --role agent --subject "Wang Fang")" $CLIENTELE_TICKETS_URL/v1/tickets
      """,
      zh: """
        输出一个令牌，所用密钥取自 CLIENTELE_TOKEN_KEY，或本机套件目录。持有密钥者可以为任何人签发令牌，请像密码一样保管。接入身份提供方后，令牌由其签发。

        curl -H "Authorization: Bearer $(clientele token --role agent --subject "王芳")" $CLIENTELE_TICKETS_URL/v1/tickets
        """),
    options: Bearer.options + [
      .value(
        "ttl", placeholder: "SECONDS", help: HelpText("how long it holds, at most a day", zh: "有效秒数，最长一天"),
        defaultValue: String(BuiltInKey.lifetimeSecondsUsual)),
      Operator.folder,
    ]
  ) { arguments in
    let seconds = try arguments.int("ttl", in: 1...BuiltInKey.lifetimeSecondsMax)
    let bearer = try Bearer(arguments)
    let credentials = try SuiteConnection.credentials(folder: arguments.optionalString("folder"), environment: Program.environment())
    arguments.console.print(
      try credentials.token(subject: bearer.subject, name: bearer.name, roles: bearer.roles, lifetimeSeconds: seconds))
    return .ok
  }
}

/// Whom a token or a code is for, as a command is told.
struct Bearer {
  static let options: [Option] = [
    .value(
      "role", placeholder: "ROLE", help: HelpText("what they are to the suite; may be given several times", zh: "角色，可重复给出"),
      choices: Role.allCases.map(\.rawValue), isRequired: true, isRepeated: true),
    .value(
      "subject", placeholder: "NAME", help: HelpText("whom it is for, by the name in the staff's file and in histories", zh: "持有人（人员文件与历史记录中的姓名）"),
      isRequired: true),
    .value("name", placeholder: "NAME", help: HelpText("another name to be shown", zh: "显示名称")),
  ]

  let subject: String
  let name: String?
  let roles: [String]

  init(_ arguments: ParsedArguments) throws {
    subject = try arguments.string("subject")
    guard (1...Principal.textBytesMax).contains(subject.utf8.count) else {
      throw arguments.error(HelpText("--subject has 1 to \(Principal.textBytesMax) bytes", zh: "--subject 须为 1 至 \(Principal.textBytesMax) 字节"))
    }
    name = arguments.optionalString("name")
    roles = arguments.strings("role")
  }
}
