// How often customers of a real shop go to and fro between tiers, with and without what is done against it (T-09).
import Contracts
import Documents
import Domain
import Glibc
import Testing
import TieringCore
import TieringStore

@Suite("Flapping on real orders")
struct FlappingTests {
  private static let root = String(#filePath.dropLast("Tests/TieringTests/FlappingTests.swift".count))
  private static let file = root + "../shared/data/online-retail/online-retail.csv.gz"
  private static let isThere = access(file, R_OK) == 0 && run("command -v python3")?.isEmpty == false
  private static let outputBytesMax = 16 << 20
  /// A customer that is back in a tier it left so few days ago has flapped.
  private static let flapDays = 90

  /// Yuan for a pound, so that the scorecard's curves fit: each line is a customer, a day, its paid orders and its net spend in minor units.
  private static let script = """
    import csv, gzip, io, sys, collections
    orders, spend = collections.defaultdict(set), collections.Counter()
    with gzip.open(sys.argv[1]) as packed:
      for row in csv.DictReader(io.TextIOWrapper(packed, encoding="utf-8", errors="replace")):
        if not row["CustomerID"]: continue
        key = (int(float(row["CustomerID"])), row["InvoiceDate"][:10])
        spend[key] += round(int(row["Quantity"]) * float(row["UnitPrice"]) * 900)
        if not row["InvoiceNo"].startswith("C"): orders[key].add(row["InvoiceNo"])
    for key in sorted(spend, key=lambda key: (key[1], key[0])): print(key[0], key[1], len(orders[key]), spend[key])
    """

  private static func run(_ command: String) -> String? {
    guard let pipe = popen(command, "r") else { return nil }
    var bytes = [UInt8](repeating: 0, count: outputBytesMax)
    let count = fread(&bytes, 1, bytes.count, pipe)
    return pclose(pipe) == 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }

  private struct Purchase {
    let customer: CustomerID
    let day: Day
    let entry: DayEntry
  }

  private func purchases() throws -> [Purchase] {
    let output = try #require(Self.run("python3 -c '\(Self.script)' '\(Self.file)'"))
    return output.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: " ")
      guard parts.count == 4, let id = Int64(parts[0]), let day = Day(String(parts[1])), let orders = Int32(parts[2]), let spend = Int64(parts[3]) else {
        return nil
      }
      return Purchase(customer: customer(id), day: day, entry: DayEntry(day: day, paidOrders: orders, countedOrders: orders, spend: spend))
    }
  }

  /// What became of everybody's tiers.
  private struct Outcome {
    var customers = 0
    var moves = 0
    var flaps = 0
    var text: String { "\(customers) customers, \(moves) moves, \(flaps) of them back within \(FlappingTests.flapDays) days" }
  }

  /// Lives through all days as the service does: what is due first, then the day's purchases.
  private func live(_ purchases: [Purchase], _ rules: TieringRules) throws -> Outcome {
    var store = MemoryTieringStore()
    var days: [CustomerID: [DayEntry]] = [:]
    var versions: [CustomerID: Int64] = [:]
    guard let first = purchases.first?.day, let last = purchases.last?.day else { return Outcome() }
    var rest = purchases[...]
    for number in 0...(last - first) {
      let day = first + number
      let now = RatingMoment(
        business: BusinessZone.utc.startOfDay(day).adding(seconds: 43_200), real: Instant(seconds: Int64(number) * 86_400))
      let due = store.dueDays.filter { $0.value <= day }.map(\.key)
      for id in due { store.dueDays[id] = nil }
      for (id, next) in try TieringBatch.dayCame(due, &store, rules: rules, at: now).nextDays { store.dueDays[id] = next }
      let today = rest.prefix { $0.day == day }
      rest = rest.dropFirst(today.count)
      let items = today.map { purchase -> ReceivedSnapshot in
        days[purchase.customer, default: []].append(purchase.entry)
        versions[purchase.customer, default: 0] += 1
        return ReceivedSnapshot(
          ProfileSnapshot(
            customer: purchase.customer, version: versions[purchase.customer] ?? 1, asOf: day, firstSeenAt: now.business, stage: .active,
            currency: .cny, ledger: DayLedger(contributions: days[purchase.customer] ?? [])), madeAt: now.business)
      }
      _ = try TieringBatch.receive(items, &store, rules: rules, at: RatingMoment(business: now.business, real: now.real.adding(seconds: 3_600)))
    }
    return count(store.history, customers: versions.count)
  }

  private func count(_ history: [RatingRecord], customers: Int) -> Outcome {
    var outcome = Outcome(customers: customers)
    var left: [CustomerID: [TierID: Day]] = [:]
    for record in history {
      guard let before = record.tierBefore, before != record.standing.rating.tier else { continue }
      outcome.moves += 1
      let day = record.standing.ratedDay
      if let leaving = left[record.customer]?[record.standing.rating.tier], day - leaving <= Self.flapDays { outcome.flaps += 1 }
      left[record.customer, default: [:]][before] = day
    }
    return outcome
  }

  @Test(
    "Borders with a width of two points and steps take away a good part of the going to and fro, and few of the moves that are meant",
    .enabled(if: isThere, "needs shared/data/online-retail beside the repository, and python3"))
  func onlineRetail() throws {
    let purchases = try purchases()
    var rules = try Shipped.rules()
    let without = try live(purchases, rules)
    rules.decisions = DecisionRules(steadiness: try Shipped.policies().content.steadiness, review: .none)
    let with = try live(purchases, rules)
    print("flapping on Online Retail without: \(without.text); with: \(with.text)")
    #expect(without.customers == with.customers)
    #expect(with.flaps * 2 <= without.flaps, "at most half as many")
    #expect(with.moves * 2 >= without.moves)
  }
}
