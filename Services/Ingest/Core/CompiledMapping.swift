// A mapping made ready to read with: patterns parsed, zones looked up, once (I-03).
public import Domain
import Handling
import Text

/// What is wrong with a mapping that reads well but cannot be used here.
public struct MappingUnusable: Error, Hashable, Sendable {
  public let problems: [String]
}

public struct CompiledMapping: Sendable {
  public let id: String
  public let mapping: Mapping

  private enum Form: Sendable {
    case rfc3339
    case pattern(TimePattern, BusinessZone)
    case unix(UnixTime.Unit)
  }
  private let forms: [Form]

  /// - Parameter zoneNamed: a zone by its IANA name.
  public init(id: String, _ mapping: Mapping, zone: BusinessZone, zoneNamed: (String) -> BusinessZone?) throws(MappingUnusable) {
    self.id = id
    self.mapping = mapping
    var forms: [Form] = []
    var problems: [String] = []
    for form in mapping.timeForms {
      switch form.spelling {
      case .rfc3339: forms.append(.rfc3339)
      case .unixSeconds: forms.append(.unix(.seconds))
      case .unixMilliseconds: forms.append(.unix(.milliseconds))
      case .pattern(let text):
        let pattern = try? TimePattern(text)
        if pattern == nil { problems.append("the pattern `\(text)` cannot be used") }
        var chosen: BusinessZone? = zone
        if case .named(let name) = form.zone {
          chosen = zoneNamed(name)
          if chosen == nil { problems.append("there is no time zone `\(name)` on this machine") }
        }
        if let pattern, let chosen { forms.append(.pattern(pattern, chosen)) }
      }
    }
    guard problems.isEmpty else { throw MappingUnusable(problems: problems) }
    self.forms = forms
  }

  func instant(_ time: MappedTime, _ rules: IngestRules) throws(TextFault) -> Instant? {
    guard forms.indices.contains(time.form) else { return nil }
    let text = TextNormal.trimmed(time.text)
    switch forms[time.form] {
    case .rfc3339: return Instant(microseconds: try RFC3339.parse(text))
    case .unix(let unit): return Instant(microseconds: try UnixTime.parse(text, unit: unit))
    case .pattern(let pattern, let zone):
      let wall = try pattern.parse(text)
      let start = wall.offsetSeconds.map { Instant(seconds: wall.seconds - Int64($0)) } ?? zone.instant(localSeconds: wall.seconds)
      return Instant(microseconds: start.microseconds + Int64(wall.micros))
    }
  }

  /// The id of a mapping: name, version and the beginning of its content's digest, so that no two contents share one.
  public static func id(of mapping: Mapping, digest: [UInt8]) -> String {
    let digits = digest.prefix(6).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    return "\(mapping.name)@\(mapping.version)-\(digits)"
  }
}
