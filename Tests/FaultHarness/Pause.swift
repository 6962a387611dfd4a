// Waiting between two looks at something that tells nobody when it changes: always with an end.
import Lifecycle
import Telemetry

struct HarnessFailure: Error, Sendable, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The run's stop signal; pauses end with it.
struct Pauses: Sendable {
  let stop: StopSignal

  func wait(milliseconds: Int) async { _ = await stop.wait(atMost: .milliseconds(milliseconds)) }

  /// Asks again and again, with pauses that grow, until it is so. False when the time is over or the run was stopped.
  func until(withinSeconds limit: Int, _ isSo: () async throws -> Bool) async throws -> Bool {
    let end = SystemTime.monotonicNanoseconds() + Int64(limit) * 1_000_000_000
    var pause = 20
    while SystemTime.monotonicNanoseconds() < end, !stop.isStopping {
      if try await isSo() { return true }
      await wait(milliseconds: pause)
      pause = min(500, pause * 3 / 2)
    }
    return false
  }
}

/// Runs blocking calls on a thread of their own.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await OwnedThread.value(name: "faults-ask") { Result { try body() } }.get()
}

func secondsSince(_ nanoseconds: Int64) -> Double { Double(SystemTime.monotonicNanoseconds() - nanoseconds) / 1e9 }
