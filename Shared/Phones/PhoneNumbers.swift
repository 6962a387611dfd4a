// Phone numbers to E.164 (I-04): the usual forms by sight, the rest by libphonenumber, and no number twice.
import CPhoneNumber
import Synchronization

/// Any thread may ask. Texts of the usual forms never reach the library, and what it said is remembered, within a bound.
public final class PhoneNumbers: Sendable {
  /// The country of numbers without a country code, as `CN`.
  public let region: String
  private let isChinese: Bool
  private let memo = Mutex(Memo())
  private let asked = Atomic<Int>(0)

  /// The longest text that can be a number, in bytes.
  public static let textBytesMax = 64
  /// The digits of a number, its country code included.
  static let digitsMax = 17

  /// - Parameter region: two capital letters; see ``knows(region:)``.
  public init(region: String = "CN") {
    self.region = region
    isChinese = region == "CN"
  }

  /// Whether there are rules for a region.
  public static func knows(region: String) -> Bool { region.utf8.count == 2 && clientele_phone_knows(region) == 1 }

  /// How often the library was asked.
  public var libraryCalls: Int { asked.load(ordering: .relaxed) }

  /// The number in E.164, or nil when it is none.
  ///
  /// Letters, extensions and two numbers in one text are not guessed at. Eleven digits that begin as Chinese mobile numbers do are one, by their
  /// form alone: new prefixes are handed out faster than distributions bring new tables.
  public func e164(_ text: String) -> String? {
    guard text.utf8.count <= PhoneNumbers.textBytesMax, let digits = PhoneDigits(text) else { return nil }
    if let mobile = digits.chineseMobile(isHome: isChinese) { return mobile }
    let key = digits.text
    if let known = memo.withLock({ $0[key] }) { return known }
    guard let answer = ask(key) else { return nil }
    memo.withLock { $0[key] = .some(answer) }
    return answer
  }

  /// The inner nil: no number. The outer: the library failed, and nothing is remembered.
  private func ask(_ text: String) -> String?? {
    asked.wrappingAdd(1, ordering: .relaxed)
    var text = text
    var written = 0
    return text.withUTF8 { bytes -> String?? in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CLIENTELE_PHONE_BYTES_MAX)) { place -> String?? in
        guard let base = place.baseAddress, let start = bytes.baseAddress else { return .none }
        return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { characters -> String?? in
          switch clientele_phone_e164(characters, bytes.count, region, base, &written) {
          case Int32(CLIENTELE_PHONE_VALID.rawValue):
            .some(String(decoding: place.prefix(written).map { UInt8(bitPattern: $0) }, as: UTF8.self))
          case Int32(CLIENTELE_PHONE_INVALID.rawValue): .some(nil)
          default: .none
          }
        }
      }
    }
  }
}

/// What the library said, in two generations: when the young one is full, the old one goes, and what was asked since stays.
struct Memo {
  /// Numbers of one generation; some 100 bytes each.
  static let numbersMax = 16_384

  private var young: [String: String?] = [:]
  private var old: [String: String?] = [:]

  var count: Int { young.count + old.count }

  /// The outer nil: not known.
  subscript(_ text: String) -> String?? {
    mutating get {
      if let found = young[text] { return found }
      guard let found = old[text] else { return nil }
      keep(text, found)
      return found
    }
    set { if let newValue { keep(text, newValue) } }
  }

  private mutating func keep(_ text: String, _ answer: String?) {
    if young.count >= Memo.numbersMax {
      old = young
      young = [:]
    }
    young[text] = .some(answer)
  }
}

/// The digits of a text that may be a phone number, without its separators.
struct PhoneDigits {
  /// ASCII; with a plus sign before them where the text had one.
  private(set) var bytes: [UInt8] = []
  private var isInternational = false

  /// nil for a text with anything in it that belongs to no number.
  init?(_ text: String) {
    bytes.reserveCapacity(20)
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x30...0x39: bytes.append(UInt8(truncatingIfNeeded: scalar.value))
      // Full width.
      case 0xFF10...0xFF19: bytes.append(UInt8(truncatingIfNeeded: scalar.value - 0xFF10 + 0x30))
      case 0x2B, 0xFF0B:
        guard bytes.isEmpty else { return nil }
        isInternational = true
        bytes.append(0x2B)
      // Blanks, hyphens, dots, slashes and brackets, also in their wide forms.
      case 0x20, 0x28, 0x29, 0x2D, 0x2E, 0x2F, 0xA0, 0x2010...0x2013, 0x3000, 0xFF08, 0xFF09, 0xFF0D: continue
      default: return nil
      }
    }
    guard digits.count <= PhoneNumbers.digitsMax, !digits.isEmpty else { return nil }
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  private var digits: ArraySlice<UInt8> { isInternational ? bytes.dropFirst() : bytes[...] }

  /// - Parameter isHome: whether a number without a country code is Chinese.
  func chineseMobile(isHome: Bool) -> String? {
    if isInternational { return PhoneDigits.mobile(afterCode(digits)) }
    guard isHome else { return nil }
    return PhoneDigits.mobile(digits) ?? PhoneDigits.mobile(afterCode(digits)) ?? PhoneDigits.mobile(afterCode(afterExit(digits)))
  }

  private func afterExit(_ digits: ArraySlice<UInt8>) -> ArraySlice<UInt8>? { digits.starts(with: [0x30, 0x30]) ? digits.dropFirst(2) : nil }

  private func afterCode(_ digits: ArraySlice<UInt8>?) -> ArraySlice<UInt8>? {
    guard let digits, digits.starts(with: [0x38, 0x36]) else { return nil }
    return digits.dropFirst(2)
  }

  private static func mobile(_ digits: ArraySlice<UInt8>?) -> String? {
    guard let digits, digits.count == 11, digits.first == 0x31, (0x33...0x39).contains(digits[digits.startIndex + 1]) else { return nil }
    return "+86" + String(decoding: digits, as: UTF8.self)
  }
}
