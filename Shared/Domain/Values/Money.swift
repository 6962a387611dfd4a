/// An ISO 4217 currency: its three letters and how many decimals its minor unit has.
public struct Currency: Hashable, Sendable, CustomStringConvertible {
  /// The three letters as one number, first letter highest.
  public let letters: UInt32

  /// nil unless the code is a current ISO 4217 currency the suite knows.
  public init?(_ code: some StringProtocol) {
    let bytes = Array(code.utf8)
    guard bytes.count == 3 else { return nil }
    let letters = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard Currency.isKnown(letters) else { return nil }
    self.letters = letters
  }

  /// The same for three letters as one number, first letter highest.
  public init?(letters: UInt32) {
    guard Currency.isKnown(letters) else { return nil }
    self.letters = letters
  }

  private init(known letters: UInt32) { self.letters = letters }
  public static let cny = Currency(known: 0x43_4E59)

  public var description: String {
    String(decoding: [UInt8(truncatingIfNeeded: letters >> 16), UInt8(truncatingIfNeeded: letters >> 8), UInt8(truncatingIfNeeded: letters)], as: UTF8.self)
  }

  /// Decimals of the minor unit: 2 for CNY (分), 0 for JPY, 3 for KWD.
  public var minorDigits: Int {
    if Currency.zeroDigits.contains(letters) { return 0 }
    return Currency.threeDigits.contains(letters) ? 3 : 2
  }

  static func isKnown(_ letters: UInt32) -> Bool { all.contains(letters) }

  private static func set(_ codes: String) -> Set<UInt32> {
    Set(codes.split(separator: " ").map { $0.utf8.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } })
  }
  private static let zeroDigits = set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF")
  private static let threeDigits = set("BHD IQD JOD KWD LYD OMR TND")
  // The active codes of ISO 4217, without funds codes, precious metals and test codes.
  private static let all = set(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE \
    CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES \
    KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR \
    NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND \
    TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
    """)
}

/// An amount of money in minor units (分). Signed: a refund is negative where it is subtracted, never by itself.
public struct Money: Hashable, Sendable {
  public var minorUnits: Int64
  public var currency: Currency

  public init(minorUnits: Int64, currency: Currency) {
    self.minorUnits = minorUnits
    self.currency = currency
  }

  /// The largest amount one record may carry: ten billion units of a two-decimal currency. Nine million such amounts
  /// still fit a 64-bit sum.
  public static let recordMinorUnitsMax: Int64 = 1_000_000_000_000
}
