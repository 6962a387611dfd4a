// Counters by name: the last number seen of every incoming lane, or given out for every outgoing partition.
import Text

/// A small map from names to numbers that is kept in one column of the fence's row.
public struct LaneTable: Equatable, Sendable {
  public private(set) var numbers: [String: Int64]

  /// Lanes one partition may hear from: producers times their partitions.
  public static let lanesMax = 4_096

  public init(_ numbers: [String: Int64] = [:]) { self.numbers = numbers }

  public subscript(_ name: String) -> Int64 {
    get { numbers[name] ?? 0 }
    set { numbers[name] = newValue }
  }

  /// Length-prefixed names and 64-bit numbers, sorted, so that equal tables have equal bytes.
  public var encoded: [UInt8] {
    var buffer = ByteBuffer(capacityBytes: 64 + numbers.count * 40)
    for (name, number) in numbers.sorted(by: { $0.key < $1.key }) {
      buffer.put8(UInt8(truncatingIfNeeded: name.utf8.count))
      buffer.append(name)
      buffer.put64(number)
    }
    return buffer.array()
  }

  /// nil when the bytes are not such a table.
  public init?(encoded bytes: [UInt8]) {
    numbers = [:]
    var place = 0
    while place < bytes.count {
      let length = Int(bytes[place])
      guard place + 1 + length + 8 <= bytes.count else { return nil }
      let name = String(decoding: bytes[(place + 1)..<(place + 1 + length)], as: UTF8.self)
      let digits = bytes[(place + 1 + length)..<(place + 9 + length)]
      numbers[name] = Int64(bitPattern: digits.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
      place += 9 + length
    }
  }

  /// A lane's name: at most 200 bytes, so that its length fits one.
  public static func lane(service: String, topic: String, partition: Int32) -> String { "\(service)/\(topic)/\(partition)" }
  public static func destination(_ topic: String, _ partition: Int32) -> String { "\(topic)/\(partition)" }
}

/// What a lane number says about a record (see `docs/architecture.md`).
public enum LaneVerdict: Equatable, Sendable {
  case next
  case repeated
  /// Records between the last number and this one never came.
  case gap(after: Int64)
}

extension LaneTable {
  /// Lanes have names with slashes; what a reader notes beside them begins with `#`.
  private static let holesName = "#holes"
  private static let adoptName = "#adopt-below"

  /// On a compacted topic: offsets passed over that hold no record, less the numbers they have explained.
  public var holes: Int64 {
    get { self[LaneTable.holesName] }
    set { set(LaneTable.holesName, newValue) }
  }

  /// Records below this offset may begin or continue a lane at any number: their predecessors are known to be gone.
  public var adoptBelow: Int64 {
    get { self[LaneTable.adoptName] }
    set { set(LaneTable.adoptName, newValue) }
  }

  private mutating func set(_ name: String, _ number: Int64) { numbers[name] = number == 0 ? nil : number }

  /// Judges a record and, when it is the next one, remembers it.
  ///
  /// Compaction takes records out of a log, and with each one offset and one lane number: so many missing numbers as there were missing
  /// offsets are no gap. A log that lost its tail has no missing offsets, only missing numbers.
  public mutating func judge(lane: String, sequence: Int64, offset: Int64) -> LaneVerdict {
    var (last, holes) = (self[lane], self.holes)
    let verdict = LaneVerdict.judge(&last, &holes, adoptBelow: adoptBelow, sequence: sequence, offset: offset)
    if verdict == .next {
      self[lane] = last
      self.holes = holes
    }
    return verdict
  }
}

extension LaneVerdict {
  /// The rule itself; `last` and `holes` move when the record is the next one.
  static func judge(_ last: inout Int64, _ holes: inout Int64, adoptBelow: Int64, sequence: Int64, offset: Int64) -> LaneVerdict {
    if sequence <= last { return .repeated }
    let missing = sequence - last - 1
    if missing > 0, offset >= adoptBelow {
      guard missing <= holes else { return .gap(after: last) }
      holes -= missing
    }
    last = sequence
    return .next
  }
}
