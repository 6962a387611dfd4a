// The command line of `faults`.
import Embedded
public import Failpoints

public struct HarnessOptions: Sendable {
  public struct Refusal: Error, Sendable, CustomStringConvertible { public let description: String }

  public static let help = """
    usage: faults [--events N] [--kills N] [--seed N] [--mutants all|none|NAME] [--minutes-max N] [--rate N] [--only-mutants] [--json] [--keep]

    Starts a private PostgreSQL, a broker (Apache Kafka when KAFKA_HOME names a distribution, else the built-in one) and the services, publishes a
    seeded stream of records, injects faults while it runs, and compares what is left with what must be. docs/faults.md says what is injected.

      --events N         records of the large run; 100000 unless given
      --kills N          processes killed in it; 100 unless given
      --seed N           decides records and faults; drawn and printed unless given
      --mutants WHICH    planted mistakes that must be noticed: all, none or one name; all where the build has them (CLIENTELE_FAULTS=1)
      --minutes-max N    the large run injects no faults after so many minutes; 20 unless given
      --rate N           records a second at most; 3000 unless given
      --only-mutants     leave the large run out
      --json             one JSON document instead of tables
      --folder PATH      where to work; a new folder in TMPDIR unless given. It stays when something is broken
    """

  public var events = 100_000
  public var kills = 100
  public var seed: UInt64
  public var mutants: [Mutant] = Mutant.areBuiltIn ? Mutant.allCases : []
  public var minutesMax = 20
  public var perSecond = 3_000
  public var onlyMutants = false
  public var json = false
  public var wantsHelp = false
  public var folder: String
  public var kafkaHome: String?

  public init(_ arguments: some Sequence<String>, environment: [String: String]) throws(Refusal) {
    var random = SystemRandomNumberGenerator()
    seed = random.next() % 1_000_000
    kafkaHome = environment["KAFKA_HOME"].flatMap { $0.isEmpty ? nil : $0 }
    folder = ""
    var rest = Array(arguments)[...]
    while let word = rest.popFirst() {
      switch word {
      case "--help", "-h": wantsHelp = true
      case "--json": json = true
      case "--only-mutants": onlyMutants = true
      case "--events", "--kills", "--seed", "--mutants", "--minutes-max", "--rate", "--folder":
        guard let value = rest.popFirst() else { throw Refusal(description: "\(word) needs a value") }
        try set(word, value)
      default: throw Refusal(description: "unknown argument \(word); see faults --help")
      }
    }
    if folder.isEmpty { folder = "\(environment["TMPDIR"] ?? "/tmp")/clientele-faults-\(seed)-\(random.next() % 100_000)" }
  }

  private mutating func set(_ name: String, _ value: String) throws(Refusal) {
    func number(_ range: ClosedRange<Int>) throws(Refusal) -> Int {
      guard let number = Int(value), range.contains(number) else {
        throw Refusal(description: "\(name) takes a number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }
    switch name {
    case "--events": events = try number(100...100_000_000)
    case "--kills": kills = try number(0...1_000_000)
    case "--seed": seed = UInt64(try number(0...Int.max))
    case "--minutes-max": minutesMax = try number(1...1_440)
    case "--rate": perSecond = try number(1...1_000_000)
    case "--folder": folder = value
    default: try setMutants(value)
    }
  }

  private mutating func setMutants(_ value: String) throws(Refusal) {
    switch value {
    case "none": mutants = []
    case "all": mutants = Mutant.allCases
    default:
      guard let mutant = Mutant(rawValue: value) else {
        throw Refusal(description: "--mutants takes all, none, or one of \(Mutant.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      mutants = [mutant]
    }
    guard mutants.isEmpty || Mutant.areBuiltIn else {
      throw Refusal(description: "this build has no planted mistakes: build with CLIENTELE_FAULTS=1, as `make faults` does")
    }
  }
}

extension Mutant {
  /// Whether this build can make mistakes on purpose.
  public static var areBuiltIn: Bool {
    #if MUTANTS
      true
    #else
      false
    #endif
  }
}
