// `tickets.tickets.v1` and `tickets.alerts.v1`: the state of a ticket, and what its clocks alarm people about (K-05, K-09).
public import Domain
public import Text

/// One clock of a ticket as others see it.
public struct TicketClockState: Hashable, Sendable {
  public var clock: ServiceClock
  public var startedAt: Instant
  /// nil while it stands still, and where no hours are to come.
  public var deadline: Instant?
  /// `running`, `met`, `missed`, `withdrawn`.
  public var outcome: String
  /// When what it waited for was done, or no longer promised; nil while it is not.
  public var doneAt: Instant?

  public static let clocksMax = 1_000

  public init(clock: ServiceClock, startedAt: Instant, deadline: Instant?, outcome: String, doneAt: Instant?) {
    self.clock = clock
    self.startedAt = startedAt
    self.deadline = deadline
    self.outcome = outcome
    self.doneAt = doneAt
  }

  public init(_ clock: TicketClock) {
    let deadline: Instant? = if case .at(let at) = clock.deadline { at } else { nil }
    let done: Instant? =
      switch clock.outcome {
      case .running: nil
      case .met(let at), .withdrawn(let at): at
      case .missed(let at): at
      }
    self.init(clock: clock.clock, startedAt: clock.startedAt, deadline: deadline, outcome: clock.outcome.word, doneAt: done)
  }

  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("clock")
    writer.text(clock.rawValue)
    writer.key("started_at")
    writer.text(RFC3339.text(startedAt.microseconds))
    writeInstant("deadline", deadline, to: &writer)
    writer.key("outcome")
    writer.text(outcome)
    writeInstant("done_at", doneAt, to: &writer)
    writer.endObject()
  }

  fileprivate init(reading reader: inout JSONReader) throws(JSONFault) {
    var clock: ServiceClock?, startedAt: Instant?, deadline: Instant?, outcome = "", doneAt: Instant?
    var seen: UInt64 = 0
    try reader.beginObject("clocks")
    while let key = try reader.nextKey() {
      if key.is("clock") {
        try reader.once(&seen, 0, "clocks.clock")
        clock = try readChoice(&reader, "clocks.clock")
      } else if key.is("started_at") {
        try reader.once(&seen, 1, "clocks.started_at")
        startedAt = try readInstant(&reader, "clocks.started_at")
      } else if key.is("deadline") {
        try reader.once(&seen, 2, "clocks.deadline")
        deadline = try readInstant(&reader, "clocks.deadline")
      } else if key.is("outcome") {
        try reader.once(&seen, 3, "clocks.outcome")
        outcome = try reader.text("clocks.outcome", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("done_at") {
        try reader.once(&seen, 4, "clocks.done_at")
        doneAt = try readInstant(&reader, "clocks.done_at")
      } else {
        try reader.skip()
      }
    }
    guard let clock else { throw reader.fault(.missing, "clocks.clock") }
    guard let startedAt else { throw reader.fault(.missing, "clocks.started_at") }
    try reader.require(seen, 3, "clocks.outcome")
    self.init(clock: clock, startedAt: startedAt, deadline: deadline, outcome: outcome, doneAt: doneAt)
  }
}

private func writeInstant(_ key: StaticString, _ instant: Instant?, to writer: inout JSONWriter) {
  guard let instant else { return }
  writer.key(key)
  writer.text(RFC3339.text(instant.microseconds))
}

/// A snapshot; the newest version counts. It holds no word of what was said. Once it says `resolved` or `closed` it has what a survey asks about.
public struct TicketSnapshot: Hashable, Sendable {
  public var ticket: TicketID
  public var version: Int64
  public var customer: CustomerID
  public var state: TicketState
  public var subject: TicketSubject
  public var priority: ServicePriority
  /// The tier it is served by; nil while the customer's is not known.
  public var tier: String?
  public var channel: String
  public var orderID: String?
  public var owner: String
  public var openedAt: Instant
  public var replies: Int64
  public var timesReopened: Int64
  public var clocks: [TicketClockState]
  public var resolutionCode: String?
  public var rootCause: String?
  /// A complaint that was right (T-06).
  public var isUpheldComplaint: Bool
  public var resolvedAt: Instant?
  public var closedAt: Instant?
  public var mergedInto: TicketID?

  public init(
    ticket: TicketID, version: Int64, customer: CustomerID, state: TicketState, subject: TicketSubject, priority: ServicePriority, tier: String? = nil,
    channel: String = "", orderID: String? = nil, owner: String = "", openedAt: Instant, replies: Int64 = 0, timesReopened: Int64 = 0,
    clocks: [TicketClockState] = [], resolutionCode: String? = nil, rootCause: String? = nil, isUpheldComplaint: Bool = false, resolvedAt: Instant? = nil,
    closedAt: Instant? = nil, mergedInto: TicketID? = nil
  ) {
    self.ticket = ticket
    self.version = version
    self.customer = customer
    self.state = state
    self.subject = subject
    self.priority = priority
    self.tier = tier
    self.channel = channel
    self.orderID = orderID
    self.owner = owner
    self.openedAt = openedAt
    self.replies = replies
    self.timesReopened = timesReopened
    self.clocks = clocks
    self.resolutionCode = resolutionCode
    self.rootCause = rootCause
    self.isUpheldComplaint = isUpheldComplaint
    self.resolvedAt = resolvedAt
    self.closedAt = closedAt
    self.mergedInto = mergedInto
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("ticket_id")
    writer.text(ticket.description)
    writer.key("version")
    writer.integer(version)
    writer.key("customer_id")
    writer.text(customer.description)
    writer.key("state")
    writer.text(state.rawValue)
    writeUnlessEmpty("kind", subject.kind?.rawValue ?? "", to: &writer)
    writeUnlessEmpty("category", subject.category, to: &writer)
    writeUnlessEmpty("urgency", subject.urgency?.rawValue ?? "", to: &writer)
    writer.key("priority")
    writer.text(priority.rawValue)
    writeUnlessEmpty("tier", tier ?? "", to: &writer)
    writeUnlessEmpty("channel", channel, to: &writer)
    writeUnlessEmpty("order_id", orderID ?? "", to: &writer)
    writeUnlessEmpty("owner", owner, to: &writer)
    writeInstant("opened_at", openedAt, to: &writer)
    writer.key("replies")
    writer.integer(replies)
    writer.key("times_reopened")
    writer.integer(timesReopened)
    writer.key("clocks")
    writer.beginArray()
    for clock in clocks { clock.write(to: &writer) }
    writer.endArray()
    writeUnlessEmpty("resolution_code", resolutionCode ?? "", to: &writer)
    writeUnlessEmpty("root_cause", rootCause ?? "", to: &writer)
    if isUpheldComplaint {
      writer.key("complaint_upheld")
      writer.boolean(true)
    }
    writeInstant("resolved_at", resolvedAt, to: &writer)
    writeInstant("closed_at", closedAt, to: &writer)
    writeUnlessEmpty("merged_into", mergedInto?.description ?? "", to: &writer)
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var members = Members()
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if try members.takeHead(key, &seen, &reader) { continue }
      if try members.takeRest(key, &seen, &reader) { continue }
      try reader.skip()
    }
    try reader.finish()
    for (bit, field) in [(1, "version"), (13, "replies"), (14, "times_reopened"), (15, "clocks")] as [(Int, StaticString)] {
      try reader.require(seen, bit, field)
    }
    guard let ticket = members.ticket else { throw reader.fault(.missing, "ticket_id") }
    guard let customer = members.customer else { throw reader.fault(.missing, "customer_id") }
    guard let state = members.state else { throw reader.fault(.missing, "state") }
    guard let priority = members.priority else { throw reader.fault(.missing, "priority") }
    guard let openedAt = members.openedAt else { throw reader.fault(.missing, "opened_at") }
    self.init(
      ticket: ticket, version: members.version, customer: customer, state: state, subject: members.subject, priority: priority, tier: members.tier,
      channel: members.channel, orderID: members.orderID, owner: members.owner, openedAt: openedAt, replies: members.replies,
      timesReopened: members.timesReopened, clocks: members.clocks, resolutionCode: members.resolutionCode, rootCause: members.rootCause,
      isUpheldComplaint: members.isUpheldComplaint, resolvedAt: members.resolvedAt, closedAt: members.closedAt, mergedInto: members.mergedInto)
  }

  /// What is read so far.
  private struct Members {
    var ticket: TicketID?, version: Int64 = 0, customer: CustomerID?, state: TicketState?, subject = TicketSubject(), priority: ServicePriority?
    var tier: String?, channel = "", orderID: String?, owner = "", openedAt: Instant?, replies: Int64 = 0, timesReopened: Int64 = 0
    var clocks: [TicketClockState] = []
    var resolutionCode: String?, rootCause: String?, isUpheldComplaint = false, resolvedAt: Instant?, closedAt: Instant?, mergedInto: TicketID?

    private func word(_ reader: inout JSONReader, _ field: StaticString) throws(JSONFault) -> String {
      try reader.text(field, bytesMax: ContractLimits.textBytesMax).string
    }

    mutating func takeHead(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
      if key.is("ticket_id") {
        try reader.once(&seen, 0, "ticket_id")
        ticket = TicketID(number: try readCustomerID(&reader, "ticket_id").number)
      } else if key.is("version") {
        try reader.once(&seen, 1, "version")
        version = try reader.integer("version")
      } else if key.is("customer_id") {
        try reader.once(&seen, 2, "customer_id")
        customer = try readCustomerID(&reader, "customer_id")
      } else if key.is("state") {
        try reader.once(&seen, 3, "state")
        state = try readChoice(&reader, "state")
      } else if key.is("kind") {
        try reader.once(&seen, 4, "kind")
        subject.kind = try readChoice(&reader, "kind")
      } else if key.is("category") {
        try reader.once(&seen, 5, "category")
        subject.category = try word(&reader, "category")
      } else if key.is("urgency") {
        try reader.once(&seen, 6, "urgency")
        subject.urgency = try readChoice(&reader, "urgency")
      } else if key.is("priority") {
        try reader.once(&seen, 7, "priority")
        priority = try readChoice(&reader, "priority")
      } else if key.is("tier") {
        try reader.once(&seen, 8, "tier")
        tier = try word(&reader, "tier")
      } else if key.is("channel") {
        try reader.once(&seen, 9, "channel")
        channel = try word(&reader, "channel")
      } else if key.is("order_id") {
        try reader.once(&seen, 10, "order_id")
        orderID = try word(&reader, "order_id")
      } else {
        return false
      }
      return true
    }

    mutating func takeRest(_ key: JSONText, _ seen: inout UInt64, _ reader: inout JSONReader) throws(JSONFault) -> Bool {
      if key.is("owner") {
        try reader.once(&seen, 11, "owner")
        owner = try word(&reader, "owner")
      } else if key.is("opened_at") {
        try reader.once(&seen, 12, "opened_at")
        openedAt = try readInstant(&reader, "opened_at")
      } else if key.is("replies") {
        try reader.once(&seen, 13, "replies")
        replies = try reader.integer("replies")
      } else if key.is("times_reopened") {
        try reader.once(&seen, 14, "times_reopened")
        timesReopened = try reader.integer("times_reopened")
      } else if key.is("clocks") {
        try reader.once(&seen, 15, "clocks")
        try reader.beginArray("clocks")
        while try reader.nextItem() {
          guard clocks.count < TicketClockState.clocksMax else { throw reader.fault(.value, "clocks") }
          clocks.append(try TicketClockState(reading: &reader))
        }
      } else if key.is("resolution_code") {
        try reader.once(&seen, 16, "resolution_code")
        resolutionCode = try word(&reader, "resolution_code")
      } else if key.is("root_cause") {
        try reader.once(&seen, 17, "root_cause")
        rootCause = try word(&reader, "root_cause")
      } else if key.is("resolved_at") {
        try reader.once(&seen, 18, "resolved_at")
        resolvedAt = try readInstant(&reader, "resolved_at")
      } else if key.is("closed_at") {
        try reader.once(&seen, 19, "closed_at")
        closedAt = try readInstant(&reader, "closed_at")
      } else if key.is("merged_into") {
        try reader.once(&seen, 20, "merged_into")
        mergedInto = TicketID(number: try readCustomerID(&reader, "merged_into").number)
      } else if key.is("complaint_upheld") {
        try reader.once(&seen, 21, "complaint_upheld")
        isUpheldComplaint = try reader.boolean("complaint_upheld")
      } else {
        return false
      }
      return true
    }
  }
}

/// A fact: a clock of a ticket has reached a step of the ladder. Told once for each step.
public struct TicketAlert: Hashable, Sendable {
  public var ticket: TicketID
  public var customer: CustomerID
  public var clock: ServiceClock
  /// Of the clock's time; 100 is the deadline.
  public var percent: Int
  public var role: LadderStep.Role
  /// The moment itself, however late it was noticed.
  public var at: Instant
  public var priority: ServicePriority
  public var tier: String?
  public var owner: String
  /// Who is on call for the ticket's team at the moment, where its roster says so and the step is not for the owner.
  public var onCall: String?

  public init(
    ticket: TicketID, customer: CustomerID, clock: ServiceClock, percent: Int, role: LadderStep.Role, at: Instant, priority: ServicePriority,
    tier: String? = nil, owner: String = "", onCall: String? = nil
  ) {
    self.ticket = ticket
    self.customer = customer
    self.clock = clock
    self.percent = percent
    self.role = role
    self.at = at
    self.priority = priority
    self.tier = tier
    self.owner = owner
    self.onCall = onCall
  }

  /// The same however often the work is done again: no clock reaches a step twice, and no two clocks of a name reach one at the same moment.
  public var eventID: String { "\(ticket):\(clock.rawValue):\(percent):\(at.microseconds)" }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("ticket_id")
    writer.text(ticket.description)
    writer.key("customer_id")
    writer.text(customer.description)
    writer.key("clock")
    writer.text(clock.rawValue)
    writer.key("percent")
    writer.integer(percent)
    writer.key("role")
    writer.text(role.rawValue)
    writeInstant("at", at, to: &writer)
    writer.key("priority")
    writer.text(priority.rawValue)
    writeUnlessEmpty("tier", tier ?? "", to: &writer)
    writeUnlessEmpty("owner", owner, to: &writer)
    writeUnlessEmpty("on_call", onCall ?? "", to: &writer)
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var ticket: TicketID?, customer: CustomerID?, clock: ServiceClock?, percent: Int64 = 0, role: LadderStep.Role?, at: Instant?
    var priority: ServicePriority?, tier: String?, owner = "", onCall: String?
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("ticket_id") {
        try reader.once(&seen, 0, "ticket_id")
        ticket = TicketID(number: try readCustomerID(&reader, "ticket_id").number)
      } else if key.is("customer_id") {
        try reader.once(&seen, 1, "customer_id")
        customer = try readCustomerID(&reader, "customer_id")
      } else if key.is("clock") {
        try reader.once(&seen, 2, "clock")
        clock = try readChoice(&reader, "clock")
      } else if key.is("percent") {
        try reader.once(&seen, 3, "percent")
        percent = try readInteger(&reader, "percent", in: 1...1_000)
      } else if key.is("role") {
        try reader.once(&seen, 4, "role")
        role = try readChoice(&reader, "role")
      } else if key.is("at") {
        try reader.once(&seen, 5, "at")
        at = try readInstant(&reader, "at")
      } else if key.is("priority") {
        try reader.once(&seen, 6, "priority")
        priority = try readChoice(&reader, "priority")
      } else if key.is("tier") {
        try reader.once(&seen, 7, "tier")
        tier = try reader.text("tier", bytesMax: ContractLimits.wordBytesMax).string
      } else if key.is("owner") {
        try reader.once(&seen, 8, "owner")
        owner = try reader.text("owner", bytesMax: ContractLimits.textBytesMax).string
      } else if key.is("on_call") {
        try reader.once(&seen, 9, "on_call")
        onCall = try reader.text("on_call", bytesMax: ContractLimits.textBytesMax).string
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 3, "percent")
    guard let ticket else { throw reader.fault(.missing, "ticket_id") }
    guard let customer else { throw reader.fault(.missing, "customer_id") }
    guard let clock else { throw reader.fault(.missing, "clock") }
    guard let role else { throw reader.fault(.missing, "role") }
    guard let at else { throw reader.fault(.missing, "at") }
    guard let priority else { throw reader.fault(.missing, "priority") }
    self.init(
      ticket: ticket, customer: customer, clock: clock, percent: Int(percent), role: role, at: at, priority: priority, tier: tier, owner: owner,
      onCall: onCall)
  }
}
