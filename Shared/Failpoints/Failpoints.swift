// Named points at which the fault harness ends or stops a process, and switches that put a known mistake in. Neither is in what is delivered.
import Glibc
import Synchronization

/// A place between two steps whose order matters. `docs/faults.md` says what must hold when a process ends there.
public enum Failpoint: String, Sendable, CaseIterable {
  /// The position was claimed; nothing has been read.
  case claimed
  /// Records were taken from the stream, no transaction is open.
  case taken
  /// The fence was moved, nothing else was written.
  case fenced
  /// Before, in the middle of and after the COPY of facts.
  case copyBefore = "copy-before"
  case copyWithin = "copy-within"
  case copyAfter = "copy-after"
  /// The handler has written everything.
  case applied
  /// Outgoing records were written.
  case outbox
  case commitBefore = "commit-before"
  case commitAfter = "commit-after"
  /// Outgoing records were given to the producer, no report was taken.
  case handedOver = "handed-over"
  /// Reports were taken, their rows still exist.
  case acknowledged
  /// Confirmed rows were deleted.
  case tidied
  /// The partition is being given back.
  case revoked
}

public enum Failpoints {
  /// Whether this build has them: debug builds, and the one that the harness makes for itself.
  public static var areBuiltIn: Bool {
    #if FAILPOINTS
      true
    #else
      false
    #endif
  }

  /// The variable with the order: `POINT:ACTION:N`, where ACTION is `kill` (SIGKILL) or `stop` (SIGSTOP) and N says the how manieth time.
  public static let variable = "CLIENTELE_FAILPOINT"

  /// Does what the order says for this point. Without an order, and in builds without failpoints, nothing.
  @inline(__always)
  public static func reach(_ point: Failpoint) {
    #if FAILPOINTS
      Order.shared?.reach(point)
    #endif
  }

  /// Whether something happens at this point sooner or later.
  @inline(__always)
  public static func isAwaited(_ point: Failpoint) -> Bool {
    #if FAILPOINTS
      Order.shared?.point == point
    #else
      false
    #endif
  }

  #if FAILPOINTS
    final class Order: Sendable {
      static let shared: Order? = getenv(Failpoints.variable).flatMap { Order(String(cString: $0)) }

      let point: Failpoint
      private let signal: Int32
      private let left: Mutex<Int>

      init?(_ text: String) {
        let parts = text.split(separator: ":").map(String.init)
        guard parts.count == 3, let point = Failpoint(rawValue: parts[0]), let count = Int(parts[2]), count > 0 else { return nil }
        guard let signal = ["kill": SIGKILL, "stop": SIGSTOP][parts[1]] else { return nil }
        self.point = point
        self.signal = signal
        left = Mutex(count)
      }

      func reach(_ point: Failpoint) {
        guard point == self.point else { return }
        let isDue = left.withLock { left in
          left -= 1
          return left == 0
        }
        if isDue { kill(getpid(), signal) }
      }
    }
  #endif
}

/// A mistake that the fault harness must notice: each takes one safeguard away.
public enum Mutant: String, Sendable, CaseIterable {
  /// The position is moved whoever owns it and wherever it stands.
  case fenceOff = "fence-off"
  /// The position is moved in a second transaction, after the one with the effects.
  case offsetInSecondTransaction = "offset-in-second-transaction"
  /// The relay remembers how far it has handed over instead of what was confirmed.
  case cursorRelay = "cursor-relay"
  /// Event ids are drawn when a record is processed.
  case randomEventIDs = "random-event-ids"
  /// Customers are locked in the order in which they come.
  case unsortedLocks = "unsorted-locks"
  /// Lane numbers are not looked at.
  case laneCheckOff = "lane-check-off"
  /// Facts are written again without asking which are known.
  case repeatWithoutProbe = "repeat-without-probe"
  /// A commit whose answer was lost is taken for done.
  case guessedCommit = "guessed-commit"

  /// The variable that names the one to be.
  public static let variable = "CLIENTELE_MUTANT"

  #if MUTANTS
    private static let chosen: Mutant? = getenv(variable).flatMap { Mutant(rawValue: String(cString: $0)) }
  #endif

  /// Whether this process makes this mistake. Always false but in the build that the harness makes for itself.
  @inline(__always)
  public var isOn: Bool {
    #if MUTANTS
      Mutant.chosen == self
    #else
      false
    #endif
  }
}
