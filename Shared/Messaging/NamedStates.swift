// Outbox rows that name states instead of holding them: what was just decided is published from memory, and read anew from its own table otherwise.
import Domain
public import Postgres
import Text

/// A state as its own table has it now.
public struct CurrentState: Sendable {
  public let version: Int64
  /// The record's value.
  public let value: [UInt8]

  public init(version: Int64, value: [UInt8]) {
    self.version = version
    self.value = value
  }
}

/// Reads the states of a topic by the keys of their records, in the order of the keys; nil for one that is no more.
public typealias StateReading = @Sendable (_ keys: [[UInt8]], _ session: PostgresSession) throws -> [CurrentState?]

/// The body of such a row. A state that has moved on since is as good as the one named: versions only grow, and readers take the newest. It is sent
/// under the number of the one named, which every reader counts. For a state that is no more the record is a tombstone.
struct NamedStates: Equatable {
  struct Name: Equatable {
    var key: [UInt8]
    /// The version when the row was written.
    var version: Int64
    var traceParent: String
  }

  /// Begins the body: no framed record begins with a key of this length.
  private static let mark = UInt32.max

  var type: String
  var time: Instant
  var names: [Name]

  static func begin(type: String, time: Instant, _ body: inout ByteBuffer) {
    body.put32(mark)
    Frame.part(type, to: &body)
    body.put64(time.microseconds)
  }

  static func add(key: UnsafeRawBufferPointer, version: Int64, traceParent: String, to body: inout ByteBuffer) {
    Frame.part(key, to: &body)
    body.put64(version)
    Frame.part(traceParent, to: &body)
  }

  /// nil when the body holds records.
  init?(_ body: [UInt8]) throws(OutboxFault) {
    let read = body.withUnsafeBytes { bytes -> Result<NamedStates?, OutboxFault> in
      do throws(OutboxFault) { return .success(try NamedStates.read(bytes)) } catch { return .failure(error) }
    }
    guard let states = try read.get() else { return nil }
    self = states
  }

  private init(type: String, time: Instant, names: [Name]) {
    self.type = type
    self.time = time
    self.names = names
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) throws(OutboxFault) -> NamedStates? {
    var reader = FrameReader(bytes)
    guard !reader.isAtEnd, try reader.number() == mark else { return nil }
    let type = String(decoding: try reader.part(), as: UTF8.self)
    var states = NamedStates(type: type, time: Instant(microseconds: try reader.int64()), names: [])
    while !reader.isAtEnd {
      states.names.append(
        Name(key: Array(try reader.part()), version: try reader.int64(), traceParent: String(decoding: try reader.part(), as: UTF8.self)))
    }
    return states
  }

  /// The records, each with the state as it is now.
  func framed(_ current: [CurrentState?]) throws(OutboxFault) -> OutboxBody {
    guard current.count == names.count else { throw .damagedRow }
    var body = ByteBuffer(capacityBytes: 64 + current.reduce(0) { $0 + ($1?.value.count ?? 0) + 128 })
    for (name, state) in zip(names, current) {
      let id = String(decoding: name.key, as: UTF8.self) + ":\(state?.version ?? name.version)"
      let message = OutgoingMessage(topic: "", key: name.key, value: state?.value, id: id, type: type, time: time, traceParent: name.traceParent)
      Frame.append(message, id: id, to: &body)
    }
    return OutboxBody(body)
  }
}
