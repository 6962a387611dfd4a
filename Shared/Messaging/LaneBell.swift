// How a request wakes the lane of due work.
import Synchronization

/// Rung by requests; heard by the lane of due work, when this process has one.
public final class LaneBell: Sendable {
  private let wake = Mutex<(@Sendable () -> Void)?>(nil)

  public init() {}

  public func connect(_ act: @escaping @Sendable () -> Void) { wake.withLock { $0 = act } }

  public func ring() {
    let act = wake.withLock { $0 }
    act?()
  }
}
