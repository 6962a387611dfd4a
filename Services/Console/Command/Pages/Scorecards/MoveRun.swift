// Who would move by another scorecard, asked of the tiering service line by line: sums of everybody, and examples of those who matter most (T-10).
import Domain
import HTTP
import Text

/// Customers who would move, as far as a page shows them.
struct Moves: Sendable {
  struct Customer: Sendable {
    let id: String
    let member: String?
    let from: String
    let to: String
    let score: Int64?
    let scoreThen: Int64?
    /// Net spend of 12 months, minor units.
    let revenue: Int64
  }

  /// By which rules, of which day, with the tiers.
  let head: JSONValue
  let summary: JSONValue
  /// Those with the largest revenue of each move, or all.
  let customers: [Customer]
}

/// How an asking ended.
enum MoveOutcome: Sendable {
  case moved(Moves)
  /// The page waits no longer.
  case late
  /// Another one runs.
  case busy
  case refused(PeerFailure)
}

struct MoveRun {
  /// A page waits no longer than this; with many more customers the operator's tool does it.
  static let millisecondsMax = 25_000
  /// Of one kind of move on a page.
  private static let examplesMax = 5
  /// In a file.
  private static let allMax = 50_000

  private var head: JSONValue?
  private var summary: JSONValue?
  private var kept: [String: [Moves.Customer]] = [:]
  private var count = 0
  private let keepsAll: Bool

  private init(keepsAll: Bool) { self.keepsAll = keepsAll }

  /// What a file would make of all customers; nothing is put on record.
  ///
  /// - Parameters:
  ///   - listed: whether customers are asked for, and not only their sums.
  ///   - keepsAll: whether all of them are kept, and not only examples.
  static func of(_ yaml: String, _ api: PeerAPI, listed: Bool = true, keepsAll: Bool = false) async -> MoveOutcome {
    let request = ClientRequest(
      .post, "/v1/scorecards/simulations?lines=" + (listed ? "moved" : "none"), headers: ["Content-Type": "application/yaml"], body: Array(yaml.utf8))
    return await run(request, api, keepsAll: keepsAll)
  }

  /// The same of a registered one, put on record.
  static func record(_ path: String, seen: String, reason: String, _ api: PeerAPI) async -> MoveOutcome {
    let body = api.acting(["reason": .text(reason)])
    let request = ClientRequest(
      .post, path + "/simulation?lines=none", headers: ["Content-Type": "application/json", "If-Match": seen], body: body.encoded)
    return await run(request, api, keepsAll: false)
  }

  private static func run(_ request: ClientRequest, _ api: PeerAPI, keepsAll: Bool) async -> MoveOutcome {
    var run = MoveRun(keepsAll: keepsAll)
    do throws(PeerFailure) {
      guard try await api.lines(.tiering, request, milliseconds: millisecondsMax, { run.take($0) }) else { return .late }
    } catch {
      if case .refused(503, _, _, _) = error { return .busy }
      return .refused(error)
    }
    guard let head = run.head, let summary = run.summary else { return .refused(.away(.tiering)) }
    return .moved(Moves(head: head, summary: summary, customers: run.sorted))
  }

  private mutating func take(_ line: JSONValue) {
    if head == nil {
      head = line
    } else if line["end"]?.booleanValue == true {
      summary = line["summary"]
    } else if let id = line["customer_id"]?.stringValue, let from = line["tier"]?.stringValue, let to = line["tier_then"]?.stringValue, from != to {
      add(
        Moves.Customer(
          id: id, member: line["member_id"]?.stringValue, from: from, to: to, score: line["score"]?.int64Value, scoreThen: line["score_then"]?.int64Value,
          revenue: line["monetary"]?.int64Value ?? 0))
    }
  }

  private mutating func add(_ customer: Moves.Customer) {
    let move = customer.from + " " + customer.to
    if keepsAll {
      guard count < MoveRun.allMax else { return }
      count += 1
      kept[move, default: []].append(customer)
      return
    }
    var best = kept[move, default: []]
    guard best.count < MoveRun.examplesMax || customer.revenue > best[best.count - 1].revenue else { return }
    let place = best.firstIndex { $0.revenue < customer.revenue } ?? best.count
    best.insert(customer, at: place)
    kept[move] = Array(best.prefix(MoveRun.examplesMax))
  }

  private var sorted: [Moves.Customer] {
    kept.values.flatMap { $0 }.sorted { ($1.revenue, $0.id) < ($0.revenue, $1.id) }
  }
}
