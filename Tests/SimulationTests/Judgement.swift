// What must hold when everything has come to rest: tables against the truth, topics against the promises made about them.
import Contracts
import Domain
import Handling
import Kafka
import ProfileCore
import Text
import TieringCore

@testable import Messaging
@testable import profile
@testable import tiering

extension World {
  /// What does not hold; empty when all is well.
  func judge() -> [String] {
    guard problems.isEmpty else { return problems }
    judgeLanes()
    judgeFacts()
    judgeQuarantine()
    judgeCustomers()
    judgeSnapshots()
    judgeLateReaders()
    return problems
  }

  private func service(_ name: String) -> Tables? { services.first { $0.name == name }?.tables }

  // MARK: - Lanes

  private struct Numbered: Hashable {
    let place: TopicPartition
    let lane: String
    let sequence: Int64
  }

  private static func text(_ record: KafkaRecord, _ header: String) -> String { record.header(header).map { String(decoding: $0, as: UTF8.self) } ?? "" }

  /// Of a snapshot, whose id is "customer:version".
  /// Each number of a lane stands for one record, or for a state that may have moved on when it is sent anew, and in every partition the numbers begin
  /// at 1 and go on without a gap.
  private func judgeLanes() {
    var seen: [Numbered: KafkaRecord] = [:]
    var last: [String: Int64] = [:]
    for place in kafka.places where !place.topic.hasPrefix("in.") {
      for record in kafka.log(place).records {
        let lane = World.text(record, Header.lane)
        let sequence = Int64(World.text(record, Header.sequence)) ?? 0
        let key = Numbered(place: place, lane: lane, sequence: sequence)
        if let first = seen[key] {
          let isSame = first.value == record.value && World.text(first, Header.id) == World.text(record, Header.id)
          // What was sent anew, and what a former owner still had under way, may lie there in either order.
          if first.key != record.key || !(isSame || place.topic == Topics.profiles.name) {
            problem("\(lane) \(sequence) in \(place) is two different records: \(World.text(first, Header.id)), \(World.text(record, Header.id))")
          }
          continue
        }
        seen[key] = record
        let counter = "\(lane) > \(place)"
        if sequence != (last[counter] ?? 0) + 1 { problem("\(counter) goes from \(last[counter] ?? 0) to \(sequence)") }
        last[counter] = sequence
      }
    }
    for service in services {
      for (lane, position) in service.tables.positions.committed {
        for (destination, count) in position.lanesOut.numbers where last["\(lane) > \(destination)"] != count {
          problem("\(lane) gave out \(count) numbers for \(destination), its log has \(last["\(lane) > \(destination)"] ?? 0)")
        }
      }
    }
  }

  /// The records of a topic, repeats of the same number left out.
  private func once(_ topic: String) -> [KafkaRecord] {
    var seen: Set<Numbered> = []
    return kafka.places.filter { $0.topic == topic }.flatMap { place in
      kafka.log(place).records.filter {
        seen.insert(Numbered(place: place, lane: World.text($0, Header.lane), sequence: Int64(World.text($0, Header.sequence)) ?? 0)).inserted
      }
    }
  }

  // MARK: - Facts and refusals

  private func judgeFacts() {
    var counts: [String: Int] = [:]
    for topic in [Topics.orders, Topics.customers, Topics.behaviours] {
      for record in once(topic.name) { counts[World.text(record, Header.id), default: 0] += 1 }
    }
    let truth = Truth(workload.told)
    for id in truth.facts.subtracting(counts.keys).sorted() { problem("fact \(id) was never published") }
    for (id, count) in counts.sorted(by: { $0.key < $1.key }) {
      if !truth.facts.contains(id) { problem("fact \(id) was published and never told") }
      if count != 1 { problem("fact \(id) was published \(count) times") }
    }
  }

  private func judgeQuarantine() {
    guard let ingest = service("ingest") else { return }
    let refused = ingest.quarantine.committed.map { Stand(place: TopicPartition(topic: $0.row.topic, partition: $0.row.partition), offset: $0.row.offset) }
    let counts = Dictionary(refused.map { ($0, 1) }, uniquingKeysWith: +)
    for (stand, count) in counts.sorted(by: { ($0.key.place, $0.key.offset) < ($1.key.place, $1.key.offset) }) where count != 1 {
      problem("\(stand.place)@\(stand.offset) is in quarantine \(count) times")
    }
    var expected: Set<Stand> = []
    var rivals: [String: [[Stand]]] = [:]
    for (_, input) in workload.stands {
      switch input.fate {
      case .good: break
      case .bad: expected.formUnion(input.stands)
      case .rival(let key): rivals[key, default: []].append(input.stands)
      }
    }
    for (key, contents) in rivals {
      let losers = contents.filter { stands in stands.contains { counts[$0] != nil } }
      if losers.count != contents.count - 1 { problem("of \(contents.count) contents of \(key) \(losers.count) were refused") }
      for stands in losers { expected.formUnion(stands) }
    }
    let missing = expected.subtracting(counts.keys)
    let unexpected = Set(counts.keys).subtracting(expected)
    if let one = missing.first { problem("\(missing.count) records are not in quarantine, as \(one.place)@\(one.offset)") }
    if let one = unexpected.first { problem("\(unexpected.count) good records are in quarantine, as \(one.place)@\(one.offset)") }
    let parked = [Topics.ordersIn, Topics.customersIn].reduce(0) { $0 + once(Topics.parked("ingest", $1.name).name).count }
    if parked != refused.count { problem("\(refused.count) records are in quarantine and \(parked) were parked") }
    for name in ["profile", "tiering"] {
      for (_, row) in service(name)?.quarantine.committed ?? [] { problem("\(name) refused \(row.topic)/\(row.partition)@\(row.offset) for \(row.faults)") }
    }
  }

  // MARK: - Customers

  /// What was published, as plain facts: who was named, and each one's home.
  private func facts() -> Published? {
    var published = Published()
    do {
      for record in once(Topics.orders.name) {
        let event = try (record.value ?? []).withUnsafeBytes { bytes in
          var reader = JSONReader(bytes)
          return try OrderEvent(reading: &reader)
        }
        try published.add(event.identifiers, at: event.occurredAt, event.eventID, setting.profileEnvironment)
        let key = event.orderID.map { "\(event.source) \($0)" } ?? "\(event.source) note \(event.reference)"
        published.homes[key] = event.identifiers.first.map { Name(kind: $0.kind, value: $0.value) }
      }
      for record in once(Topics.customers.name) {
        let event = try (record.value ?? []).withUnsafeBytes { bytes in
          var reader = JSONReader(bytes)
          return try CustomerEvent(reading: &reader)
        }
        try published.add(event.identifiers, at: event.occurredAt, event.eventID, setting.profileEnvironment)
        published.homes["\(event.source) registration \(event.eventID)"] = event.identifiers.first.map { Name(kind: $0.kind, value: $0.value) }
      }
      for record in once(Topics.behaviours.name) {
        let event = try (record.value ?? []).withUnsafeBytes { bytes in
          var reader = JSONReader(bytes)
          return try BehaviourEvent(reading: &reader)
        }
        try published.add(event.identifiers, at: event.occurredAt, event.eventID, setting.profileEnvironment)
        published.homes["\(event.source) visit \(event.eventID)"] = event.identifiers.first.map { Name(kind: $0.kind, value: $0.value) }
      }
    } catch {
      problem("what was published cannot be read: \(error)")
      return nil
    }
    return published
  }

  /// Where people decided, who is who is worked out at once from all that was published and all that was decided, without tables, lanes and batches.
  private func truth(_ profile: Tables) -> Truth {
    let decisions = profile.decisions.committed.map(\.row)
    guard !decisions.isEmpty, let published = facts() else { return Truth(workload.told) }
    var board = IdentityBoard(rules: setting.profileEnvironment.rules.identity)
    board.load(decisions)
    for sighting in published.sightings { board.apply(sighting) }
    board.complete(board.identities.keys)
    board.regroup()
    var owners: [Name: CustomerID] = [:]
    for (key, identity) in board.identities {
      owners[Name(kind: identity.kind, value: identity.value)] = identity.customer
      if profile.identities.rows[key]?.customer != identity.customer {
        let stored = profile.identities.rows[key].map { "\($0.customer)" } ?? "nobody"
        problem("\(identity.kind.name) \(identity.value) is \(stored)'s; by what was told and decided it is \(identity.customer)'s")
      }
    }
    return Truth(workload.told, owners: owners, homes: published.homes)
  }

  /// What rules give on this day by the truth, and what people gave to the identities of the customer and holds.
  private func judgeTags(_ customer: Customer, _ person: Truth.Person, _ profile: Tables) {
    let today = BusinessZone.utc.day(of: clock.now())
    var attributes = CustomerAttributes()
    if let industry = person.industry { _ = attributes.state(.industry, .init(value: industry, at: clock.now(), eventID: "")) }
    let ledger = DayLedger(
      contributions: person.days.map {
        DayEntry(day: $0.key, paidOrders: Int32($0.value.paid), countedOrders: Int32($0.value.counted), spend: $0.value.spend)
      })
    let view = TagView(ledger: ledger, attributes: attributes, interactions: [])
    let derived = Tagger(setting.profileEnvironment.rules, today: today).tags(view)
    let members = Set(profile.identities.committed.map(\.row).filter { $0.customer == customer.id }.map(\.id))
    let manual = profile.manualTags.committed.map(\.row).filter { members.contains($0.identity) && $0.holdsNow(on: today) }.map(\.tag)
    let expected = CustomerTags(derived: derived, manual: manual)
    if customer.tags != expected { problem("customer \(customer.id) has the tags `\(customer.tags.text)`, by the truth `\(expected.text)`") }
  }

  private func judgeCustomers() {
    guard let profile = service("profile"), let tiering = service("tiering") else { return }
    var members: [CustomerID: Set<Name>] = [:]
    for (_, identity) in profile.identities.committed { members[identity.customer, default: []].insert(Name(kind: identity.kind, value: identity.value)) }
    let persons = Dictionary(truth(profile).persons.map { ($0.names, $0) }) { first, _ in first }
    for (id, customer) in profile.customers.committed {
      guard let rated = tiering.rated.rows[id] else {
        problem("tiering does not know customer \(id)")
        continue
      }
      if rated.profileVersion != customer.version { problem("tiering has version \(rated.profileVersion) of customer \(id), profile \(customer.version)") }
      guard customer.mergedInto == nil else {
        if rated.mergedInto != customer.mergedInto { problem("tiering does not know that \(id) was merged") }
        if tiering.proposals.rows[id] != nil { problem("customer \(id) was merged and still waits for a person") }
        continue
      }
      guard let person = persons[members[id] ?? []] else {
        problem("customer \(id) is nobody: \((members[id] ?? []).sorted().map(\.value))")
        continue
      }
      let days = Dictionary(customer.ledger.days.map { ($0.day, Truth.DaySum(paid: Int($0.paidOrders), counted: Int($0.countedOrders), spend: $0.spend)) }) {
        first, _ in first
      }
      if days != person.days { problem("customer \(id) \(person.names.sorted().map(\.value)): days \(customer.ledger.days), truth \(person.days)") }
      if customer.attributes[.industry] != person.industry { problem("customer \(id) has industry \(customer.attributes[.industry] ?? "-")") }
      if customer.lastInteractionDay != person.lastVisit || rated.lastContactDay != person.lastVisit {
        problem("customer \(id) was last in touch on \(person.lastVisit.map(\.description) ?? "no day"); profile and tiering say otherwise")
      }
      judgeTags(customer, person, profile)
      judgePlaces(customer, profile)
      judgeTier(id, rated, person)
    }
    if members.count != persons.count { problem("\(persons.count) persons are \(members.count) customers") }
  }

  /// Whether a customer's row says exactly where its orders lie, and the daily round will come to it in time.
  private func judgePlaces(_ customer: Customer, _ profile: Tables) {
    let members = Set(profile.identities.committed.map(\.row).filter { $0.customer == customer.id }.map(\.id))
    let months = Set(profile.orders.committed.filter { members.contains($0.key.reference.identity) }.map(\.key.month))
    if Set(customer.orderMarks.months) != months { problem("customer \(customer.id) has orders of \(months), its marks say \(customer.orderMarks.months)") }
    if let day = customer.dueDay, profile.dueCustomers.rows[DueCustomer(day: day, customer: customer.id)] == nil {
      problem("customer \(customer.id) is due on \(day), and the round does not know")
    }
  }

  private func judgeTier(_ id: CustomerID, _ rated: RatedCustomer, _ person: Truth.Person) {
    guard let standing = rated.standing else { return problem("customer \(id) was never rated") }
    let truth = person.figures(on: standing.ratedDay)
    if standing.recencyDays != truth.recency || standing.frequency != truth.frequency || standing.monetary != truth.spend {
      problem("customer \(id) was rated with \(String(describing: standing.recencyDays)), \(standing.frequency), \(standing.monetary), truth \(truth)")
    }
    judgeSilence(id, standing, person)
    let ledger = DayLedger(
      contributions: person.days.map {
        DayEntry(day: $0.key, paidOrders: Int32($0.value.paid), countedOrders: Int32($0.value.counted), spend: $0.value.spend)
      })
    let rules = setting.tieringRules
    let figures = RatingFigures(ledger: ledger, industry: person.industry, growth: rules.growth, currency: rules.currency, today: standing.ratedDay)
    // What the figures decide follows from them and from the tiers with which the day began; on the first day from them alone.
    let inputs = RatingInputs(values: figures.values, lastInteraction: person.lastInteraction, factsAsOf: clock.now())
    guard let start = rated.course.start else { return problem("customer \(id) was rated on a day that never began") }
    let fresh = try? Rating.decide(
      current: standing.rating, course: rated.course, inputs: inputs, scorecard: rules.scorecard, policy: rules.policy, rules: rules.decisions,
      at: clock.now(), day: start.day)
    if fresh?.rating.decided != standing.rating.decided || fresh?.rating.exactScore != standing.rating.exactScore {
      problem("customer \(id) is decided to be \(standing.rating.decided), its figures give \(fresh.map { "\($0.rating.decided)" } ?? "nothing")")
    }
    if start.decided == nil, start.confirmed == nil, !rated.course.review.refusesAutomation { judgeFirstDay(id, rated, inputs) }
    judgeReview(id, rated, standing)
    judgeRefusal(id, rated)
  }

  /// Whoever refused automated tiering and is part of somebody now refuses it for whoever stands (S-07).
  private func judgeRefusal(_ id: CustomerID, _ rated: RatedCustomer) {
    guard let tiering = service("tiering") else { return }
    func survivor(_ part: CustomerID) -> CustomerID {
      var (at, steps) = (part, 0)
      while let next = tiering.rated.rows[at]?.mergedInto, steps < World.mergesMax { (at, steps) = (next, steps + 1) }
      return at
    }
    let parts = tiering.rated.committed.filter { $0.key != id && $0.row.course.review.isOptedOut && survivor($0.key) == id }.map(\.key)
    guard rated.course.review.refusingPart != parts.min() else { return }
    let found = rated.course.review.refusingPart
    problem("\(parts) are part of customer \(id) and refused automated tiering; it counts \(found.map(\.description) ?? "nobody")")
  }

  /// Whoever has not been in touch for three months was rated because of it (T-06).
  private func judgeSilence(_ id: CustomerID, _ standing: Standing, _ person: Truth.Person) {
    guard let last = person.lastInteraction else { return }
    func isSilent(_ day: Day) -> Bool { day.adding(months: -RatingSchedule.quietMonthsDefault) >= last }
    guard isSilent(BusinessZone.utc.day(of: clock.now())), !isSilent(standing.ratedDay) else { return }
    problem("customer \(id) was in touch on \(last), is silent by now, and was rated last on \(standing.ratedDay)")
  }

  /// A customer that was rated on one day only has the tier that its figures alone give, however often it was rated.
  private func judgeFirstDay(_ id: CustomerID, _ rated: RatedCustomer, _ inputs: RatingInputs) {
    let rules = setting.tieringRules
    guard let standing = rated.standing else { return }
    let fresh = try? Rating.decide(
      current: nil, inputs: inputs, scorecard: rules.scorecard, policy: rules.policy, rules: rules.decisions, at: clock.now(), day: standing.ratedDay)
    let found = (standing.rating.decided, standing.rating.tier, standing.proposed)
    guard let fresh, found == (fresh.rating.decided, fresh.rating.tier, fresh.course.review.proposal?.tier) else {
      return problem("customer \(id) is \(found) after its first day, its figures give \(fresh.map { "\($0.rating.decided), \($0.rating.tier)" } ?? "nothing")")
    }
  }

  /// Nobody is in a tier that needed a person, and the queue says what waits of each customer.
  private func judgeReview(_ id: CustomerID, _ rated: RatedCustomer, _ standing: Standing) {
    let policy = setting.tieringRules.decisions.review.policy
    if policy.into.contains(standing.rating.tier) { problem("customer \(id) is \(standing.rating.tier), and nobody confirmed it") }
    let queued = service("tiering")?.proposals.rows[id]
    let isInLine = rated.course.review.proposal == queued?.open && queued?.open.tier == standing.proposed
    if !isInLine || queued.map({ $0.tier != standing.rating.tier }) ?? false {
      problem("customer \(id) waits for \(String(describing: standing.proposed)), the queue says \(String(describing: queued?.open.tier))")
    }
  }

  // MARK: - Snapshots

  /// Of one lane the versions of a customer never go back from number to number; the highest that was published is the state.
  private func judgeSnapshots() {
    var highest: [String: Int64] = [:]
    for topic in [Topics.profiles, Topics.tiers] {
      // Of the copies of a number the oldest counts: one that was sent anew may have moved on. Who sends a number sends what is no older than what was
      // sent under those before it.
      var versions: [Numbered: (key: String, version: Int64)] = [:]
      for place in kafka.places where place.topic == topic.name {
        for record in kafka.log(place).records {
          // "customer:version"
          let parts = World.text(record, Header.id).split(separator: ":")
          guard parts.count == 2, let version = Int64(parts[1]) else { return problem("a snapshot has the id \(World.text(record, Header.id))") }
          let number = Numbered(place: place, lane: World.text(record, Header.lane), sequence: Int64(World.text(record, Header.sequence)) ?? 0)
          let key = "\(topic.name) \(parts[0])"
          versions[number] = (key, min(version, versions[number]?.version ?? version))
          highest[key] = max(highest[key] ?? 0, version)
        }
      }
      var byLane: [String: Int64] = [:]
      for (number, (key, version)) in versions.sorted(by: { $0.key.sequence < $1.key.sequence }) {
        let lane = "\(number.lane) \(key)"
        // The same one may come again: it was to be the last in the log.
        if version < byLane[lane] ?? 0 { problem("\(lane) goes from version \(byLane[lane] ?? 0) to \(version)") }
        byLane[lane] = version
      }
    }
    for (id, customer) in service("profile")?.customers.committed ?? [] where highest["\(Topics.profiles.name) \(id)"] != customer.version {
      problem("customer \(id) has version \(customer.version), published is \(highest["\(Topics.profiles.name) \(id)"] ?? 0)")
    }
  }

  /// Whoever comes later, when only the last record of each key is left, must find every customer as it is.
  private func judgeLateReaders() {
    var profiles: [CustomerID: Int64] = [:]
    let reader = setting.tiering(true)
    for place in kafka.places where place.topic == Topics.profiles.name {
      let log = kafka.log(place)
      _ = log.compact(below: log.high)
      let reading = PartitionReading(reader, place)
      var batch = Batch<TieringItem>(from: Position(nextOffset: 0, epoch: 1))
      for record in log.read(from: 0, max: .max) { record.withBorrowed { reading.read($0, into: &batch) { _, _ in false } } }
      if let halt = batch.halt { problem("a late reader halts: \(halt.reason)") }
      for case .profile(let item) in batch.items { profiles[item.snapshot.customer] = max(profiles[item.snapshot.customer] ?? 0, item.snapshot.version) }
    }
    for (id, customer) in service("profile")?.customers.committed ?? [] where profiles[id] != customer.version {
      problem("a late reader finds version \(profiles[id] ?? 0) of customer \(id), which has \(customer.version)")
    }
    var published: [String: Int64] = [:]
    for record in once(Topics.tiers.name) { published[record.customer] = max(published[record.customer] ?? 0, record.version) }
    for place in kafka.places where place.topic == Topics.tiers.name {
      let log = kafka.log(place)
      _ = log.compact(below: log.high)
      for record in log.read(from: 0, max: .max) where published[record.customer] != record.version {
        problem("a late reader finds version \(record.version) of the tier of \(record.customer), published was \(published[record.customer] ?? 0)")
      }
    }
  }
}

/// What ingest published.
private struct Published {
  var sightings: [Sighting] = []
  /// Of each order, credit note and registration the identifier it is kept under.
  var homes: [String: Name] = [:]

  mutating func add(_ identifiers: [Identifier], at: Instant, _ eventID: String, _ environment: ProfileEnvironment) throws {
    let named = try identifiers.map { Sighting.Named(key: try environment.key($0), identifier: $0) }
    sightings.append(Sighting(named: named, at: at, eventID: eventID))
  }
}

extension KafkaRecord {
  fileprivate var customer: String { String(decoding: key ?? [], as: UTF8.self) }
}
