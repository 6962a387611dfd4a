// A response's body while it arrives: pieces, or lines for NDJSON.

/// The pieces of a body in order, as they come from the network; nothing may be read from their borders.
///
/// One reader, once. What the reader has not taken is held up to `streamBufferBytesMax`; then the server is made to wait.
public final class ResponseBody: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  public typealias Failure = HTTPClientFailure

  private let engine: ClientEngine
  private let transfer: Transfer

  init(_ engine: ClientEngine, _ transfer: Transfer) {
    self.engine = engine
    self.transfer = transfer
  }

  deinit { engine.cancel(transfer) }

  public struct AsyncIterator: AsyncIteratorProtocol {
    let body: ResponseBody

    public mutating func next() async throws(HTTPClientFailure) -> [UInt8]? { try await body.next() }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws(HTTPClientFailure) -> [UInt8]? {
      try await body.next()
    }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

  /// The body as lines, for NDJSON and text. A line longer than `lineBytesMax` bytes is a failure (`responseTooLarge`).
  public func lines(lineBytesMax: Int) -> ResponseLines { ResponseLines(body: self, lineBytesMax: lineBytesMax) }

  /// The next piece, nil after the last.
  public func next() async throws(HTTPClientFailure) -> [UInt8]? {
    let outcome: Result<[UInt8]?, HTTPClientFailure> = await withTaskCancellationHandler {
      do throws(HTTPClientFailure) {
        return .success(try await transfer.next { engine.goOn(transfer) })
      } catch {
        return .failure(error)
      }
    } onCancel: {
      engine.cancel(transfer)
    }
    return try outcome.get()
  }
}

/// Lines without their ends (LF, or CR LF); the last one need not have an end. Empty lines are kept.
public struct ResponseLines: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  public typealias Failure = HTTPClientFailure

  let body: ResponseBody
  let lineBytesMax: Int

  public struct AsyncIterator: AsyncIteratorProtocol {
    let body: ResponseBody
    var cutter: LineCutter

    public mutating func next() async throws(HTTPClientFailure) -> [UInt8]? {
      while true {
        if let line = cutter.next() { return line }
        // One more for a CR whose LF has not come yet.
        guard cutter.pendingBytes <= cutter.lineBytesMax + 1 else {
          throw HTTPClientFailure(.responseTooLarge, "a line has more than \(cutter.lineBytesMax) bytes")
        }
        guard let piece = try await body.next() else { return cutter.last() }
        cutter.add(piece)
      }
    }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws(HTTPClientFailure) -> [UInt8]? {
      try await next()
    }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body, cutter: LineCutter(lineBytesMax: lineBytesMax)) }
}

/// Cuts pieces into lines. Pure.
struct LineCutter: Sendable {
  let lineBytesMax: Int
  private var pending: [UInt8] = []
  private var start = 0
  /// Where no line end can be any more: each byte is looked at once.
  private var searched = 0

  init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

  /// Bytes of the line that has no end yet.
  var pendingBytes: Int { pending.count - start }

  mutating func add(_ piece: [UInt8]) {
    pending.removeFirst(start)
    searched -= start
    start = 0
    pending += piece
  }

  mutating func next() -> [UInt8]? {
    guard let end = pending[searched...].firstIndex(of: 0x0A) else {
      searched = pending.count
      return nil
    }
    let line = trimmed(pending[start..<end])
    // A line that is too long stays where it is, so that `pendingBytes` tells.
    guard line.count <= lineBytesMax else { return nil }
    start = end + 1
    searched = start
    return line
  }

  mutating func last() -> [UInt8]? {
    guard start < pending.count else { return nil }
    defer { start = pending.count }
    return trimmed(pending[start...])
  }

  private func trimmed(_ line: ArraySlice<UInt8>) -> [UInt8] { Array(line.last == 0x0D ? line.dropLast() : line) }
}
