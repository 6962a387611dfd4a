// Gaps as the services report them, with what to do about each kind.
import HTTP
public import Text

/// One row of a service's `gap_log`.
public struct Gap: Sendable, Equatable {
  public let service: String
  public let id: Int64
  public let kind: String
  public let topic: String
  public let partition: Int64
  public let from: Int64
  public let to: Int64
  public let detail: String
  public let state: String
  public let json: JSONValue

  public init(_ service: String, _ row: JSONValue) {
    self.service = service
    id = row["id"]?.int64Value ?? 0
    kind = row["kind"]?.stringValue ?? ""
    topic = row["topic"]?.stringValue ?? ""
    partition = row["partition"]?.int64Value ?? 0
    from = row["from"]?.int64Value ?? 0
    to = row["to"]?.int64Value ?? 0
    detail = row["detail"]?.stringValue ?? ""
    state = row["state"]?.stringValue ?? ""
    var members = row.members ?? []
    members.insert(JSONMember("service", .text(service)), at: 0)
    json = .object(members)
  }

  /// What an operator does about it. One text for each kind of `HaltKind`.
  public func advice(isChinese: Bool) -> String {
    let accept = "`clientele gaps accept \(service) \(id)`"
    let (english, chinese) = Gap.advices[kind] ?? ("find the cause in the service's log; then ACCEPT", "请在服务日志中查明原因；然后 ACCEPT")
    return (isChinese ? chinese : english).replacing("ACCEPT", with: accept)
  }

  /// Every kind that a partition can note, and what is said of it.
  public static let kinds = advices.keys.sorted()

  private static let advices: [String: (String, String)] = [
    "lane-gap": (
      "the brokers lost confirmed records: look for an unclean leader election or a lost disk. Lost facts are imported again from their source; for snapshots"
        + " `clientele republish`; then ACCEPT",
      "Broker 丢失了已确认的记录：请检查是否发生过非同步副本选主或磁盘丢失。事实从来源重新导入；快照用 `clientele republish`；然后 ACCEPT"
    ),
    "removed": (
      "retention removed records before they were read: import that period again from its source, then ACCEPT; give the topic a longer retention",
      "记录在读取前已被保留策略删除：请从来源重新导入该时段，然后 ACCEPT；并延长主题保留时间"
    ),
    "ends-early": (
      "the topic was created anew or lost its tail: import what is missing again from its source, then ACCEPT; the topic is then read from its beginning,"
        + " what was read before counts once",
      "主题被重建或丢失了尾部：请从来源重新导入缺失部分，然后 ACCEPT；主题将从头读取，已读记录只计一次"
    ),
    "another-record": (
      "the topic was created anew or its history was changed: find out by whom, then ACCEPT; the topic is then read from its beginning, what was read before"
        + " counts once",
      "主题被重建或历史被改写：请查明原因，然后 ACCEPT；主题将从头读取，已读记录只计一次"
    ),
    "another-cluster": (
      "KAFKA_BROKERS leads to another cluster: put it right; if the move is meant, ACCEPT and restart the service, it then reads the new cluster from"
        + " its beginning",
      "KAFKA_BROKERS 指向了另一个集群：请更正；若确为迁移，ACCEPT 并重启服务，将从新集群开头读取"
    ),
    "storm": (
      "many records are refused at once: look at `clientele quarantine counts` and at the producer. After ACCEPT the range goes into quarantine",
      "大量记录同时被拒绝：请查看 `clientele quarantine counts` 与生产方。ACCEPT 后该区间进入隔离区"
    ),
    "damaged-records": (
      "the broker's disk or the network damages bytes: restore the topic from a replica; ACCEPT leaves the records out",
      "Broker 磁盘或网络损坏了数据：请从副本恢复主题；ACCEPT 将跳过这些记录"
    ),
  ]
}

extension ServiceClient {
  /// The gaps of all services that answer, newest first.
  public func gaps(settledToo: Bool) async throws -> [Gap] {
    var found: [Gap] = []
    for service in SuiteConnection.services {
      let answer = try await call(service, .get, settledToo ? "/v1/gaps?state=all" : "/v1/gaps")
      found += (answer["gaps"]?.arrayValue ?? []).map { Gap(service, $0) }
    }
    return found
  }
}
