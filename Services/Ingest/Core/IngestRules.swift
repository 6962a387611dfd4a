// What validation is done by: zones, currencies, rates, limits (I-04). All of it is configuration.
public import Domain
public import Phones
import Text

/// The words that refusals are counted by. Stable: reports and people rely on them.
public enum Rule {
  public static let missing = "missing"
  public static let type = "type"
  public static let range = "range"
  public static let choice = "enum"
  public static let format = "format"
  public static let length = "length"
  public static let future = "future"
  public static let decimals = "decimals"
  public static let unknownCurrency = "unknown_currency"
  public static let noRate = "no_rate"
  public static let unknown = "unknown"
  public static let tooMany = "too_many"
  /// The same key with another content (I-06).
  public static let conflict = "conflict"
  /// A person has shut its source out (I-01).
  public static let blocked = "blocked"
  /// An order cannot belong to a second customer.
  public static let orderMoved = "order_moved"
}

/// How much of the base currency one unit of another currency is worth: exact decimals, from the settings.
public struct ExchangeRates: Sendable {
  private let rates: [Currency: ExactDecimal]
  public let base: Currency

  public init(base: Currency) {
    self.base = base
    rates = [:]
  }

  /// Reads `USD=7.12,GBP=9.05`. The problem with it is a sentence for the person who wrote it.
  public init(_ text: String, base: Currency) throws(RateFault) {
    var rates: [Currency: ExactDecimal] = [:]
    for part in text.split(separator: ",") where part.contains(where: { !$0.isWhitespace }) {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2 else { throw RateFault(problem: "`\(part)` is not CODE=RATE, as USD=7.12") }
      let code = TextNormal.trimmed(String(sides[0])).uppercased()
      guard let currency = Currency(code) else { throw RateFault(problem: "`\(code)` is no current ISO 4217 code") }
      guard let rate = try? ExactDecimal.parse(TextNormal.trimmed(String(sides[1]))), rate.mantissa > 0 else {
        throw RateFault(problem: "the rate of \(code) must be a positive decimal number, as 7.12")
      }
      if currency == base, !rate.isSameValue(as: ExactDecimal(1)) {
        throw RateFault(problem: "\(code) is the base currency, its rate is 1")
      }
      guard rates.updateValue(rate, forKey: currency) == nil else { throw RateFault(problem: "\(code) is given twice") }
    }
    self.rates = rates
    self.base = base
  }

  /// Whether amounts in this currency can be converted.
  public func has(_ currency: Currency) -> Bool { currency == base || rates[currency] != nil }

  /// Minor units of the base currency, rounded half up once; nil without a rate, or beyond 64 bits.
  public func baseMinorUnits(_ money: Money) -> Int64? {
    if money.currency == base { return money.minorUnits }
    guard let rate = rates[money.currency], let amount = ExactDecimal(mantissa: money.minorUnits, scale: money.currency.minorDigits) else {
      return nil
    }
    return try? amount.times(rate, digits: base.minorDigits)
  }
}

public struct RateFault: Error, Hashable, Sendable {
  public let problem: String
}

/// What a record is validated by.
public struct IngestRules: Sendable {
  public var zone: BusinessZone
  public var rates: ExchangeRates
  public var junk: JunkIdentifiers
  public var phones: PhoneNumbers
  /// A time zone by its IANA name; nil when there is none.
  public var zoneNamed: @Sendable (String) -> BusinessZone?

  public init(
    zone: BusinessZone, rates: ExchangeRates, junk: JunkIdentifiers = .standard, phones: PhoneNumbers = PhoneNumbers(),
    zoneNamed: @escaping @Sendable (String) -> BusinessZone? = { _ in nil }
  ) {
    self.zone = zone
    self.rates = rates
    self.junk = junk
    self.phones = phones
    self.zoneNamed = zoneNamed
  }

  /// How far ahead of our clock a source's may be, in seconds (I-04).
  public static let aheadSecondsMax: Int64 = 300
  /// Nothing happened to an order before 1900.
  public static let earliest = Instant(seconds: -2_208_988_800)
  /// Reasons kept of one record.
  public static let faultsMax = 50
  /// The longest value of a record, in bytes.
  public static let valueBytesMax = 2 << 20
}

/// The longest ids a record may carry, in bytes of UTF-8: short enough that an event id made of them still fits its field.
public enum IngestLimits {
  public static let orderIDBytesMax = 90
  public static let referenceBytesMax = 90
  public static let eventIDBytesMax = 190
}
