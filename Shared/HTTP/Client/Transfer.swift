// One request under way: joins the client's thread with the task that waits.

import Synchronization

/// Shared between the task that sent the request and the client's thread.
final class Transfer: Sendable {
  private typealias Waiter = CheckedContinuation<Void, Never>

  let request: ClientRequest
  let isStreamed: Bool
  /// On the monotonic clock, nanoseconds.
  let deadline: Int64
  private let machine: Mutex<TransferMachine<Waiter>>

  init(_ request: ClientRequest, isStreamed: Bool, limits: HTTPClientLimits, deadline: Int64) {
    self.request = request
    self.isStreamed = isStreamed
    self.deadline = deadline
    self.machine = Mutex(TransferMachine(isStreamed: isStreamed, limits: limits))
  }

  // MARK: on the client's thread

  /// False aborts the transfer.
  func header(_ line: UnsafeRawBufferPointer) -> Bool {
    let (taking, waiter) = machine.withLock { $0.header(line) }
    waiter?.resume()
    return taking == .kept
  }

  func piece(_ bytes: UnsafeRawBufferPointer) -> TransferMachine<CheckedContinuation<Void, Never>>.Taking {
    let (taking, waiter) = machine.withLock { $0.piece(bytes) }
    waiter?.resume()
    return taking
  }

  // MARK: from anywhere

  func finish(_ outcome: Result<Void, HTTPClientFailure>) { machine.withLock { $0.finish(outcome) }?.resume() }

  var isOver: Bool { machine.withLock { $0.outcome != nil } }

  // MARK: in the caller's task

  func response() async throws(HTTPClientFailure) -> ClientResponse {
    while true {
      if let response = machine.withLock({ $0.response() }) { return try response.get() }
      await wait(forHead: false)
    }
  }

  func head() async throws(HTTPClientFailure) -> TransferMachine<CheckedContinuation<Void, Never>>.Head {
    while true {
      if let head = machine.withLock({ $0.start }) { return try head.get() }
      await wait(forHead: true)
    }
  }

  /// `goOn` is called when the server was made to wait and there is room again.
  func next(goOn: () -> Void) async throws(HTTPClientFailure) -> [UInt8]? {
    while true {
      switch machine.withLock({ $0.read() }) {
      case .piece(let bytes, let goesOn):
        if goesOn { goOn() }
        return bytes
      case .end: return nil
      case .failed(let failure): throw failure
      case .none: await wait(forHead: false)
      }
    }
  }

  private func wait(forHead: Bool) async {
    await withCheckedContinuation { (waiter: Waiter) in
      if !machine.withLock({ $0.wait(waiter, forHead: forHead) }) { waiter.resume() }
    }
  }
}
