// What a long-lived part of a process is.

/// A part of the process that lives until it is asked to stop: a consumer, a relay, an HTTP server.
///
/// `run` is one long run. It starts what the part owns, works until `stop` is asked, finishes what is in hand and returns. Returning
/// earlier, or throwing at any time, is a failure: the group then stops everything else.
public protocol Service: Sendable {
  /// Name in log lines and outcomes, unique in its group.
  var name: String { get }

  /// Works until `stop` is asked. The task is cancelled only when the part does not end within the group's limit.
  func run(_ stop: StopSignal) async throws
}
