// Cuts NDJSON and JSON files into records without reading them: whether a record is JSON is found out where it is validated.

struct RecordSplitter: Sendable {
  enum Layout: Sendable {
    /// One record per line.
    case lines
    /// One object, or an array of them, over as many lines as there are.
    case array
  }

  private let layout: Layout
  private var current: [UInt8] = []
  private var line: Int64 = 1
  private var startLine: Int64 = 1
  private var depth = 0
  private var isInText = false
  private var isEscaped = false
  private var isOpen = false
  private var hasOuterArray = false

  init(_ layout: Layout) { self.layout = layout }

  mutating func take(_ bytes: ArraySlice<UInt8>) -> [Piece] {
    var pieces: [Piece] = []
    for byte in bytes {
      switch layout {
      case .lines: takeOfLine(byte, &pieces)
      case .array: takeOfArray(byte, &pieces)
      }
      if byte == 0x0A { line += 1 }
    }
    return pieces
  }

  mutating func finish() -> [Piece] {
    var pieces: [Piece] = []
    close(&pieces)
    return pieces
  }

  private mutating func takeOfLine(_ byte: UInt8, _ pieces: inout [Piece]) {
    if byte == 0x0A { return close(&pieces) }
    if !isOpen {
      // A byte order mark may stand before the first record.
      if isBlank(byte) || (line == 1 && [0xEF, 0xBB, 0xBF].contains(byte)) { return }
      open()
    }
    keep(byte)
  }

  private mutating func takeOfArray(_ byte: UInt8, _ pieces: inout [Piece]) {
    if !isOpen {
      if isBlank(byte) || byte == 0x0A || byte == 0x2C || byte == 0x5D || (line == 1 && [0xEF, 0xBB, 0xBF].contains(byte)) { return }
      if byte == 0x5B, !hasOuterArray {
        hasOuterArray = true
        return
      }
      open()
    } else if depth == 0, !isInText, byte == 0x2C || byte == 0x5D || byte == 0x0A || isBlank(byte) {
      // Neither object nor array nor text: a number or word, which validation will refuse.
      return close(&pieces)
    }
    keep(byte)
    if isInText {
      if isEscaped { isEscaped = false } else if byte == 0x5C { isEscaped = true } else if byte == 0x22 { isInText = false }
      return
    }
    switch byte {
    case 0x22: isInText = true
    case 0x7B, 0x5B: depth += 1
    case 0x7D, 0x5D:
      depth -= 1
      if depth <= 0 { close(&pieces) }
    default: break
    }
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

  private mutating func open() {
    isOpen = true
    startLine = line
  }

  private mutating func keep(_ byte: UInt8) {
    // The end of a record that is longer than may be published is left out, and the record refused for it.
    if current.count < FileRecords.valueBytesMax { current.append(byte) }
  }

  private mutating func close(_ pieces: inout [Piece]) {
    defer {
      current = []
      isOpen = false
      depth = 0
      isInText = false
      isEscaped = false
    }
    guard isOpen else { return }
    if current.last == 0x0D { current.removeLast() }
    pieces.append(Piece(key: nil, value: current, line: startLine, lines: 1))
  }
}
