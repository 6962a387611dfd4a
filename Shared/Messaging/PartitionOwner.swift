// From a claim to the first record: is it the same cluster, the same log, and has an operator said that something missing is accepted?
import Kafka
import Postgres
import Telemetry

/// Belongs to the lane's thread, for one claim.
final class PartitionOwner {
  private let key: PositionKey
  private let partition: TopicPartition
  private let store: PostgresLaneStore
  private let probe: KafkaProbe
  private let logger: Logger
  private let isClusterChanged: () -> Bool
  /// Up to this offset an operator has accepted that many records are refused.
  private(set) var stormAcceptedBelow: Int64 = 0

  init(
    key: PositionKey, partition: TopicPartition, store: PostgresLaneStore, probe: KafkaProbe, logger: Logger, isClusterChanged: @escaping () -> Bool
  ) {
    self.key = key
    self.partition = partition
    self.store = store
    self.probe = probe
    self.logger = logger
    self.isClusterChanged = isClusterChanged
  }

  /// A position of another cluster says nothing about this one; starting at its beginning would be a guess. An operator may say so.
  func refuseOtherCluster() throws {
    guard let other = try store.otherCluster(key) else { return }
    if let gap = try store.acceptedGaps(key).first(where: { $0.missing.kind == .anotherCluster }) {
      let low = try probe.watermarks(partition).low
      try store.adopt(key, at: low, settling: gap)
      logger.warning("goes on in another cluster, from its beginning, as an operator accepted", [.offset: .int(low)])
      return
    }
    throw otherCluster(other)
  }

  private func otherCluster(_ other: String) -> Halt {
    Halt(
      reason: "\(partition) was read from cluster \(other) before and the brokers now name cluster \(key.cluster)",
      missing: Missing(.anotherCluster, from: 0, to: 0))
  }

  /// A partition that was never read begins where its log begins; one that was read must be found as it was left.
  func begin(_ writer: LaneWriter<PostgresLaneStore, some LaneProducer>) throws {
    let reach = try probe.watermarks(partition)
    if writer.position.epoch == 1, writer.position.nextOffset == 0, reach.low > 0 {
      logger.info("first reader of a log that has lost its beginning", [.offset: .int(reach.low)])
      var lanes = writer.position.lanesIn
      // Their predecessors went with the beginning.
      lanes.adoptBelow = reach.high
      try move(writer, Step(nextOffset: reach.low, anchor: nil, lanesIn: lanes))
    }
    try goOnWhereAccepted(writer, Watermarks(low: reach.low, high: reach.high))
    if let gap = try store.standingGap(key) { throw Halt(reason: gap.detail, missing: gap.missing) }
    try check(writer.position)
    try store.withdrawGaps(key)
  }

  private func move(
    _ writer: LaneWriter<PostgresLaneStore, some LaneProducer>, _ step: Step, _ work: () throws -> Void = {}
  ) throws {
    guard case .committed = try writer.commit(step, { _ in try work() }) else { throw Fenced() }
  }

  /// Carries out what an operator accepted, in the transaction that settles it.
  private func goOnWhereAccepted(_ writer: LaneWriter<PostgresLaneStore, some LaneProducer>, _ reach: Watermarks) throws {
    for gap in try store.acceptedGaps(key) {
      let position = writer.position
      if gap.missing.kind == .storm, gap.missing.to >= position.nextOffset {
        stormAcceptedBelow = max(stormAcceptedBelow, gap.missing.to + 1)
        continue
      }
      let step = PartitionOwner.step(after: gap.missing, from: position, reach)
      try move(writer, step) { try store.settle(gap) }
      logger.warning(
        "goes on as an operator accepted",
        [.reason: .string(gap.missing.kind.rawValue), .offset: .int(step.nextOffset), "gap": .int(gap.id)])
    }
  }

  /// Where a partition goes on once what is missing is accepted. Reading again what may have been read is always safe: facts have keys, lanes have
  /// numbers, snapshots have versions.
  static func step(after missing: Missing, from position: Position, _ reach: Watermarks) -> Step {
    var step = Step(nextOffset: position.nextOffset, anchor: position.anchor, lanesIn: position.lanesIn)
    switch missing.kind {
    case .laneGap:
      if let lane = missing.lane { step.lanesIn[lane] = max(step.lanesIn[lane], missing.to) }
    case .removed:
      step = Step(nextOffset: max(position.nextOffset, reach.low), anchor: nil, lanesIn: position.lanesIn)
      step.lanesIn.adoptBelow = max(step.lanesIn.adoptBelow, reach.high)
    case .endsEarly, .anotherRecord, .anotherCluster:
      step = Step(nextOffset: reach.low, anchor: nil, lanesIn: position.lanesIn)
    case .damagedRecords:
      step = Step(nextOffset: max(position.nextOffset, min(missing.to + 1, reach.high)), anchor: nil, lanesIn: position.lanesIn)
    case .storm: break
    }
    return step
  }

  /// The log must hold the position: anything else is never skipped (`docs/architecture.md`).
  func check(_ position: Position) throws {
    if isClusterChanged() {
      throw Halt(
        reason: "the brokers have begun to name another cluster than \(key.cluster), which \(partition) was read from;"
          + " restart the service when it is clear which is right",
        missing: Missing(.anotherCluster, from: 0, to: 0))
    }
    let sight = try LogCheck.look(partition, before: position.nextOffset, wantsRecord: position.anchor != nil, probe)
    if let halt = LogCheck.judge(position, sight, of: partition) { throw halt }
  }
}
