// Snapshots of a few customers over time, played in any order, batches and timing.
import Contracts
import Domain
import TieringCore

struct SnapshotStream {
  enum Step {
    case batch([ReceivedSnapshot], RatingMoment)
    case due(RatingMoment)
  }

  var items: [ReceivedSnapshot] = []

  init(seed: UInt64) {
    var random = SplitMix(seed)
    for id in 1...Int64.random(in: 2...5, using: &random) {
      var days: [(String, Int32, Int64)] = []
      for version in 1...Int64.random(in: 1...6, using: &random) {
        let month = Int.random(in: 1...6, using: &random)
        days.append(("1998-0\(month)-1\(Int.random(in: 0...9, using: &random))", 1, Int64.random(in: 1...20_000_000, using: &random)))
        // Some are merged and come back, and some stay merged.
        let isMerged = Int.random(in: 0..<5, using: &random) == 0
        items.append(received(isMerged ? snapshot(id, version, merged: id + 100) : snapshot(id, version, days)))
      }
    }
  }

  /// One way through: shuffled, some twice, cut into batches, with pauses around the minute between them, and all due work done at the end.
  func play(_ random: inout SplitMix, _ act: (Step) throws -> Void) throws {
    var order = items + items.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    order.shuffle(using: &random)
    var seconds: Int64 = 0
    var rest = order[...]
    while !rest.isEmpty {
      let batch = rest.prefix(Int.random(in: 1...5, using: &random))
      rest = rest.dropFirst(batch.count)
      try act(.batch(Array(batch), moment("1998-07-01", seconds: seconds)))
      seconds += Int64.random(in: 0...50, using: &random)
      if Bool.random(using: &random) { try act(.due(moment("1998-07-01", seconds: seconds))) }
    }
    try act(.due(moment("1998-07-01", seconds: seconds + 60)))
  }

  /// What must be the same: everything but versions and when it was rated. Of a merged customer only that it is merged.
  struct Essence: Equatable {
    var profileVersion: Int64
    var mergedInto: CustomerID?
    var tier: TierID?
    var decided: TierID?
    var proposed: TierID?
    var exact: Rational?
    var values: IndicatorValues?
    var nextReview: Day?
    var rateAfter: Instant?
  }

  static func essence(_ customers: some Sequence<RatedCustomer>) -> [CustomerID: Essence] {
    var result: [CustomerID: Essence] = [:]
    for customer in customers {
      let standing = customer.mergedInto == nil ? customer.standing : nil
      result[customer.id] = Essence(
        profileVersion: customer.profileVersion, mergedInto: customer.mergedInto, tier: standing?.rating.tier,
        decided: standing?.rating.decided, proposed: standing?.proposed, exact: standing?.rating.exactScore,
        values: standing?.inputs.values, nextReview: standing?.rating.nextReview, rateAfter: customer.rateAfter)
    }
    return result
  }
}
