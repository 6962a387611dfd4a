// The client's thread and how other threads speak to it.

import CCurl
import Lifecycle
import Synchronization
import Telemetry

/// libcurl's handle of many transfers.
///
/// `@unchecked` is true because other threads use it for nothing but `curl_multi_wakeup`, which the library allows, and only under the
/// engine's lock, inside which the thread that owns it takes it back before it frees it.
private struct WakeHandle: @unchecked Sendable {
  let raw: UnsafeMutableRawPointer
}

/// Orders from tasks to the client's thread.
enum ClientOrder: Sendable {
  case start(Transfer)
  case stop(Transfer)
  case goOn(Transfer)
}

final class ClientEngine: Sendable {
  private enum Life {
    case idle
    case running(OwnedThread)
    case closed(OwnedThread?)
  }

  private struct State {
    var life = Life.idle
    var orders: [ClientOrder] = []
    /// Sent and not over.
    var transfers = 0
    var wake: WakeHandle?

    mutating func order(_ order: ClientOrder) {
      if case .closed = life { return }
      orders.append(order)
      wakeUp()
    }

    /// Writes one byte to a pipe that never blocks; when it is full the thread is awake anyway.
    func wakeUp() { if let wake { curl_multi_wakeup(wake.raw) } }
  }

  let name: String
  let settings: HTTPClientSettings
  private let state = Mutex(State())

  init(_ name: String, _ settings: HTTPClientSettings) {
    self.name = name
    self.settings = settings
  }

  // MARK: from tasks

  func submit(_ request: ClientRequest, isStreamed: Bool, milliseconds: Int) throws(HTTPClientFailure) -> Transfer {
    if let fault = request.fault(settings) { throw HTTPClientFailure(.invalidRequest, fault) }
    let deadline = SystemTime.monotonicNanoseconds() + Int64(clamping: max(0, milliseconds)).multipliedSaturating(by: 1_000_000)
    let transfer = Transfer(request, isStreamed: isStreamed, limits: settings.limits, deadline: deadline)
    let refusal = state.withLock { state -> HTTPClientFailure? in
      switch state.life {
      case .closed: return HTTPClientFailure(.closed, "the client was closed")
      case .running: break
      case .idle:
        do throws(ThreadFailure) {
          // The thread holds what it needs, not the client, so that a client that is let go of can end it.
          state.life = .running(try OwnedThread.start(name: name) { [self] in ClientLoop.run(self) })
        } catch {
          return HTTPClientFailure(.other, error.description)
        }
      }
      guard state.transfers < settings.limits.transfersMax + settings.limits.waitingTransfersMax else {
        return HTTPClientFailure(.overloaded, "\(state.transfers) requests are under way or waiting")
      }
      state.transfers += 1
      state.order(.start(transfer))
      return nil
    }
    if let refusal { throw refusal }
    return transfer
  }

  func cancel(_ transfer: Transfer) {
    guard !transfer.isOver else { return }
    transfer.finish(.failure(HTTPClientFailure(.cancelled, "the request was cancelled")))
    state.withLock { $0.order(.stop(transfer)) }
  }

  func goOn(_ transfer: Transfer) { state.withLock { $0.order(.goOn(transfer)) } }

  func close() {
    state.withLock { state in
      if case .closed = state.life { return }
      if case .running(let thread) = state.life { state.life = .closed(thread) } else { state.life = .closed(nil) }
      state.wakeUp()
    }
  }

  func ended() async {
    let thread = state.withLock { state -> OwnedThread? in if case .closed(let thread) = state.life { thread } else { nil } }
    await thread?.ended()
  }

  // MARK: from the thread

  func attach(_ raw: UnsafeMutableRawPointer) {
    let handle = WakeHandle(raw: raw)
    state.withLock { $0.wake = handle }
  }

  func detach() { state.withLock { $0.wake = nil } }

  /// New orders, and whether the client was closed.
  func orders() -> (orders: [ClientOrder], isClosed: Bool) {
    state.withLock { state in
      defer { state.orders = [] }
      if case .closed = state.life { return (state.orders, true) }
      return (state.orders, false)
    }
  }

  func isOver(_ transfers: Int) { state.withLock { $0.transfers -= transfers } }
}

extension Int64 {
  fileprivate func multipliedSaturating(by factor: Int64) -> Int64 {
    let (product, over) = multipliedReportingOverflow(by: factor)
    return over ? .max / 2 : Swift.min(product, .max / 2)
  }
}
