// What one run does: how many records, which faults, how many kills, in how much time.
public import Failpoints

/// Which faults are injected, beside the kills.
public struct FaultMix: Sendable {
  /// Time between two faults, in milliseconds.
  public var everyMilliseconds = 300...900
  /// Only processes that hold partitions are killed: where a takeover takes long, kills would only hit starts otherwise.
  public var onlyWorking = false
  /// Of a thousand kills so many end several processes at once.
  public var severalPerMille = 200
  /// Processes end and stop themselves at failpoints.
  public var failpoints = true
  /// If not empty, only these points, in turn: what a scenario is about.
  public var onlyPoints: [Failpoint] = []
  public var onlyStops = false
  /// A process that stopped itself and went on is ended soon after, so that the next one stops anew.
  public var endsAfterStop = false
  /// A process that stopped itself goes on while the broker stands still, and is killed when it has committed what it had in hand.
  public var brokerStandsStillAfterStop = false
  /// At which time a point is met that comes often.
  public var failpointCounts = 1...25
  /// How long a process that stopped itself stays so, in milliseconds.
  public var stopMilliseconds = 200...3_500
  /// Nobody is killed but at points.
  public var onlyAtPoints = false
  /// Of a thousand faults so many are these; the rest are kills.
  public var brokerPausesPerMille = 0
  public var freezesPerMille = 60
  public var terminationsPerMille = 60
  public var cutsPerMille = 0
  /// Cuts around COMMIT only.
  public var onlyCommitRequests = false
  /// How often each way of restarting is done in a run.
  public var postgresRestarts = 0
  public var brokerRestarts = 0
  /// How often the disk of the database is filled; needs root.
  public var fullDisks = 0

  public init() {}

  /// Nothing happens.
  public static var none: FaultMix {
    var mix = FaultMix()
    (mix.failpoints, mix.freezesPerMille, mix.terminationsPerMille) = (false, 0, 0)
    return mix
  }

  var isEmpty: Bool {
    !failpoints && brokerPausesPerMille + freezesPerMille + terminationsPerMille + cutsPerMille + postgresRestarts + brokerRestarts + fullDisks == 0
  }
}

public struct RunPlan: Sendable {
  public var name: String
  public var seed: UInt64
  public var events: Int
  /// The faults go on until so many processes were killed.
  public var kills: Int
  /// Without kills: until so many other faults were injected.
  public var otherFaults = 0
  public var processesEach = 2
  public var perSecond: Int
  public var mix: GeneratorMix
  public var faults = FaultMix()
  public var mutant: Mutant?
  /// A record with a number too high is planted at the end: the reader must halt.
  public var plantsGap = false
  /// Faults end after so many minutes, reached or not.
  public var minutesMax = 20
  /// How long nothing may move, once the faults are over, before the run counts as stuck.
  public var quietSecondsMax = 60
  public var stack: StackPlan

  public init(name: String, seed: UInt64, events: Int, kills: Int, perSecond: Int, customers: Int, stack: StackPlan) {
    self.name = name
    self.seed = seed
    self.events = events
    self.kills = kills
    self.perSecond = perSecond
    mix = GeneratorMix(customers: customers)
    self.stack = stack
  }
}

public struct RunResult: Sendable {
  public let name: String
  public let seed: UInt64
  public let findings: [Finding]
  public let tally: Tally
  /// Records in the input topics.
  public let events: Int
  public let seconds: Double
  public let settleSeconds: Double
  /// Records published again by relays, which readers dropped.
  public let copies: Int
  public let records: Int
  /// What was asked for and not done, with the reason.
  public let notRun: [String]
}
