// The order events that everybody is measured with, and what they must come to.
import Contracts
import Domain
import Hashing
import Kafka
import Messaging
import Text

/// One order of the stream: what the rivals' events hold.
struct StreamOrder: Sendable, Equatable {
  var orderID: String
  var eventID: String
  var customer: String
  /// Microseconds since 1970.
  var at: Int64
  var cents: Int64
  var items: Int
}

struct OrderStream: Sendable {
  static let currency = "USD"
  static let source = "cdnow"
  /// The day after the last order: ledgers, stages and due work are as they are when the service keeps up.
  static let clock = "1998-07-04"

  /// In the order in which they are published, repetitions among them.
  var orders: [StreamOrder]
  /// What is left once every order counts once.
  var expected: Sums

  struct Sums: Sendable, Equatable {
    var orders: Int64 = 0
    var cents: Int64 = 0
    var customers: Int64 = 0
  }

  init(orders: [StreamOrder]) {
    self.orders = orders
    expected = OrderStream.sums(orders)
  }

  static func sums(_ orders: [StreamOrder]) -> Sums {
    var seen: Set<String> = []
    var customers: Set<String> = []
    var sums = Sums()
    for order in orders where seen.insert(order.orderID).inserted {
      sums.orders += 1
      sums.cents += order.cents
      customers.insert(order.customer)
    }
    sums.customers = Int64(customers.count)
    return sums
  }

  // MARK: - From the rivals' file

  /// Lines of a key, a tab and the event.
  static func read(_ path: String, count: Int) throws -> OrderStream {
    guard let bytes = SmallFile.bytes(path) else { throw BenchFailure("\(path) cannot be read") }
    var orders: [StreamOrder] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")).prefix(count) {
      guard let tab = line.firstIndex(of: UInt8(ascii: "\t")) else { throw BenchFailure("\(path): a line has no tab") }
      orders.append(try order(Array(line[(tab + 1)...])))
    }
    return OrderStream(orders: orders)
  }

  static func order(_ json: [UInt8]) throws -> StreamOrder {
    let value = try JSONValue(json)
    guard let orderID = value["order_id"]?.stringValue, let eventID = value["event_id"]?.stringValue,
      let customer = value["customer"]?["external_id"]?.stringValue, let at = value["ordered_at"]?.stringValue,
      let amount = value["amount"]?.stringValue, let items = value["items"]?.intValue
    else { throw BenchFailure("an event of the rivals has other fields than expected") }
    return StreamOrder(
      orderID: orderID, eventID: eventID, customer: customer, at: try RFC3339.parse(at), cents: try MinorUnits.parse(amount, digits: 2), items: items)
  }

  // MARK: - Made here, where the rivals are not

  /// As many orders by a third as many customers over 18 months, one in a hundred delivered twice.
  static func made(count: Int, seed: UInt64 = 20_260_101) -> OrderStream {
    var random = Draw(seed: seed)
    let distinct = max(1, count - count / 100)
    let first: Int64 = 852_076_800
    let span: Int64 = 546 * 86_400
    var orders = (0..<distinct).map { number in
      StreamOrder(
        orderID: "MD-\(number)", eventID: "MD-\(number)-1", customer: "m-\(random.below(max(1, distinct / 3)))",
        at: (first + Int64(number) * span / Int64(distinct)) * 1_000_000, cents: Int64(100 + random.below(20_000)), items: 1 + random.below(5))
    }
    while orders.count < count {
      let place = random.below(orders.count)
      orders.insert(orders[place], at: min(orders.count, place + 1 + random.below(20_000)))
    }
    return OrderStream(orders: orders)
  }
}

/// Chance that a seed repeats (SplitMix64).
struct Draw: Sendable {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Draw.mixed(state)
  }

  mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }

  static func mixed(_ bits: UInt64) -> UInt64 {
    var mixed = bits
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension StreamOrder {
  /// The fact that `ingest` makes of it.
  var event: OrderEvent {
    let currency = Currency(OrderStream.currency)
    return OrderEvent(
      kind: .order, source: OrderStream.source, eventID: eventID, orderID: orderID, occurredAt: Instant(microseconds: at),
      paidAt: Instant(microseconds: at), money: Money(minorUnits: cents, currency: currency ?? .cny), baseMinorUnits: cents, channel: "web",
      identifiers: [Identifier(kind: .memberID, value: customer)], lines: [OrderLine(sku: "CD", quantity: String(items), minorUnits: cents)])
  }

  /// The same as a public input record, in the contract of `in.orders.v1`.
  var input: [UInt8] {
    JSONValue.object([
      JSONMember("order_id", .text(orderID)), JSONMember("occurred_at", .text(RFC3339.text(at))), JSONMember("status", "paid"),
      JSONMember("total", .text(MinorUnits.text(cents, digits: 2))), JSONMember("currency", .text(OrderStream.currency)), JSONMember("channel", "web"),
      JSONMember("customer", ["member_id": .text(customer)]),
    ]).encoded
  }
}

/// Orders as `ingest` publishes them: key, partition, headers and lane numbers.
struct IngestRecords {
  private let keys: KeyedHasher
  private let partitions: Int32
  private let inputPartitions: Int32
  private var lanes = LaneTable()
  private var published = 0

  /// - Parameter inputPartitions: of `in.orders.v1`; each is a lane.
  init(partitions: Int, inputPartitions: Int = 2) throws {
    keys = try KeyedHasher(key: Array(Ground.pseudonymKey.utf8))
    self.partitions = Int32(partitions)
    self.inputPartitions = Int32(inputPartitions)
  }

  mutating func record(_ order: StreamOrder) throws -> OutgoingRecord {
    let event = order.event
    let home = try keys.hash(word: UInt8(truncatingIfNeeded: IdentifierKind.memberID.rawValue), order.customer)
    let key = Array(IdentityKey(high: home.high, low: home.low).hexadecimal.utf8)
    let partition = Murmur2.partition(key: key, count: partitions) ?? 0
    let lane = LaneTable.lane(
      service: "ingest", topic: Topics.ordersIn.name, partition: Murmur2.partition(key: Array(order.customer.utf8), count: inputPartitions) ?? 0)
    let number = "\(lane)>\(partition)"
    lanes[number] += 1
    published += 1
    return OutgoingRecord(
      topic: Topics.orders.name, partition: partition, key: key, value: JSONWriter.bytes { event.write(to: &$0) },
      headers: [
        KafkaHeader(Header.specVersion, "1.0"), KafkaHeader(Header.id, event.source + "/" + event.eventID), KafkaHeader(Header.source, "/clientele/ingest"),
        KafkaHeader(Header.type, EventType.order), KafkaHeader(Header.time, RFC3339.text(event.occurredAt.microseconds)),
        KafkaHeader(Header.contentType, "application/json"), KafkaHeader(Header.lane, lane), KafkaHeader(Header.sequence, String(lanes[number])),
        KafkaHeader(Header.traceParent, IngestRecords.trace(published)),
      ])
  }

  /// Of the length of a real one.
  private static func trace(_ number: Int) -> String {
    func hex(_ salt: UInt64) -> String {
      let digits = String(Draw.mixed(UInt64(number) &+ salt) | 1, radix: 16)
      return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
    return "00-\(hex(1))\(hex(2))-\(hex(3))-01"
  }
}
