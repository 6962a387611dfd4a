// Texts that are made of values.
import Domain
import Text

enum InstantText {
  static func text(_ instant: Instant) -> String { RFC3339.text(instant.microseconds) }
}

/// W3C trace contexts for records that came without one.
enum TraceText {
  /// The same for the same place, so that doing a batch again tells the same story.
  static func made(of place: InputPlace) -> String {
    // FNV-1a, twice: ids only have to be spread out, not to be hard to guess.
    func mix(_ seed: UInt64) -> UInt64 {
      var hash = seed
      for byte in "\(place.topic)/\(place.partition)/\(place.offset)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      return hash | 1
    }
    return "00-\(hex(mix(0xCBF2_9CE4_8422_2325)))\(hex(mix(0x9AE1_6A3B_2F90_404F)))-\(hex(mix(0xD6E8_FEB8_6659_FD93)))-01"
  }

  private static func hex(_ bits: UInt64) -> String {
    let digits = String(bits, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
