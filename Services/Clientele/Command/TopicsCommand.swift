// `clientele topics`.
import ClienteleCore
import CommandLine
import Kafka
import Runtime
import Text

enum TopicsCommand {
  static let command = Command(
    name: "topics", help: HelpText("the suite's topics with their partitions and offsets", zh: "查看主题、分区与位移"), options: [Operator.json, Operator.folder],
    subcommands: [create], run: list)

  private static let create = Command(
    name: "create", help: HelpText("make those that are missing on the cluster at KAFKA_BROKERS", zh: "在 KAFKA_BROKERS 集群上新建缺少的主题"),
    discussion: HelpText(
      """
      Safe to run again: a topic that exists is left as it is, and one with another number of partitions is an error, because records of one \
      customer would change their partition.
      """, zh: "可重复运行：已有的主题保持不变；分区数不同则报错，因为同一客户的记录会换分区。"),
    options: [
      .value("partitions", placeholder: "N", help: HelpText("partitions of each; else CLIENTELE_PARTITIONS, else 6", zh: "每个主题的分区数")),
      .value("replication", placeholder: "N", help: HelpText("copies of each partition; else the cluster's default", zh: "副本数；默认由集群决定")),
      .value("wait-seconds", placeholder: "N", help: HelpText("time for each answer of the brokers", zh: "等待服务器应答的秒数"), defaultValue: "20"),
    ]
  ) { arguments in
    func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
      arguments.optionalString(name) == nil ? nil : try arguments.int(name, in: range)
    }
    let plans = try await SuiteTopics.create(
      partitions: try number("partitions", in: 1...200), replication: try number("replication", in: 1...SuiteTopics.replicationMax),
      answerSeconds: try arguments.int("wait-seconds", in: 1...SuiteTopics.answerSecondsMax),
      environment: Program.environment())
    for plan in plans { arguments.console.print("\(plan.name) \(plan.partitions)") }
    return .ok
  }

  @Sendable private static func list(_ arguments: ParsedArguments) async throws -> ExitCode {
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
