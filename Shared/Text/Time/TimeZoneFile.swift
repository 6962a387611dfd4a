// Time zone files (TZif, RFC 8536) as a plain list of periods, so that no room needs Foundation to know the local day.

/// Reads compiled time zone files, as `/usr/share/zoneinfo` holds them.
public enum TimeZoneFile {
  /// The offset before the first change, and each change of offset with the second of Unix time from which it holds.
  /// Offsets are seconds east of Greenwich. Changes ascend; each differs from the one before.
  public typealias Periods = (firstOffset: Int32, periods: [(startsAt: Int64, offset: Int32)])

  /// The last year for which the rule at the file's end is worked out.
  public static let expandedYearMax = 2100
  /// The largest file that is read.
  public static let fileBytesMax = 1 << 20
  /// The most changes that a file may list.
  public static let changesMax = 10_000

  /// Reads a file of version 2 or later, with the rule at its end worked out through 2100.
  ///
  /// Refused: version 1 (its times end in 2038), files with leap seconds ("right/…"), and anything cut or inconsistent.
  public static func parse(_ bytes: [UInt8]) throws(TextFault) -> Periods {
    guard bytes.count <= fileBytesMax else { throw TextFault(.file, at: fileBytesMax) }
    let old = try Header(bytes, at: 0)
    guard old.version >= 0x32 else { throw TextFault(.file, at: 4) }
    let header = try Header(bytes, at: old.end(timeBytes: 4))
    let end = header.end(timeBytes: 8)
    guard end < bytes.count, header.leaps == 0, (1...256).contains(header.types) else {
      throw TextFault(.file, at: header.begin)
    }
    let times = header.begin + Header.length
    let indices = times + header.times * 8
    let types = indices + header.times
    var offsets: [Int32] = []
    for type in 0..<header.types {
      let offset = Int32(truncatingIfNeeded: integer(bytes, types + type * 6, 4))
      guard (-93_600...93_600).contains(offset) else { throw TextFault(.file, at: types + type * 6) }
      offsets.append(offset)
    }
    var result = Builder(firstOffset: offsets[0])
    for index in 0..<header.times {
      let type = Int(bytes[indices + index])
      guard type < offsets.count else { throw TextFault(.file, at: indices + index) }
      let time = integer(bytes, times + index * 8, 8)
      guard result.lastTime.map({ $0 < time }) ?? true else { throw TextFault(.file, at: times + index * 8) }
      result.add(time, offsets[type])
    }
    try result.expand(footer(bytes, at: end))
    return (result.firstOffset, result.periods)
  }

  private struct Header {
    static let length = 44
    let begin: Int
    let version: UInt8
    let leaps, times, types: Int
    private let rest: (isUT: Int, isStandard: Int, letters: Int)

    init(_ bytes: [UInt8], at begin: Int) throws(TextFault) {
      guard begin >= 0, bytes.count - begin >= Self.length, bytes[begin..<begin + 4].elementsEqual("TZif".utf8) else {
        throw TextFault(.file, at: min(max(begin, 0), bytes.count))
      }
      let counts = (0..<6).map { Int(UInt32(truncatingIfNeeded: integer(bytes, begin + 20 + $0 * 4, 4))) }
      guard counts.allSatisfy({ $0 <= changesMax }) else { throw TextFault(.file, at: begin + 20) }
      self.begin = begin
      version = bytes[begin + 4]
      rest = (counts[0], counts[1], counts[5])
      leaps = counts[2]
      times = counts[3]
      types = counts[4]
    }

    /// Where the block of data behind this header ends.
    func end(timeBytes: Int) -> Int {
      let tables = times * (timeBytes + 1) + types * 6 + leaps * (timeBytes + 4)
      return begin + Self.length + tables + rest.letters + rest.isStandard + rest.isUT
    }
  }

  /// A signed integer, most significant byte first.
  private static func integer(_ bytes: [UInt8], _ at: Int, _ width: Int) -> Int64 {
    var value: UInt64 = bytes[at] & 0x80 == 0 ? 0 : .max
    for byte in bytes[at..<at + width] { value = value << 8 | UInt64(byte) }
    return Int64(bitPattern: value)
  }

  /// The text between the two line feeds at the end.
  private static func footer(_ bytes: [UInt8], at begin: Int) throws(TextFault) -> ArraySlice<UInt8> {
    guard bytes[begin] == 0x0A, let last = bytes[(begin + 1)...].firstIndex(of: 0x0A), last == bytes.count - 1 else {
      throw TextFault(.file, at: begin)
    }
    return bytes[(begin + 1)..<last]
  }

  private struct Builder {
    let firstOffset: Int32
    var periods: [(startsAt: Int64, offset: Int32)] = []
    var lastTime: Int64?

    init(firstOffset: Int32) { self.firstOffset = firstOffset }

    /// Adds a change, unless it changes nothing but a name; a change at the same second replaces the one before.
    mutating func add(_ time: Int64, _ offset: Int32) {
      lastTime = time
      if periods.last?.startsAt == time { periods.removeLast() }
      if periods.last?.offset ?? firstOffset != offset { periods.append((time, offset)) }
    }

    mutating func expand(_ footer: ArraySlice<UInt8>) throws(TextFault) {
      guard !footer.isEmpty else { return }
      let rule = try PosixZoneRule(footer)
      let known = lastTime
      let firstDay = known.map { Int(clamping: $0 / CivilCalendar.secondsPerDay) } ?? 0
      let firstYear = CivilCalendar.date(ofDay: firstDay).year
      guard firstYear <= expandedYearMax else { return }
      for year in firstYear...expandedYearMax {
        for change in rule.changes(in: year) where known.map({ change.startsAt > $0 }) ?? true {
          add(change.startsAt, change.offset)
        }
      }
    }
  }
}
