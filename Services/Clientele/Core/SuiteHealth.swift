// `clientele doctor` and `clientele topics`: what the parts of a suite say about themselves, and what to do about it.
import Contracts
import HTTP
import Kafka
import Text

/// One part of the suite and what is wrong with it.
public struct PartHealth: Sendable, Equatable {
  public let name: String
  /// nil: all is well.
  public let problem: String?
  /// What to do.
  public let advice: String?
}

extension ServiceClient {
  /// Asks every service and the brokers.
  public func health(isChinese: Bool = false) async -> [PartHealth] {
    var parts: [PartHealth] = []
    for service in SuiteConnection.services + Suite.sites.filter(connection.knows) {
      parts.append(contentsOf: await health(of: service))
    }
    // A service that does not answer was told about above.
    for gap in (try? await gaps(settledToo: false)) ?? [] {
      let advice = gap.state == "open" ? gap.advice(isChinese: isChinese) : nil
      parts.append(PartHealth(name: "\(gap.service) gap \(gap.id)", problem: "\(gap.kind), \(gap.state): \(gap.detail)", advice: advice))
    }
    do {
      let admin = try KafkaAdmin(try connection.kafka(), limitMilliseconds: 5_000)
      let present: [String]
      do { present = try await admin.topics() } catch {
        await admin.close()
        throw error
      }
      await admin.close()
      let missing = Topics.all.map(\.name).filter { !present.contains($0) }
      parts.append(
        PartHealth(
          name: "brokers", problem: missing.isEmpty ? nil : "topics are missing: \(missing.joined(separator: ", "))",
          advice: missing.isEmpty ? nil : "`clientele up` makes them; on a cluster of your own `clientele topics create` does"))
    } catch {
      parts.append(
        PartHealth(name: "brokers", problem: "\(error)", advice: "is KAFKA_BROKERS right, and does the broker run? `clientele status` shows its address"))
    }
    return parts
  }

  private func health(of service: String) async -> [PartHealth] {
    switch await readiness(of: service) {
    case .success(let answer): return ServiceClient.health(of: service, answer)
    case .failure(let failure):
      return [
        PartHealth(name: service, problem: "does not answer: \(failure.description)", advice: "see its log in .clientele/logs; `clientele up` starts it again")
      ]
    }
  }

  /// Kept apart from its caller: the optimiser of Swift 6.3.1 crashes on the two in one.
  @inline(never)
  private func readiness(of service: String) async -> Result<ClientResponse, SuiteFailure> {
    guard let url = try? connection.url(of: service) else { return .failure(SuiteFailure("its address is not known")) }
    do throws(HTTPClientFailure) { return .success(try await client.get(url + "/readyz")) } catch { return .failure(SuiteFailure(error.description)) }
  }

  private static func health(of service: String, _ answer: ClientResponse) -> [PartHealth] {
    let parts = (try? JSONValue(answer.body))?["parts"]?.members ?? []
    let wrong = parts.filter { $0.value.stringValue != "ok" }
    if answer.isSuccess, wrong.isEmpty { return [PartHealth(name: service, problem: nil, advice: nil)] }
    if wrong.isEmpty {
      return [PartHealth(name: service, problem: "answers \(answer.status) to /readyz", advice: "is this the port of the service \(service)?")]
    }
    return wrong.map { PartHealth(name: "\(service) \($0.key)", problem: $0.value.stringValue, advice: ServiceClient.advice(for: $0.key)) }
  }

  private static func advice(for part: String) -> String {
    switch part {
    case "dependencies": "it waits for PostgreSQL and Kafka and goes on by itself once both answer"
    case let part where part.hasPrefix("consumer of"): "a partition stands still and loses nothing meanwhile: `clientele gaps list` says what to do"
    case "due work": "it goes on by itself once the cause is gone; one piece of work that fails does not stop the others"
    default: "see the service's log; it goes on by itself once the cause is gone"
    }
  }
}

/// One partition of one of the suite's topics.
public struct PartitionExtent: Sendable, Equatable {
  public let topic: String
  public let partition: Int32
  public let low: Int64
  public let high: Int64
}

extension ServiceClient {
  /// Every partition of every topic of the suite; a topic that is missing has none.
  public func topics() async throws -> [(topic: String, partitions: [PartitionExtent])] {
    let admin = try KafkaAdmin(try connection.kafka())
    do {
      let present = Set(try await admin.topics())
      var found: [(topic: String, partitions: [PartitionExtent])] = []
      for topic in Topics.all.map(\.name) {
        var partitions: [PartitionExtent] = []
        // A topic that is only asked for would be made by the built-in broker.
        let count = present.contains(topic) ? try await admin.partitionCount(topic) : 0
        for number in 0..<count {
          let marks = try await admin.watermarks(TopicPartition(topic: topic, partition: number))
          partitions.append(PartitionExtent(topic: topic, partition: number, low: marks.low, high: marks.high))
        }
        found.append((topic, partitions))
      }
      await admin.close()
      return found
    } catch {
      await admin.close()
      throw error
    }
  }
}
