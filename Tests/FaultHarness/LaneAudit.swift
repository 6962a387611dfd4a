// What a topic's log says about the promises of lanes: numbers without holes, one meaning for each number, order kept for each key.

/// One record of a suite topic, as far as the audit needs it.
public struct AuditedRecord: Sendable {
  public var partition: Int32
  public var lane: String
  public var sequence: Int64
  public var eventID: String
  public var key: [UInt8]
  /// The snapshot's version; nil for facts.
  public var version: Int64?

  public init(partition: Int32, lane: String, sequence: Int64, eventID: String, key: [UInt8], version: Int64? = nil) {
    self.partition = partition
    self.lane = lane
    self.sequence = sequence
    self.eventID = eventID
    self.key = key
    self.version = version
  }
}

/// Takes the records of one topic in the order in which they lie in each partition.
public struct LaneAudit: Sendable {
  public struct Lane: Hashable, Sendable {
    public let partition: Int32
    public let name: String
  }

  private struct Log {
    /// By number less one.
    var events: [Event] = []
  }

  private struct Event {
    /// Fingerprints; 0 for a number that never came.
    let id: UInt64
    let key: UInt64
    /// Of a snapshot: the lowest of its copies.
    var version: Int64?

    /// A snapshot that is sent anew may have moved on since, and a former owner's copy of what it was then may come behind it: readers go by the version.
    func isSame(as other: Event) -> Bool { id == other.id || version != nil && other.version != nil && key == other.key }
  }

  public let topic: String
  private var numbers: [Lane: Int] = [:]
  private var logs: [Log] = []
  private var newest: [UInt64: (highest: Int64, last: Int64)] = [:]
  private var seen: Set<UInt64> = []

  public private(set) var records = 0
  /// Records with a number that came before, and the same event, or another state of the same snapshot: legal, readers drop them.
  public private(set) var copies = 0
  /// Numbers that never came although later ones did.
  public private(set) var missing: Int64 = 0
  /// Numbers that carry another event than the first time.
  public private(set) var changedEvents = 0
  /// Facts that came under two numbers. A snapshot may: so that it is the last in the log, or because it moved on before it was sent anew.
  public private(set) var twice = 0
  /// Records without a lane.
  public private(set) var foreign = 0

  public init(topic: String) { self.topic = topic }

  public mutating func take(_ record: AuditedRecord) {
    records += 1
    guard !record.lane.isEmpty, record.sequence > 0 else {
      foreign += 1
      return
    }
    let id = fingerprint(record.eventID.utf8)
    let key = fingerprint(record.key)
    if let version = record.version {
      let former = newest[key]
      newest[key] = (max(former?.highest ?? version, version), version)
    }
    let lane = Lane(partition: record.partition, name: record.lane)
    let index = numbers[lane] ?? logs.count
    if index == logs.count {
      numbers[lane] = index
      logs.append(Log())
    }
    let event = Event(id: id, key: key, version: record.version)
    let next = Int64(logs[index].events.count) + 1
    if record.sequence < next {
      takeCopy(event, log: index, place: Int(record.sequence) - 1)
      return
    }
    if record.sequence > next {
      missing += record.sequence - next
      // What is missing has no event; a late one counts as changed.
      logs[index].events += [Event](repeating: Event(id: 0, key: 0, version: nil), count: Int(min(record.sequence - next, 1_000_000)))
    }
    logs[index].events.append(event)
    let isNew = seen.insert(id).inserted
    if record.version == nil, !isNew { twice += 1 }
  }

  private mutating func takeCopy(_ event: Event, log: Int, place: Int) {
    let first = logs[log].events[place]
    guard first.isSame(as: event) else {
      changedEvents += 1
      return
    }
    copies += 1
    if let version = event.version, let before = first.version, version < before { logs[log].events[place].version = version }
  }

  /// Snapshots of a lane that are older than one of a lower number and the same key. Of the copies of a number the oldest counts: one that was sent anew
  /// may have moved on. Who sends a number sends what is no older than what was sent under those before it.
  public var reordered: Int {
    logs.reduce(0) { sum, log in
      var last: [UInt64: Int64] = [:]
      return log.events.reduce(sum) { sum, event in
        guard let version = event.version else { return sum }
        defer { last[event.key] = version }
        return last[event.key].map { $0 > version } ?? false ? sum + 1 : sum
      }
    }
  }

  /// The highest number of each lane and partition.
  public var lastNumbers: [Lane: Int64] { numbers.mapValues { Int64(logs[$0].events.count) } }
  /// Fingerprints of all events.
  public var eventIDs: Set<UInt64> { seen }
  public var distinct: Int { seen.count }
  /// Keys whose last record is older than one before it: after compaction nobody would find the newest.
  public var overtaken: Int { newest.values.count { $0.last < $0.highest } }
}
