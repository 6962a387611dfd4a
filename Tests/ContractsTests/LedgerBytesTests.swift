// A ledger's days as columns hold them: short, exact, readable in the former form too, and never read wrong without saying so.
import Contracts
import Domain
import Testing
import Text

private func bytes(_ days: [DayEntry]) -> [UInt8] {
  var buffer = ByteBuffer()
  LedgerBytes.putDays(DayLedger(days: days, older: DayLedger.Older()), into: &buffer)
  return buffer.array()
}

private func read(_ bytes: [UInt8]) -> [DayEntry]? { bytes.withUnsafeBytes(LedgerBytes.days) }

private func day(_ number: Int32, _ paid: Int32, _ counted: Int32, _ spend: Int64) -> DayEntry {
  DayEntry(day: Day(number: number), paidOrders: paid, countedOrders: counted, spend: spend)
}

@Suite struct LedgerBytesTests {
  /// By hand: zigzag numbers of seven bits a byte, days as steps from the one before, both counts in one byte.
  @Test func theBytesAreThoseOfTheForm() {
    #expect(bytes([]) == [])
    #expect(bytes([day(10_000, 1, 1, 4_999)]) == [1, 1, 0xA0, 0x9C, 0x01, 0x11, 0x8E, 0x4E])
    #expect(bytes([day(-1, 0, 0, -1), day(2, 14, 3, 64), day(3, 15, 0, 0)]) == [1, 3, 1, 0, 1, 6, 0xE3, 0x80, 0x01, 2, 0xFF, 30, 0, 0])
  }

  @Test func whatIsWrittenIsReadAgain() {
    let extremes = [
      day(.min, .min, .max, .min), day(-40_000, -1, 0, -1), day(0, 0, 0, 0), day(1, 14, 14, 1), day(2, 15, 15, .max), day(.max, .max, .min, .max),
    ]
    #expect(read(bytes(extremes)) == extremes)
    var seed: UInt64 = 9
    func next(_ bound: Int64) -> Int64 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int64(seed >> 33) % bound
    }
    for _ in 0..<500 {
      var number = Int32(next(20_000))
      let days = (0..<next(40)).map { _ in
        number += Int32(1 + next(90))
        return day(number, Int32(next(20)), Int32(next(20)), next(4_000_000_000) - 500_000_000)
      }
      #expect(read(bytes(days)) == days)
    }
  }

  @Test func mostDaysTakeSixBytes() {
    let days = (0..<26).map { day(10_000 + Int32($0) * 30, 1, 1, 20_000) }
    #expect(bytes(days).count <= 4 + 26 * 5 + 2)
  }

  @Test func columnsFromBeforeAreRead() {
    let former: [UInt8] = [0, 0, 39, 16, 0, 0, 0, 2, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 156]
    #expect(read(former) == [day(10_000, 2, 1, -100)])
    #expect(read(former + former)?.count == 2)
    #expect(read(Array(former.dropLast())) == nil)
  }

  @Test("No part of a column, nothing behind it and no wrong count is taken for days")
  func damageIsNoticed() {
    let good = bytes([day(10_000, 1, 1, 4_999), day(10_040, 99, 99, 4_000_000_000)])
    for count in 1..<good.count { #expect(read(Array(good.prefix(count))) == nil, "\(count) bytes") }
    #expect(read(good + [0]) == nil)
    for count in [0, 1, 3, 0x7F] as [UInt8] { #expect(read([1, count] + good.dropFirst(2)) == nil, "\(count) days") }
    // A number without an end, a count of days that no memory holds, a day beyond the range.
    #expect(read([1, 1] + [UInt8](repeating: 0xFF, count: 12)) == nil)
    #expect(read([1] + [UInt8](repeating: 0xFF, count: 9) + [1, 0, 0, 0]) == nil)
    #expect(read([1, 1, 0x80, 0x80, 0x80, 0x80, 0x20, 0x11, 0]) == nil)
  }
}
