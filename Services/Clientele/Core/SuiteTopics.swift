// The suite's topics as they have to be, and the making of them on a cluster.
public import Kafka
import CommandLine
import Contracts
import Runtime

public enum SuiteTopics {
  /// Longest time for one answer of the brokers while topics are made, seconds.
  public static let answerSecondsMax = 300
  /// Copies of a partition that a cluster can be asked for.
  public static let replicationMax = 9

  public static func plans(partitions: Int, replication: Int) -> [TopicPlan] {
    Topics.all.map { topic in
      TopicPlan(name: topic.name, partitions: Int32(partitions), replication: Int32(replication), settings: settings(of: topic))
    }
  }

  /// Compaction waits a week: a reader that lags less sees every lane number, and takes none for lost.
  private static func settings(of topic: Topic) -> [String: String] {
    var settings = ["cleanup.policy": topic.keeping == .compact ? "compact" : "delete", "message.timestamp.type": "LogAppendTime"]
    if topic.keeping == .compact { settings["min.compaction.lag.ms"] = "604800000" }
    return settings
  }

  /// Makes the topics that are missing on the cluster that the environment names, and checks the partitions of the others.
  /// Needs no other setting of the services.
  ///
  /// - Parameters:
  ///   - partitions: nil takes `CLIENTELE_PARTITIONS`.
  ///   - replication: nil leaves it to the cluster.
  ///   - answerSeconds: time for each answer of the brokers.
  public static func create(partitions: Int?, replication: Int?, answerSeconds: Int, environment: [String: String]) async throws -> [TopicPlan] {
    var given: [String: String] = [:]
    given[CommonSettings.partitions.name] = partitions.map(String.init)
    var reader = SettingsReader(arguments: given, environment: environment)
    var common = CommonSettings(&reader, service: "clientele")
    let names = Set((CommonSettings.kafka + [CommonSettings.partitions]).map(\.faultName))
    let faults = reader.faults.filter { names.contains($0.setting) }
    guard faults.isEmpty else { throw SuiteFailure(faults.map(\.description).joined(separator: "\n")) }
    common.kafka.clientId = "clientele"
    let plans = plans(partitions: common.partitions, replication: replication ?? -1)
    let admin = try KafkaAdmin(common.kafka, limitMilliseconds: answerSeconds * 1_000)
    do { try await admin.ensureTopics(plans) } catch {
      await admin.close()
      throw error
    }
    await admin.close()
    return plans
  }
}
