// A snapshot's ledger in few bytes, for services that keep customers' days in a column of their own.
public import Domain
public import Text

/// Days: 20 bytes each (day, paid orders, counted orders, spend), big-endian. Older: 32 bytes, none when there is nothing older.
public enum LedgerBytes {
  private static let entryBytes = 20
  private static let olderBytes = 32
  private static let noDay = Int32.min

  public static func putDays(_ ledger: DayLedger, into buffer: inout ByteBuffer) {
    for entry in ledger.days {
      buffer.put32(entry.day.number)
      buffer.put32(entry.paidOrders)
      buffer.put32(entry.countedOrders)
      buffer.put64(entry.spend)
    }
  }

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
    guard bytes.count % entryBytes == 0 else { return nil }
    let count = bytes.count / entryBytes
    return [DayEntry](unsafeUninitializedCapacity: count) { entries, filled in
      for index in 0..<count {
        let place = index * entryBytes
        entries.initializeElement(
          at: index,
          to: DayEntry(
            day: Day(number: int32(bytes, place)), paidOrders: int32(bytes, place + 4), countedOrders: int32(bytes, place + 8),
            spend: int64(bytes, place + 12)))
      }
      filled = count
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
