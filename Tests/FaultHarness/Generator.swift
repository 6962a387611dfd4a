// The stream of order events that a run publishes, and what it must come to: both from one seed.

/// One record as it is published.
public struct InputRecord: Sendable, Equatable {
  public enum Stream: Sendable { case orders, customers }
  public let stream: Stream
  public let key: String
  public let value: String
  /// Header `source`, which the service takes for the record's.
  public let source: String
}

/// What a record is to the suite, known without it.
public enum InputMeaning: UInt8, Sendable {
  /// Says something new.
  case fact
  /// The bytes of an earlier record once more.
  case repetition
  /// Must be refused.
  case invalid
}

/// How the stream is mixed.
public struct GeneratorMix: Sendable {
  public var customers: Int
  /// In a thousand records.
  public var repeatsPerMille = 50
  public var invalidPerMille = 10
  public var registrationsPerMille = 20
  /// Of a thousand customers so many belong to a pair that a shared telephone makes one person.
  public var mergedPerMille = 60

  public init(customers: Int) { self.customers = max(2, customers) }
}

/// Makes record after record and keeps the truth while it does so. The truth counts what was made; that all of it was stored is asked of
/// the input topics' logs.
public struct Generator: Sendable {
  /// The last business day; the suite's clock stands there.
  public static let clock = "2026-06-30"
  /// Orders lie in so many days before it, all within the twelve months that count.
  static let days = 300
  static let orderSource = "shop"
  static let customerSource = "crm"
  /// How far back a repetition, a refund or a conflict may reach, in records.
  static let memory = 4_096

  public private(set) var truth: Truth
  private let mix: GeneratorMix
  private var random: SeededRandom
  private var recent: [InputRecord] = []
  private var waiting: [InputRecord] = []
  /// Orders by the place of their first record, so that a refused contradiction comes after what it contradicts.
  private var recentOrders: [Int] = []
  private var registrations = 0

  public init(seed: UInt64, mix: GeneratorMix) {
    self.mix = mix
    random = SeededRandom(seed: seed, part: "events")
    truth = Truth(customers: mix.customers)
  }

  /// Records that belong to one that was given out: the stream must not end before them.
  public var hasMore: Bool { !waiting.isEmpty }

  /// The next record; its number is its place in `truth.meanings`.
  public mutating func next() -> InputRecord {
    if !waiting.isEmpty { return emit(waiting.removeFirst(), .fact) }
    let draw = random.below(1_000)
    var border = mix.repeatsPerMille
    if draw < border, !recent.isEmpty { return emit(recent[random.below(recent.count)], .repetition) }
    border += mix.invalidPerMille
    if draw < border { return emit(invalid(), .invalid) }
    border += mix.registrationsPerMille
    if draw < border { return emit(registration(), .fact) }
    border += 60
    if draw < border, let record = refund() { return emit(record, .fact) }
    border += 15
    if draw < border, let record = cancellation() { return emit(record, .fact) }
    border += 25
    if draw < border, let record = revision() { return emit(record, .fact) }
    return emit(order(), .fact)
  }

  private mutating func emit(_ record: InputRecord, _ meaning: InputMeaning) -> InputRecord {
    truth.meanings.append(meaning)
    truth.streams.append(record.stream == .orders)
    if meaning == .fact {
      if recent.count < Generator.memory { recent.append(record) } else { recent[random.below(recent.count)] = record }
    }
    return record
  }

  // MARK: - Orders

  private func orders(_ order: Int, _ fields: String) -> InputRecord {
    InputRecord(stream: .orders, key: "O\(order)", value: "{\(fields)}", source: Generator.orderSource)
  }

  private func header(_ order: Int) -> String {
    let entry = truth.orders[order]
    return "\"order_id\":\"O\(order)\",\"revision\":\(entry.revision),\"occurred_at\":\"\(Generator.moment(entry.day))\","
      + "\"status\":\"\(entry.isPaidAtOnce ? "paid" : "placed")\",\"total\":\"\(Generator.money(entry.total))\","
      + "\"customer\":{\"member_id\":\"\(Truth.member(Int(entry.customer)))\"}"
  }

  private mutating func order() -> InputRecord {
    let number = truth.orders.count
    var entry = Truth.Order(
      customer: Int32(random.below(mix.customers)), day: Int16(random.below(Generator.days)), total: Int32(random.within(100...99_999)))
    entry.isPaidAtOnce = random.chance(perMille: 800)
    // Some of the others are paid by a record of their own, of which some come before their order, and the rest never.
    let isPaidLater = !entry.isPaidAtOnce && random.chance(perMille: 750)
    if isPaidLater { entry.payment = entry.total }
    truth.orders.append(entry)
    truth.expect("\(Generator.orderSource)/order/O\(number)/1")
    remember(number)
    let record = orders(number, header(number))
    guard isPaidLater else { return record }
    truth.expect("\(Generator.orderSource)/payment/O\(number)/P\(number)")
    let payment = orders(
      number, "\"type\":\"payment\",\"order_id\":\"O\(number)\",\"reference\":\"P\(number)\",\"occurred_at\":\"\(Generator.moment(entry.day))\","
        + "\"amount\":\"\(Generator.money(entry.total))\"")
    if random.chance(perMille: 200) {
      waiting.append(record)
      return payment
    }
    waiting.append(payment)
    return record
  }

  private mutating func remember(_ order: Int) {
    if recentOrders.count < Generator.memory { recentOrders.append(order) } else { recentOrders[random.below(recentOrders.count)] = order }
  }

  private mutating func someOrder(where isFit: (Truth.Order) -> Bool) -> Int? {
    for _ in 0..<4 where !recentOrders.isEmpty {
      let number = recentOrders[random.below(recentOrders.count)]
      if isFit(truth.orders[number]) { return number }
    }
    return nil
  }

  private mutating func refund() -> InputRecord? {
    guard let number = someOrder(where: { $0.refund < 0 && !$0.isCancelled && ($0.isPaidAtOnce || $0.payment >= 0) }) else { return nil }
    let total = truth.orders[number].total
    let amount = random.chance(perMille: 400) ? total : max(1, total / 3)
    truth.orders[number].refund = amount
    truth.expect("\(Generator.orderSource)/refund/O\(number)/R\(number)")
    return orders(
      number, "\"type\":\"refund\",\"order_id\":\"O\(number)\",\"reference\":\"R\(number)\",\"occurred_at\":\"\(Generator.moment(truth.orders[number].day))\","
        + "\"amount\":\"\(Generator.money(amount))\"")
  }

  private mutating func cancellation() -> InputRecord? {
    guard let number = someOrder(where: { !$0.isCancelled }) else { return nil }
    truth.orders[number].isCancelled = true
    truth.expect("\(Generator.orderSource)/cancellation/O\(number)")
    return orders(number, "\"type\":\"cancellation\",\"order_id\":\"O\(number)\",\"occurred_at\":\"\(Generator.moment(truth.orders[number].day))\"")
  }

  private mutating func revision() -> InputRecord? {
    guard let number = someOrder(where: { $0.revision == 1 && !$0.isCancelled && $0.refund < 0 }) else { return nil }
    truth.orders[number].revision = 2
    truth.orders[number].total = Int32(random.within(100...99_999))
    truth.expect("\(Generator.orderSource)/order/O\(number)/2")
    return orders(number, header(number))
  }

  // MARK: - Registrations

  private mutating func registration() -> InputRecord {
    registrations += 1
    let customer = random.below(mix.customers)
    var person = "\"member_id\":\"\(Truth.member(customer))\""
    // Neighbours share a verified telephone; the second of them to register makes both one.
    let pair = customer / 2
    if random.chance(perMille: 500), pair * 2 + 1 < mix.customers, pair % max(1, 1_000 / max(1, mix.mergedPerMille)) == 0 {
      person += ",\"phone\":\"+86139\(String(pair + 100_000_000).suffix(8))\",\"phone_verified\":true"
      truth.register(customer, withPhoneOf: pair)
    }
    truth.customerFacts += 1
    truth.expect("\(Generator.customerSource)/E\(registrations)")
    let value = "{\"event_id\":\"E\(registrations)\",\"occurred_at\":\"\(Generator.moment(Int16(random.below(Generator.days))))\",\"customer\":{\(person)}}"
    truth.see(customer)
    return InputRecord(stream: .customers, key: Truth.member(customer), value: value, source: Generator.customerSource)
  }

  // MARK: - Invalid records

  private mutating func invalid() -> InputRecord {
    let number = truth.meanings.count
    let when = "\"occurred_at\":\"\(Generator.moment(1))\""
    let who = "\"customer\":{\"member_id\":\"M1\"}"
    switch random.below(6) {
    case 0: return bad(number, "\"order_id\":\"X\(number)\",\(when),\"status\":\"paid\",\"total\":\"1.00\"")
    case 1: return bad(number, "\"order_id\":\"X\(number)\",\(when),\"status\":\"paid\",\"total\":\"-1.00\",\(who)")
    case 2: return bad(number, "\"order_id\":\"X\(number)\",\"status\":\"paid\",\"total\":\"1.00\",\(who)")
    case 3: return bad(number, "\"order_id\":\"X\(number)\",\(when),\"total\":\"1.00\",")
    case 4: return bad(number, "\"order_id\":\"X\(number)\",\(when),\"currency\":\"QQQ\",\"total\":\"1.00\",\(who)")
    default:
      // Says something else about an order that stands: the first stands, this is refused.
      guard let order = someOrder(where: { $0.revision == 1 }) else { return bad(number, "\"total\":\"1.00\"") }
      let entry = truth.orders[order]
      return orders(
        order, "\"order_id\":\"O\(order)\",\"occurred_at\":\"\(Generator.moment(entry.day))\",\"status\":\"paid\",\"total\":\"1000.0\(number % 10)\","
          + "\"customer\":{\"member_id\":\"\(Truth.member(Int(entry.customer)))\"}")
    }
  }

  private func bad(_ number: Int, _ fields: String) -> InputRecord {
    InputRecord(stream: .orders, key: "X\(number)", value: "{\(fields)}", source: Generator.orderSource)
  }

  // MARK: - Words

  static func money(_ minorUnits: Int32) -> String {
    let cents = String(minorUnits % 100)
    return "\(minorUnits / 100).\(cents.utf8.count < 2 ? "0" : "")\(cents)"
  }

  /// A moment so many days before the clock's day, at noon in its zone.
  static func moment(_ daysBefore: Int16) -> String {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    var (year, month, day) = (2026, 6, 30 - Int(daysBefore))
    while day < 1 {
      month -= 1
      if month == 0 { (year, month) = (year - 1, 12) }
      day += lengths[month - 1]
    }
    return "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)T12:00:00+08:00"
  }
}
