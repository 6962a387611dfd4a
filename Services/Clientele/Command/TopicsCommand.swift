// `clientele topics`.
import ClienteleCore
import CommandLine
import Text

enum TopicsCommand {
  static let command = Command(
    name: "topics", help: HelpText("the suite's topics with their partitions and offsets", zh: "查看主题、分区与位移"), options: [Operator.json, Operator.folder]
  ) { arguments in
    let topics = try await Operator.withServices(arguments) { try await $0.topics() }
    if arguments.flag("json") {
      let rows = topics.map { topic -> JSONValue in
        let partitions = topic.partitions.map { part -> JSONValue in
          ["partition": .integer(Int64(part.partition)), "low": .integer(part.low), "high": .integer(part.high)]
        }
        return ["topic": .text(topic.topic), "partitions": .array(partitions)]
      }
      arguments.console.print(JSONValue.array(rows).encodedText)
    } else {
      func say(_ english: String, _ chinese: String) -> String { Operator.say(arguments, english, chinese) }
      var table = Table([
        .init(say("Topic", "主题")), .init(say("Partition", "分区"), .right), .init(say("First", "起始位移"), .right), .init(say("Next", "下一位移"), .right),
        .init(say("Records", "记录数"), .right),
      ])
      for topic in topics {
        for part in topic.partitions {
          table.add([topic.topic, String(part.partition), String(part.low), String(part.high), String(part.high - part.low)])
        }
        if topic.partitions.isEmpty { table.add([topic.topic, say("missing", "缺失")]) }
      }
      arguments.console.out.write(table.render())
    }
    return topics.allSatisfy { !$0.partitions.isEmpty } ? .ok : .failed
  }
}
