// The runs there are: the large one, the short one of the tests, and for every planted mistake one that must notice it.
public import Failpoints

public enum Scenarios {
  /// Everything at once.
  public static func large(_ options: HarnessOptions, folder: String) -> RunPlan {
    var stack = StackPlan(folder: folder)
    stack.kafkaHome = options.kafkaHome
    stack.sessionMilliseconds = options.kafkaHome == nil ? 4_000 : 600
    stack.partitions = options.kafkaHome == nil ? 8 : 4
    stack.hasProxies = true
    var plan = RunPlan(
      name: "kills", seed: options.seed, events: options.events, kills: options.kills, perSecond: options.perSecond,
      customers: max(200, min(50_000, options.events / 20)), stack: stack)
    plan.minutesMax = options.minutesMax
    // Slow enough that most processes live until their point comes.
    plan.faults.everyMilliseconds = 250...900
    plan.faults.failpointCounts = 1...12
    plan.faults.severalPerMille = 500
    plan.faults.cutsPerMille = 120
    plan.faults.freezesPerMille = 30
    plan.faults.brokerPausesPerMille = 15
    let rounds = max(1, options.kills / 250)
    plan.faults.postgresRestarts = options.kills >= 50 ? rounds : 0
    plan.faults.brokerRestarts = options.kills >= 50 ? rounds : 0
    plan.quietSecondsMax = 90
    return plan
  }

  /// For `make test`: the debug build's programs and the built-in broker.
  public static func short(seed: UInt64, events: Int, kills: Int, folder: String) -> RunPlan {
    var stack = StackPlan(folder: folder)
    stack.sessionMilliseconds = 4_000
    stack.hasProxies = true
    var plan = RunPlan(name: "short", seed: seed, events: events, kills: kills, perSecond: 2_000, customers: 1_000, stack: stack)
    plan.faults.everyMilliseconds = 500...1_500
    plan.faults.onlyWorking = true
    plan.faults.severalPerMille = 500
    plan.faults.failpointCounts = 1...6
    plan.faults.cutsPerMille = 100
    plan.faults.freezesPerMille = 0
    plan.minutesMax = 3
    return plan
  }

  /// A full disk under load.
  public static func fullDisk(_ options: HarnessOptions, folder: String) -> RunPlan {
    var plan = small("disk full", options, folder: folder)
    plan.events = 20_000
    plan.otherFaults = 7
    plan.faults = .none
    plan.faults.fullDisks = 2
    plan.faults.everyMilliseconds = 3_000...3_000
    return plan
  }

  /// On the built-in broker, which starts at once, unless the scenario is about takeovers, which are faster on a real one.
  private static func small(_ name: String, _ options: HarnessOptions, onKafka: Bool = false, folder: String) -> RunPlan {
    var stack = StackPlan(folder: folder)
    stack.kafkaHome = onKafka ? options.kafkaHome : nil
    stack.sessionMilliseconds = stack.kafkaHome == nil ? 4_000 : 1_000
    stack.partitions = 4
    var plan = RunPlan(name: name, seed: options.seed, events: 5_000, kills: 0, perSecond: 1_000, customers: 300, stack: stack)
    // Longer than late copies are waited for.
    plan.quietSecondsMax = 40
    plan.minutesMax = 3
    return plan
  }

  /// What must bring one mistake to light; without it, all must hold.
  public static func provoking(_ mutant: Mutant, _ options: HarnessOptions, folder: String) -> RunPlan {
    let isAboutTakeovers = mutant == .fenceOff || mutant == .offsetInSecondTransaction || mutant == .cursorRelay
    var plan = small(mutant.rawValue, options, onKafka: isAboutTakeovers, folder: folder)
    plan.faults = .none
    switch mutant {
    case .fenceOff:
      // Records in hand and no transaction open: another takes over and applies them, then the first wakes up.
      plan.faults.failpoints = true
      plan.faults.onlyPoints = [.taken]
      plan.faults.onlyStops = true
      plan.faults.stopMilliseconds = plan.stack.sessionMilliseconds * 5 / 2...plan.stack.sessionMilliseconds * 3
      plan.faults.endsAfterStop = true
      plan.faults.onlyAtPoints = true
      plan.faults.failpointCounts = 2...8
      plan.kills = 18
    case .offsetInSecondTransaction:
      plan.faults.failpoints = true
      plan.faults.onlyPoints = [.commitBefore, .commitAfter]
      plan.faults.onlyAtPoints = true
      plan.faults.failpointCounts = 1...4
      plan.kills = 12
    case .cursorRelay:
      // Records in hand, and nobody to send to: what is handed over must still lie in the outbox when the process is gone.
      plan.faults.failpoints = true
      plan.faults.onlyPoints = [.taken]
      plan.faults.onlyStops = true
      plan.faults.onlyAtPoints = true
      plan.faults.brokerStandsStillAfterStop = true
      plan.faults.failpointCounts = 4...24
      plan.kills = 6
      // With the mistake readers soon stand still at what is missing, and nobody has records in hand any more.
      plan.minutesMax = 1
    case .randomEventIDs: break
    case .unsortedLocks:
      plan.mix = GeneratorMix(customers: 60)
      plan.mix.registrationsPerMille = 480
      plan.mix.mergedPerMille = 0
      plan.perSecond = 4_000
      plan.events = 20_000
    case .laneCheckOff: plan.plantsGap = true
    case .repeatWithoutProbe: plan.mix.repeatsPerMille = 300
    case .guessedCommit:
      plan.stack.hasProxies = true
      plan.faults.cutsPerMille = 1_000
      plan.faults.onlyCommitRequests = true
      plan.faults.everyMilliseconds = 100...300
      plan.otherFaults = 40
    }
    return plan
  }
}
