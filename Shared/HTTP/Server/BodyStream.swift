// What a streaming handler writes to: bytes with back-pressure, and Server-Sent Events on top.

import CMicroHTTPD
import Synchronization

/// The body of a response while it is being written. One writer at a time.
public final class BodyStream: Sendable {
  private let channel: StreamChannel

  init(_ channel: StreamChannel) { self.channel = channel }

  /// Hands over one piece; returns when all of it is on its way to the network. Waits while the client does not read:
  /// no more than 64 KiB are held back for it.
  public func write(_ bytes: [UInt8]) async throws(StreamFailure) { try await channel.write(bytes[...]) }

  public func write(_ text: String) async throws(StreamFailure) { try await channel.write(Array(text.utf8)[...]) }
}

/// The body of a Server-Sent Events response (WHATWG HTML, section 9.2).
///
/// A comment goes out when nothing else has for some time (the server's `heartbeatMillisecondsMax`), so that proxies keep the connection
/// and a vanished client is noticed.
public final class EventStream: Sendable {
  private let channel: StreamChannel

  init(_ channel: StreamChannel) { self.channel = channel }

  /// Sends one event. `data` may have several lines. `id` comes back as the request header `Last-Event-ID` when the client
  /// connects again, after `retryMilliseconds` if that has been given.
  public func send(
    _ data: String, event: String? = nil, id: String? = nil, retryMilliseconds: Int? = nil
  ) async throws(StreamFailure) {
    guard let bytes = EventStream.encode(data, event: event, id: id, retryMilliseconds: retryMilliseconds) else { throw .badField }
    try await channel.write(bytes[...])
  }

  /// The bytes of one event, or nil when `event` or `id` has a line break or NUL and would thus become other fields.
  static func encode(_ data: String, event: String?, id: String?, retryMilliseconds: Int?) -> [UInt8]? {
    var out: [UInt8] = []
    for (name, value) in [("event", event), ("id", id)] {
      guard let value else { continue }
      guard !value.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else { return nil }
      out += "\(name): \(value)\n".utf8
    }
    if let retryMilliseconds, retryMilliseconds >= 0 { out += "retry: \(retryMilliseconds)\n".utf8 }
    var line: [UInt8] = []
    var afterReturn = false
    for byte in data.utf8 {
      defer { afterReturn = byte == 0x0D }
      if byte == 0x0A, afterReturn { continue }
      if byte == 0x0A || byte == 0x0D {
        out += Array("data: ".utf8) + line + [0x0A]
        line.removeAll(keepingCapacity: true)
      } else {
        line.append(byte)
      }
    }
    return out + Array("data: ".utf8) + line + [0x0A, 0x0A]
  }
}

/// Joins a streaming handler's task with the server's thread.
final class StreamChannel: Sendable {
  enum Kind: Sendable { case body, events }

  private typealias Waiter = CheckedContinuation<Result<Void, StreamFailure>, Never>

  let kind: Kind
  private let connection: ConnectionHandle
  private let machine = Mutex(StreamMachine<Waiter>())

  init(_ kind: Kind, _ connection: ConnectionHandle) {
    self.kind = kind
    self.connection = connection
  }

  // MARK: writer, in the handler's task

  func write(_ bytes: ArraySlice<UInt8>) async throws(StreamFailure) {
    if let failure = machine.withLock({ $0.begin() }) { throw failure }
    defer { machine.withLock { $0.endWrite() } }
    var rest = bytes
    while !rest.isEmpty {
      switch machine.withLock({ $0.write(rest) }) {
      case .took(let count, let wakes):
        rest = rest.dropFirst(count)
        if wakes { connection.resume() }
      case .full: try await room()
      case .refused(let failure): throw failure
      }
    }
  }

  private func room() async throws(StreamFailure) {
    let outcome: Result<Void, StreamFailure> = await withTaskCancellationHandler {
      await withCheckedContinuation { (waiter: Waiter) in
        if let now = machine.withLock({ $0.wait(waiter) }) { waiter.resume(returning: now) }
      }
    } onCancel: {
      // A piece of which only a part is written cannot be taken back: the body is lost.
      giveUp(.cancelled)
    }
    try outcome.get()
  }

  // MARK: reader, on the server's thread

  /// Fills the server's buffer; the result is what libmicrohttpd's content reader is to return.
  func read(_ target: UnsafeMutableRawBufferPointer) -> Int {
    let (reading, waiter) = machine.withLock { machine in
      let result = machine.read(into: target)
      // Inside the lock, so that no writer can resume the connection before it is suspended. The call takes only the library's
      // own lock, under which it never calls us.
      if case .park = result.0 { connection.suspend() }
      return result
    }
    waiter?.resume(returning: .success(()))
    switch reading {
    case .bytes(let count): return count
    case .park: return 0
    case .end: return cmhd_end_of_stream
    case .cut: return cmhd_end_with_error
    }
  }

  /// Bytes the server's thread has taken so far.
  var bytesSent: Int { machine.withLock { $0.bytesSent } }

  // MARK: ends, from anywhere

  func finish() { perform(machine.withLock { $0.finish() }) }

  /// By the writer; nothing when the body has ended already.
  func giveUp(_ failure: StreamFailure) { perform(machine.withLock { $0.giveUp(failure) }) }

  func fail(_ failure: StreamFailure) { perform(machine.withLock { $0.fail(failure) }) }

  func stop() { perform(machine.withLock { $0.stop() }) }

  func heartbeat() {
    if machine.withLock({ $0.heartbeat(Array(":\n\n".utf8)) }) { connection.resume() }
  }

  private func perform(_ effects: StreamMachine<Waiter>.Effects) {
    effects.waiter?.resume(returning: .failure(effects.failure ?? .closed))
    if effects.wakes { connection.resume() }
  }
}
