// A snapshot's ledger in few bytes, for services that keep customers' days in a column of their own.
public import Domain
public import Text

/// Days: a form, how many there are, and of each the days since the one before, its orders, and its spend, as short as the numbers are: mostly six bytes.
/// Columns from before hold 20 bytes a day, which are read as well. Older: 32 bytes, none when there is nothing older.
public enum LedgerBytes {
  private static let olderBytes = 32
  private static let noDay = Int32.min
  /// The first byte. No day of the former form begins with it: it would lie 45,000 years from now.
  private static let form: UInt8 = 1
  private static let formerEntryBytes = 20
  /// Paid and counted orders of a day share a byte up to this number each; the byte of both above stands for longer ones behind it.
  private static let shortCountMax: Int32 = 14
  private static let longCounts: UInt8 = 0xFF
  /// A day, two counts and a spend at their longest.
  private static let entryBytesMax = 5 + 11 + 10

  public static func putDays(_ ledger: DayLedger, into buffer: inout ByteBuffer) {
    guard !ledger.days.isEmpty else { return }
    buffer.room(6 + ledger.days.count * entryBytesMax)
    buffer.putUnchecked8(form)
    put(UInt64(ledger.days.count), into: &buffer)
    var before: Int64 = 0
    for entry in ledger.days {
      put(signed: Int64(entry.day.number) - before, into: &buffer)
      before = Int64(entry.day.number)
      if (0...shortCountMax).contains(entry.paidOrders), (0...shortCountMax).contains(entry.countedOrders) {
        buffer.putUnchecked8(UInt8(entry.paidOrders) << 4 | UInt8(entry.countedOrders))
      } else {
        buffer.putUnchecked8(longCounts)
        put(signed: Int64(entry.paidOrders), into: &buffer)
        put(signed: Int64(entry.countedOrders), into: &buffer)
      }
      put(signed: entry.spend, into: &buffer)
    }
  }

  /// Seven bits a byte, the lowest first; all but the last have the highest bit set.
  @inline(__always)
  private static func put(_ value: UInt64, into buffer: inout ByteBuffer) {
    var rest = value
    while rest > 0x7F {
      buffer.putUnchecked8(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    buffer.putUnchecked8(UInt8(truncatingIfNeeded: rest))
  }

  /// Small numbers of either sign are short.
  @inline(__always)
  private static func put(signed value: Int64, into buffer: inout ByteBuffer) { put(UInt64(bitPattern: value &<< 1 ^ value >> 63), into: &buffer) }

  public static func putOlder(_ ledger: DayLedger, into buffer: inout ByteBuffer) {
    let older = ledger.older
    guard older != DayLedger.Older() else { return }
    buffer.put64(older.paidOrders)
    buffer.put64(older.countedOrders)
    buffer.put64(older.spend)
    buffer.put32(older.firstPaidDay?.number ?? noDay)
    buffer.put32(older.lastPaidDay?.number ?? noDay)
  }

  /// nil where they are not what ``putDays(_:into:)`` wrote.
  public static func days(_ bytes: UnsafeRawBufferPointer) -> [DayEntry]? {
    guard bytes.first == form else { return formerDays(bytes) }
    var reader = Reader(bytes: bytes, place: 1)
    // Three bytes are the least that a day takes: no number makes this ask for more memory than there are bytes.
    guard let count = reader.number(), count <= UInt64(bytes.count / 3) else { return nil }
    var isGood = true
    let days = [DayEntry](unsafeUninitializedCapacity: Int(count)) { entries, filled in
      var before: Int64 = 0
      for index in 0..<Int(count) {
        guard let entry = reader.entry(after: &before) else {
          isGood = false
          return
        }
        entries.initializeElement(at: index, to: entry)
        filled = index + 1
      }
    }
    return isGood && reader.place == bytes.count ? days : nil
  }

  private struct Reader {
    let bytes: UnsafeRawBufferPointer
    var place: Int

    mutating func number() -> UInt64? {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while place < bytes.count, shift < 64 {
        let byte = bytes[place]
        place += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      return nil
    }

    mutating func signed() -> Int64? {
      number().map { Int64(bitPattern: $0 >> 1) ^ -Int64(bitPattern: $0 & 1) }
    }

    mutating func entry(after before: inout Int64) -> DayEntry? {
      guard let step = signed(), let day = Int32(exactly: before &+ step), place < bytes.count else { return nil }
      before = Int64(day)
      let counts = bytes[place]
      place += 1
      var (paid, counted) = (Int32(counts >> 4), Int32(counts & 0x0F))
      if counts == longCounts {
        guard let longPaid = signed().flatMap(Int32.init(exactly:)), let longCounted = signed().flatMap(Int32.init(exactly:)) else { return nil }
        (paid, counted) = (longPaid, longCounted)
      }
      return signed().map { DayEntry(day: Day(number: day), paidOrders: paid, countedOrders: counted, spend: $0) }
    }
  }

  private static func formerDays(_ bytes: UnsafeRawBufferPointer) -> [DayEntry]? {
    guard bytes.count % formerEntryBytes == 0 else { return nil }
    return stride(from: 0, to: bytes.count, by: formerEntryBytes).map { place in
      DayEntry(
        day: Day(number: int32(bytes, place)), paidOrders: int32(bytes, place + 4), countedOrders: int32(bytes, place + 8), spend: int64(bytes, place + 12))
    }
  }

  /// nil where they are not what ``putOlder(_:into:)`` wrote.
  public static func older(_ bytes: UnsafeRawBufferPointer) -> DayLedger.Older? {
    guard !bytes.isEmpty else { return DayLedger.Older() }
    guard bytes.count == olderBytes else { return nil }
    func day(_ place: Int) -> Day? { int32(bytes, place) == noDay ? nil : Day(number: int32(bytes, place)) }
    return DayLedger.Older(
      paidOrders: int64(bytes, 0), countedOrders: int64(bytes, 8), spend: int64(bytes, 16), firstPaidDay: day(24), lastPaidDay: day(28))
  }

  private static func int32(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Int32 {
    Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int32.self))
  }

  private static func int64(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Int64 {
    Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int64.self))
  }
}
