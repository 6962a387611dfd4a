// The body of the client's thread: libcurl's transfers, and nothing else touches them.

import CCurl
import Telemetry

/// Lives on the client's thread only.
struct ClientLoop: ~Copyable {
  /// How long the thread sleeps when nothing happens; orders wake it.
  private static let sleepMillisecondsMax: Int32 = 1_000

  private struct Running {
    let transfer: Transfer
    let handle: EasyHandle
  }

  private let engine: ClientEngine
  private let multi: UnsafeMutableRawPointer
  private var running: [UnsafeMutableRawPointer: Running] = [:]
  private var waiting: [Transfer] = []

  static func run(_ engine: ClientEngine) {
    guard Library.isReady, let multi = curl_multi_init() else {
      ClientLoop.refuseAll(engine)
      return
    }
    var loop = ClientLoop(engine, multi)
    engine.attach(multi)
    while loop.turn() {}
    engine.detach()
    loop.end()
  }

  private init(_ engine: ClientEngine, _ multi: UnsafeMutableRawPointer) {
    self.engine = engine
    self.multi = multi
    let connections = engine.settings.limits.transfersMax
    _ = ccurl_set_multi_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections)
    _ = ccurl_set_multi_long(multi, CURLMOPT_MAXCONNECTS, connections)
  }

  /// Without the library the client answers every request with a failure until it is closed.
  private static func refuseAll(_ engine: ClientEngine) {
    let failure = HTTPClientFailure(.other, "libcurl does not start: out of memory")
    engine.close()
    for case .start(let transfer) in engine.orders().orders { transfer.finish(.failure(failure)) }
  }

  /// One round; false when the client was closed.
  private mutating func turn() -> Bool {
    let (orders, isClosed) = engine.orders()
    for order in orders { carryOut(order) }
    if isClosed { return false }
    startWaiting()
    var count: Int32 = 0
    curl_multi_perform(multi, &count)
    collect()
    curl_multi_poll(multi, nil, 0, sleepMilliseconds, nil)
    return true
  }

  private var sleepMilliseconds: Int32 {
    guard let first = waiting.map(\.deadline).min() else { return ClientLoop.sleepMillisecondsMax }
    // Room may have come free: the next round starts who waits.
    guard running.count >= engine.settings.limits.transfersMax else { return 0 }
    let left = (first - SystemTime.monotonicNanoseconds()) / 1_000_000 + 1
    return max(0, min(ClientLoop.sleepMillisecondsMax, Int32(clamping: left)))
  }

  private mutating func carryOut(_ order: ClientOrder) {
    switch order {
    case .start(let transfer): waiting.append(transfer)
    case .stop(let transfer):
      if let index = waiting.firstIndex(where: { $0 === transfer }) {
        waiting.remove(at: index)
        engine.isOver(1)
      } else if let key = key(of: transfer) {
        remove(key)
      }
    case .goOn(let transfer):
      // Calls the body callback at once with what was held back; its failure shows in the transfer's outcome.
      if let key = key(of: transfer) { _ = ccurl_go_on(key) }
    }
  }

  private func key(of transfer: Transfer) -> UnsafeMutableRawPointer? { running.first { $0.value.transfer === transfer }?.key }

  private mutating func startWaiting() {
    let now = SystemTime.monotonicNanoseconds()
    waiting.removeAll { transfer in
      guard transfer.deadline <= now else { return false }
      engine.isOver(1)
      transfer.finish(.failure(HTTPClientFailure(.timedOut, "the request waited too long for its turn")))
      return true
    }
    while running.count < engine.settings.limits.transfersMax, !waiting.isEmpty {
      let transfer = waiting.removeFirst()
      do throws(HTTPClientFailure) {
        let handle = try EasyHandle(transfer, engine.settings, milliseconds: Int((transfer.deadline - now) / 1_000_000) + 1)
        let code = curl_multi_add_handle(multi, handle.raw)
        guard code == CURLM_OK else {
          handle.free()
          throw HTTPClientFailure(.other, String(cString: curl_multi_strerror(code)))
        }
        // Its callbacks get the transfer unretained: `running` holds it as long as the handle lives.
        running[handle.raw] = Running(transfer: transfer, handle: handle)
      } catch {
        engine.isOver(1)
        transfer.finish(.failure(error))
      }
    }
  }

  private mutating func collect() {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let key = message.pointee.easy_handle, let one = running[key] else { continue }
      let code = message.pointee.data.result
      let outcome: Result<Void, HTTPClientFailure> = code == CURLE_OK ? .success(()) : .failure(one.handle.failure(code))
      // First its place, then the word: who hears that a request is over may send the next one at once.
      remove(key)
      one.transfer.finish(outcome)
    }
  }

  private mutating func remove(_ key: UnsafeMutableRawPointer) {
    curl_multi_remove_handle(multi, key)
    guard let one = running.removeValue(forKey: key) else { return }
    one.handle.free()
    engine.isOver(1)
  }

  private consuming func end() {
    let failure = HTTPClientFailure(.closed, "the client was closed")
    for transfer in waiting { transfer.finish(.failure(failure)) }
    for (key, one) in running {
      one.transfer.finish(.failure(failure))
      curl_multi_remove_handle(multi, key)
      one.handle.free()
    }
    curl_multi_cleanup(multi)
  }
}

/// libcurl's state of the whole process; begun once, by whoever comes first, and never ended.
enum Library {
  static let isReady = ccurl_global_init() == CURLE_OK
}
