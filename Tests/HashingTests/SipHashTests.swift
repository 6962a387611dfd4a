// SipHash against the values of its reference implementation.
import Hashing
import Testing

@Suite("SipHash") struct SipHashTests {
  /// The key of the reference vectors: the bytes 0 to 15.
  private let key: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)

  private func hash(_ count: Int, cutAt cut: Int? = nil) -> UInt64 {
    let bytes = (0..<count).map { UInt8($0) }
    var hash = SipHash(key0: key.0, key1: key.1)
    let cut = cut ?? count
    bytes[..<cut].withUnsafeBytes { hash.add($0) }
    bytes[cut...].withUnsafeBytes { hash.add($0) }
    return hash.finish()
  }

  @Test("The hash of 0, 1, 2, … bytes is the published one", arguments: [
    (0, 0x726f_db47_dd0e_0e31), (1, 0x74f8_39c5_93dc_67fd), (2, 0x0d6c_8009_d9a9_4f5a), (8, 0x93f5_f579_9a93_2462), (15, 0xa129_ca61_49be_45e5),
  ] as [(Int, UInt64)])
  func publishedValues(count: Int, expected: UInt64) { #expect(hash(count) == expected) }

  @Test("Where the bytes are cut into parts changes nothing")
  func partsAreOneRun() {
    for count in 0..<40 { for cut in 0...count { #expect(hash(count, cutAt: cut) == hash(count), "\(count) bytes cut at \(cut)") } }
  }
}
