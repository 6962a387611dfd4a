// How a service desk works (K-01, K-04, K-05, K-09, K-11): data, one file, one version.

public struct DeskRules: Hashable, Sendable {
  public let version: Int
  public let author: String
  /// What open deadlines do when tier, kind, standards or calendars change.
  public let onChange: DeadlinePolicy
  public let ladder: EscalationLadder
  /// So long after the customer's last word an open ticket takes the next contact about the same matter (K-01).
  public let joinSeconds: Int64
  /// A contact that is older than this when it arrives is history and opens no ticket.
  public let intakeSeconds: Int64
  /// A resolved ticket closes by itself after so long.
  public let closeAfterSeconds: Int64
  public let resolutionCodes: [Code]
  public let rootCauses: [Code]
  /// What a spot check looks at, point by point.
  public let checklist: [Code]
  /// nil: nothing is accepted.
  public let acceptance: AcceptanceRule?

  /// A word of a list that people choose from.
  public struct Code: Hashable, Sendable {
    public let id: String
    public let name: LocalizedName
    /// Of a resolution code: a complaint that ends so was right (T-06).
    public let isUpheld: Bool

    public init(id: String, name: LocalizedName, isUpheld: Bool = false) {
      self.id = id
      self.name = name
      self.isUpheld = isUpheld
    }
  }

  public static let codesMax = 200
  public static let codeBytesMax = 64

  public init(
    version: Int, author: String, onChange: DeadlinePolicy, ladder: EscalationLadder, joinSeconds: Int64, intakeSeconds: Int64, closeAfterSeconds: Int64,
    resolutionCodes: [Code], rootCauses: [Code], checklist: [Code], acceptance: AcceptanceRule? = nil
  ) throws(ConfigurationFaults) {
    var faults: [ConfigurationFault] = []
    for (list, path) in [(resolutionCodes, "resolution_codes"), (rootCauses, "root_causes"), (checklist, "checklist")] {
      if list.isEmpty || list.count > DeskRules.codesMax {
        faults.append(ConfigurationFault(path: path, problem: "from 1 to \(DeskRules.codesMax) are needed, not \(list.count)"))
      }
      for (place, code) in list.enumerated() {
        if !isSlug(code.id, bytesMax: DeskRules.codeBytesMax) {
          faults.append(ConfigurationFault(path: "\(path)[\(place)].id", problem: "small letters, digits and hyphens, at most \(DeskRules.codeBytesMax)"))
        }
        if list[..<place].contains(where: { $0.id == code.id }) {
          faults.append(ConfigurationFault(path: "\(path)[\(place)].id", problem: "`\(code.id)` is listed already"))
        }
      }
    }
    for code in acceptance?.codes.sorted() ?? [] where !resolutionCodes.contains(where: { $0.id == code }) {
      faults.append(ConfigurationFault(path: "acceptance.codes", problem: "`\(code)` is no resolution code"))
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults) }
    self.version = version
    self.author = author
    self.onChange = onChange
    self.ladder = ladder
    self.joinSeconds = joinSeconds
    self.intakeSeconds = intakeSeconds
    self.closeAfterSeconds = closeAfterSeconds
    self.resolutionCodes = resolutionCodes
    self.rootCauses = rootCauses
    self.checklist = checklist
    self.acceptance = acceptance
  }

  /// Whether a complaint that ends with this code was right.
  public func isUpheld(_ code: String) -> Bool { resolutionCodes.contains { $0.id == code && $0.isUpheld } }
}
