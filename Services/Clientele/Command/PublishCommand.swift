// `clientele publish`.
import ClienteleCore
import CommandLine
import Contracts

enum PublishCommand {
  static let command = Command(
    name: "publish", help: HelpText("publish records, one JSON object per line, on a public topic", zh: "向公共主题发布记录（每行一个 JSON）"),
    options: [
      .value(
        "topic", short: "t", placeholder: "TOPIC", help: HelpText("where to", zh: "目标主题"), choices: InputStream.allCases.map(\.topic.name),
        isRequired: true),
      .value("source", short: "s", placeholder: "NAME", help: HelpText("the registered source; else each record names its own", zh: "来源系统；否则由记录自带")),
      .value("mapping", placeholder: "ID", help: HelpText("the registered mapping that reads them; else the source's own", zh: "映射编号；否则用来源默认映射")),
      .value(
        "key-field", placeholder: "FIELD", help: HelpText("field whose value becomes the key: equal keys stay in order", zh: "作为消息键的字段")),
      .value("wait-seconds", placeholder: "N", help: HelpText("give up when nothing moves for so long", zh: "无进展时的最长等待秒数"), defaultValue: "60"),
      Operator.folder,
    ],
    arguments: [Argument("file", help: HelpText("file to read; - for standard input", zh: "文件；- 表示标准输入"), completion: .files)]
  ) { arguments in
    let order = PublishOrder(
      file: try arguments.string("file"), topic: try arguments.string("topic"), source: arguments.optionalString("source"),
      mapping: arguments.optionalString("mapping"), keyField: arguments.optionalString("key-field"),
      waitLimit: .seconds(try arguments.int("wait-seconds", in: 1...86_400)))
    let count = try await Operator.withServices(arguments) { try await $0.publish(order) }
    arguments.console.print(Operator.say(arguments, "\(Operator.records(count)) published on \(order.topic)", "已向 \(order.topic) 发布 \(count) 条记录"))
    return .ok
  }
}
