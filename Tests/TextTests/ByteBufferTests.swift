// Bytes and inline keys.
import Testing
import Text

struct ByteBufferTests {
  @Test func integersAreWrittenMostSignificantByteFirst() {
    var buffer = ByteBuffer()
    buffer.put8(1)
    buffer.put16(0x0203 as UInt16)
    buffer.put32(-2 as Int32)
    buffer.put64(0x0102_0304_0506_0708 as UInt64)
    let bytes = buffer.array()
    #expect(bytes == [1, 2, 3, 0xFF, 0xFF, 0xFF, 0xFE, 1, 2, 3, 4, 5, 6, 7, 8])
  }

  @Test func growingKeepsWhatWasWritten() {
    var buffer = ByteBuffer(capacityBytes: 0)
    var expected: [UInt8] = []
    for number in 0..<10_000 {
      buffer.put8(UInt8(truncatingIfNeeded: number))
      expected.append(UInt8(truncatingIfNeeded: number))
    }
    buffer.append(expected)
    let (bytes, capacity) = (buffer.array(), buffer.capacity)
    #expect(bytes == expected + expected)
    #expect(capacity >= 20_000)
  }

  @Test func textsAreAppendedAsUTF8() {
    var buffer = ByteBuffer()
    buffer.append("a" as StaticString)
    buffer.append("客户" as StaticString)
    buffer.append("é😀" + String(42))
    let text = buffer.string()
    #expect(text == "a客户é😀42")
  }

  @Test(arguments: [0, 7, -7, 10, 99, 100, 9_999, 10_000, .max, .min] as [Int64])
  func decimalsAreWrittenLikeSwiftWritesThem(_ value: Int64) {
    var buffer = ByteBuffer()
    buffer.appendDecimal(value)
    let text = buffer.string()
    #expect(text == String(value))
  }

  @Test func aLengthCanBeFilledInLater() {
    var buffer = ByteBuffer()
    buffer.put32(0 as UInt32)
    buffer.append("abc" as StaticString)
    let places = [0, 4, -1].map { buffer.overwrite32(at: $0, 3) }
    let bytes = buffer.array()
    #expect(places == [true, false, false])
    #expect(bytes == [0, 0, 0, 3, 0x61, 0x62, 0x63])
  }

  @Test func removingKeepsOrReturnsMemory() {
    var buffer = ByteBuffer(capacityBytes: 5_000)
    buffer.append([1, 2, 3])
    buffer.truncate(to: 2)
    let bytes = buffer.array()
    #expect(bytes == [1, 2])
    buffer.removeAll()
    let (isEmpty, capacity) = (buffer.isEmpty, buffer.capacity)
    #expect(isEmpty && capacity == 5_000)
    buffer.removeAll(keepingCapacity: false)
    let left = buffer.capacity
    #expect(left == ByteBuffer.capacityBytesMin)
  }

  @Test func keysHoldUpTo23Bytes() throws {
    for length in 0...23 {
      let text = String(repeating: "k", count: length)
      let key = try #require(Key24(text))
      #expect(key.string == text)
      #expect(key.count == length)
    }
    #expect(Key24(String(repeating: "k", count: 24)) == nil)
    #expect(MemoryLayout<Key24>.size == 24)
  }

  @Test func keysAreEqualWhenTheirBytesAreAndOrderedByBytes() {
    var random = SplitMix(1)
    var texts: [[UInt8]] = [[], [0], [0, 0], [0x61], [0x61, 0]]
    for _ in 0..<300 { texts.append((0..<random.below(24)).map { _ in UInt8(random.below(3)) }) }
    for one in texts {
      for other in texts {
        let (a, b) = (one.withUnsafeBytes { Key24($0) }, other.withUnsafeBytes { Key24($0) })
        guard let a, let b else { continue }
        #expect((a == b) == (one == other))
        #expect((a < b) == one.lexicographicallyPrecedes(other))
      }
    }
  }
}
