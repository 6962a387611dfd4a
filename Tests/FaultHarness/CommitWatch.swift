// Finds the COMMIT in what a PostgreSQL client sends: the simple form, or a prepared statement that was made from it.

/// Fed with the client's bytes in order; says where in them a COMMIT begins.
struct CommitWatch {
  private var pending: [UInt8] = []
  /// Bytes before `pending`.
  private var consumed = 0
  private var isStarted = false
  private var names: Set<[UInt8]> = []
  /// Messages longer than this are no COMMIT: their rest is passed over without being kept.
  private static let messageBytesMax = 4_096
  private var skip = 0

  private static let commit = Array("COMMIT".utf8)

  /// The places, counted from the first byte of the connection, at which messages begin that commit.
  mutating func take(_ bytes: some Sequence<UInt8>) -> [Int] {
    var found: [Int] = []
    for byte in bytes {
      if skip > 0 {
        skip -= 1
        consumed += 1
        continue
      }
      pending.append(byte)
      let head = isStarted ? 5 : 4
      guard pending.count >= head else { continue }
      let length = pending[(head - 4)..<head].reduce(0) { $0 << 8 | Int($1) }
      let total = length + head - 4
      if pending.count < total {
        if total > CommitWatch.messageBytesMax, pending.count >= head {
          skip = total - pending.count
          consumed += pending.count
          pending.removeAll(keepingCapacity: true)
          isStarted = true
        }
        continue
      }
      if isStarted, isCommit(pending) { found.append(consumed) }
      // A request for encryption is followed by the true start message.
      if !isStarted { isStarted = !(length == 8 && pending[4...7].elementsEqual([4, 210, 22, 47])) }
      consumed += pending.count
      pending.removeAll(keepingCapacity: true)
    }
    return found
  }

  private mutating func isCommit(_ message: [UInt8]) -> Bool {
    let texts = message[5...].split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    switch message[0] {
    case UInt8(ascii: "Q"): return texts.first.map { $0.elementsEqual(CommitWatch.commit) } ?? false
    case UInt8(ascii: "P"):
      guard texts.count > 1 else { return false }
      if texts[1].elementsEqual(CommitWatch.commit) { names.insert(Array(texts[0])) } else { names.remove(Array(texts[0])) }
      return false
    case UInt8(ascii: "B"): return texts.count > 1 && names.contains(Array(texts[1]))
    default: return false
    }
  }
}
