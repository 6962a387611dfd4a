// W3C Trace Context: the `traceparent` header that ties together all work done for one cause.

/// One position in a trace, as carried by the `traceparent` header (W3C Trace Context, level 1).
public struct TraceContext: Sendable, Hashable {
  /// Length of the header's text in version 00, in bytes.
  static let textBytes = 55
  /// Longest header that is looked at; later versions may append parts.
  public static let textBytesMax = 512

  /// The two halves of the 128-bit trace id; not both zero.
  public let traceIDHigh: UInt64
  public let traceIDLow: UInt64
  /// Id of the step that sent the header; never zero.
  public let spanID: UInt64
  /// Whether the sender recorded this trace.
  public let isSampled: Bool

  /// `nil` when an id is all zero, which the standard forbids.
  public init?(traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, isSampled: Bool) {
    guard traceIDHigh != 0 || traceIDLow != 0, spanID != 0 else { return nil }
    self.init(high: traceIDHigh, low: traceIDLow, span: spanID, isSampled: isSampled)
  }

  private init(high: UInt64, low: UInt64, span: UInt64, isSampled: Bool) {
    self.traceIDHigh = high
    self.traceIDLow = low
    self.spanID = span
    self.isSampled = isSampled
  }

  /// The start of a new trace, with ids from the generator.
  public init(isSampled: Bool = true, using generator: inout some RandomNumberGenerator) {
    self.init(
      high: generator.next(), low: UInt64.random(in: 1...UInt64.max, using: &generator),
      span: UInt64.random(in: 1...UInt64.max, using: &generator), isSampled: isSampled)
  }

  /// The next step of the same trace.
  public func next(using generator: inout some RandomNumberGenerator) -> TraceContext {
    TraceContext(
      high: self.traceIDHigh, low: self.traceIDLow, span: UInt64.random(in: 1...UInt64.max, using: &generator),
      isSampled: self.isSampled)
  }

  /// Reads a header. `nil` when it is not valid; the standard asks to begin a new trace then.
  public init?(traceparent: String) { self.init(bytes: traceparent.utf8) }

  /// Reads a header from its bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count >= Self.textBytes, bytes.count <= Self.textBytesMax else { return nil }
    let text = Array(bytes)
    let dash = UInt8(ascii: "-")
    guard text[2] == dash, text[35] == dash, text[52] == dash,
      let version = Self.number(text[0..<2]), version != 0xFF,
      let high = Self.number(text[3..<19]), let low = Self.number(text[19..<35]),
      let span = Self.number(text[36..<52]), let flags = Self.number(text[53..<55])
    else { return nil }
    // Version 00 ends here; a later one may go on, but only after a dash.
    guard text.count == Self.textBytes || (version > 0 && text[Self.textBytes] == dash) else { return nil }
    self.init(traceIDHigh: high, traceIDLow: low, spanID: span, isSampled: flags & 1 == 1)
  }

  /// The header's text, version 00.
  public var traceparent: String { "00-\(self.traceID)-\(self.spanIDText)-\(self.isSampled ? "01" : "00")" }
  /// The trace id as 32 hexadecimal digits: the value of `LogKey.traceID`.
  public var traceID: String { Self.text(self.traceIDHigh) + Self.text(self.traceIDLow) }
  /// The step's id as 16 hexadecimal digits: the value of `LogKey.spanID`.
  public var spanIDText: String { Self.text(self.spanID) }

  private static func text(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  /// Small letters only: the standard forbids capitals.
  private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    return number
  }
}
