// The pure state of a body written bit by bit: a bounded buffer between one writer and the server's thread.

/// What happens to a streamed body; the caller does what is returned, outside the lock.
///
/// `Waiter` is whatever resumes a writer that waits for room.
struct StreamMachine<Waiter: Sendable>: Sendable {
  /// Bytes between writer and network. A writer waits while it is full, so a slow client slows its handler, not the memory.
  static var bufferBytesMax: Int { 64 << 10 }

  enum End: Sendable, Equatable { case finished, failed(StreamFailure) }

  /// What the reader (the server's thread) is to do.
  enum Reading: Sendable, Equatable { case bytes(Int), park, end, cut }

  enum Writing: Sendable, Equatable {
    /// So many bytes were taken; resume the connection when `wakes`.
    case took(Int, wakes: Bool)
    case full
    case refused(StreamFailure)
  }

  struct Effects: Sendable {
    var wakes = false
    var waiter: Waiter?
    var failure: StreamFailure?
  }

  private(set) var end: End?
  private(set) var isWriting = false
  private(set) var bytesSent = 0
  private var buffer: [UInt8] = []
  private var start = 0
  private var parked = false
  private var waiter: Waiter?

  private var buffered: Int { buffer.count - start }

  // MARK: the writer's side

  /// Begins a write of one whole piece; nil when it may go on.
  mutating func begin() -> StreamFailure? {
    if let failure = refusal { return failure }
    guard !isWriting else { return .twoWriters }
    isWriting = true
    return nil
  }

  mutating func write(_ bytes: ArraySlice<UInt8>) -> Writing {
    if let failure = refusal { return .refused(failure) }
    let room = Self.bufferBytesMax - buffered
    guard room > 0 else { return .full }
    let piece = bytes.prefix(room)
    buffer.append(contentsOf: piece)
    defer { parked = false }
    return .took(piece.count, wakes: parked)
  }

  /// Waits for room: nil when the waiter is kept, else what to resume it with at once.
  mutating func wait(_ waiter: Waiter) -> Result<Void, StreamFailure>? {
    if let failure = refusal { return .failure(failure) }
    guard buffered >= Self.bufferBytesMax else { return .success(()) }
    self.waiter = waiter
    return nil
  }

  mutating func endWrite() { isWriting = false }

  /// A sign of life between two pieces, never inside one; true when the connection is to be resumed.
  mutating func heartbeat(_ bytes: [UInt8]) -> Bool {
    guard end == nil, !isWriting, buffered == 0, parked else { return false }
    buffer.append(contentsOf: bytes)
    parked = false
    return true
  }

  // MARK: the reader's side

  /// Copies what is there. `park` means that the caller suspends the connection before it lets go of the lock.
  mutating func read(into target: UnsafeMutableRawBufferPointer) -> (Reading, Waiter?) {
    if case .failed = end { return (.cut, nil) }
    let count = min(buffered, target.count)
    guard count > 0 else {
      if end != nil { return (.end, nil) }
      parked = true
      return (.park, nil)
    }
    buffer[start..<(start + count)].withUnsafeBytes { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
    start += count
    bytesSent += count
    if start == buffer.count {
      buffer.removeAll(keepingCapacity: true)
      start = 0
    } else if start >= Self.bufferBytesMax {
      buffer.removeFirst(start)
      start = 0
    }
    // Half empty before the writer goes on: one wake-up for many small reads.
    guard buffered <= Self.bufferBytesMax / 2 else { return (.bytes(count), nil) }
    return (.bytes(count), take())
  }

  // MARK: ends

  /// No more is written; what is buffered still goes out. The first end counts.
  mutating func finish() -> Effects { close(.finished, telling: .closed) }

  /// The body stays unfinished: the connection is cut.
  mutating func fail(_ failure: StreamFailure) -> Effects { close(.failed(failure), telling: failure) }

  /// The server stops: what is buffered goes out, the body ends properly, the writer is told why.
  mutating func stop() -> Effects { close(.finished, telling: .serverStopping) }

  /// The writer threw, or was cancelled while it waited: the body stays unfinished. One that was ended on purpose, by the server's stop,
  /// stays so: its writer then ends by throwing as a rule.
  mutating func giveUp(_ failure: StreamFailure) -> Effects { end == nil ? close(.failed(failure), telling: failure) : Effects() }

  private var told: StreamFailure = .closed

  private var refusal: StreamFailure? {
    switch end {
    case nil: nil
    case .finished: told
    case .failed(let failure): failure
    }
  }

  private mutating func close(_ end: End, telling failure: StreamFailure) -> Effects {
    // A failure overrides a proper end that has not gone out yet: the client must not take a part for the whole.
    if self.end != nil, case .finished = end { return Effects() }
    if case .failed = self.end { return Effects() }
    self.end = end
    told = failure
    defer { parked = false }
    return Effects(wakes: parked, waiter: take(), failure: failure)
  }

  private mutating func take() -> Waiter? {
    defer { waiter = nil }
    return waiter
  }
}

/// Why a streamed body cannot be written further.
public enum StreamFailure: Error, Sendable, Equatable {
  /// The client closed the connection or does not read.
  case clientGone
  /// The server is stopping.
  case serverStopping
  /// The writing task was cancelled; the body stays unfinished.
  case cancelled
  /// The body has ended already.
  case closed
  /// A second write began before the first was done.
  case twoWriters
  /// An event's name or id holds a line break or NUL.
  case badField
}
