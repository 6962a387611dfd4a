// What callers may be allowed to do. A route names one of these where it is added; nobody is let in by default.
public import HTTP

public enum Permission: String, Sendable, CaseIterable {
  /// No permission: the route is open, as customers' survey pages and figures for monitoring are.
  case everybody = ""

  // What holds the suite together: positions, gaps, rebuilds, publishing states again.
  case operationsRead = "operations:read"
  case operationsAct = "operations:act"
  /// What callers changed, and by whom (S-05).
  case auditRead = "audit:read"

  // Ingest.
  case eventsWrite = "events:write"
  case sourcesRead = "sources:read"
  case sourcesWrite = "sources:write"
  case quarantineRead = "quarantine:read"
  /// Records as they came, with whatever personal data they hold; each time with a reason.
  case quarantineRaw = "quarantine:raw"
  case quarantineAct = "quarantine:act"

  // Profile.
  case customersRead = "customers:read"
  /// All customers at once: figures without a word of contact data, but of everybody.
  case customersExport = "customers:export"
  case identitiesRead = "identities:read"
  case identitiesDecide = "identities:decide"
  case tagsGive = "tags:give"
  /// Figures of many customers, of which none can be told from another.
  case figuresRead = "figures:read"

  // Tiering.
  case tiersRead = "tiers:read"
  case tiersDecide = "tiers:decide"
  case scorecardsRead = "scorecards:read"
  case scorecardsSimulate = "scorecards:simulate"
  case scorecardsDecide = "scorecards:decide"

  // Tickets. Without the third only one's own and one's team's.
  case ticketsRead = "tickets:read"
  case ticketsAct = "tickets:act"
  case ticketsAll = "tickets:all"
  case grantsAsk = "grants:ask"
  case grantsRead = "grants:read"
  case grantsDecide = "grants:decide"
  case staffRead = "staff:read"
  case staffAct = "staff:act"
  case articlesRead = "articles:read"
  case articlesWrite = "articles:write"
  case questionsRead = "questions:read"
  case questionsAsk = "questions:ask"
  case checksRead = "checks:read"
  case checksMark = "checks:mark"
  case improvementsRead = "improvements:read"
  case improvementsAct = "improvements:act"

  // Feedback.
  case surveysRead = "surveys:read"
  case invitationsRead = "invitations:read"
  case invitationsSend = "invitations:send"
  case consentsRead = "consents:read"
  case consentsChange = "consents:change"
  case answersRead = "answers:read"
  case baselinesTake = "baselines:take"

  /// Contact data in full, each time with a reason (S-02).
  case contactsRead = "contacts:read"
}

/// What people and programs are to the suite (S-01): the words in the roles of a token.
public enum Role: String, Sendable, CaseIterable {
  case agent, lead, manager, analyst, admin, auditor, service

  public var permissions: Set<Permission> { Role.table[self] ?? [] }

  private static let agents: Set<Permission> = [
    .customersRead, .tiersRead, .ticketsRead, .ticketsAct, .grantsAsk, .staffRead, .articlesRead, .questionsRead, .questionsAsk, .surveysRead,
    .invitationsRead, .consentsRead, .consentsChange,
  ]
  private static let leads = agents.union([
    .ticketsAll, .grantsRead, .grantsDecide, .staffAct, .articlesWrite, .checksRead, .checksMark, .improvementsRead, .improvementsAct, .tagsGive,
    .figuresRead, .invitationsSend, .answersRead, .contactsRead,
  ])
  private static let managers = leads.union([
    .tiersDecide, .identitiesRead, .identitiesDecide, .scorecardsRead, .scorecardsSimulate, .customersExport, .baselinesTake,
  ])
  private static let analysts: Set<Permission> = [
    .figuresRead, .customersExport, .tiersRead, .scorecardsRead, .scorecardsSimulate, .improvementsRead, .checksRead, .articlesRead, .surveysRead,
    .answersRead, .baselinesTake, .sourcesRead,
  ]
  /// Sees what was done and changes nothing; of contact data no more than an agent.
  private static let auditors: Set<Permission> = [
    .auditRead, .operationsRead, .sourcesRead, .quarantineRead, .customersRead, .identitiesRead, .figuresRead, .tiersRead, .scorecardsRead, .ticketsRead,
    .ticketsAll,
    .grantsRead, .staffRead, .articlesRead, .questionsRead, .checksRead, .improvementsRead, .surveysRead, .invitationsRead, .consentsRead, .answersRead,
  ]
  /// Other programs: they bring events, ask whether a customer may have something, and put customers' questions.
  private static let services: Set<Permission> = [.eventsWrite, .tiersRead, .questionsAsk]

  private static let table: [Role: Set<Permission>] = [
    .agent: agents, .lead: leads, .manager: managers, .analyst: analysts, .auditor: auditors, .service: services,
    .admin: Set(Permission.allCases).subtracting([.everybody]),
  ]
}

// A route is added with what it needs.
extension Router {
  public mutating func get(_ pattern: String, needs: Permission, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.get, pattern, need: needs.need, limits: limits, handler: handler)
  }

  public mutating func post(_ pattern: String, needs: Permission, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.post, pattern, need: needs.need, limits: limits, handler: handler)
  }

  public mutating func put(_ pattern: String, needs: Permission, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.put, pattern, need: needs.need, limits: limits, handler: handler)
  }

  public mutating func delete(_ pattern: String, needs: Permission, limits: RouteLimits = RouteLimits(), handler: @escaping RequestHandler) {
    on(.delete, pattern, need: needs.need, limits: limits, handler: handler)
  }
}

extension Permission {
  public var need: RouteNeed { RouteNeed(rawValue) }
}
