// Which public topic a record belongs to, by the type it says it has (I-02): for entrances that take all of them.
public import Contracts
import Domain
import Text

public enum RecordStream {
  /// By the record's own `type`, else by that of its envelope; orders where neither says anything that is known.
  ///
  /// - Parameter envelopeType: the CloudEvents attribute of an event in binary mode.
  public static func find(_ value: [UInt8], envelopeType: String?) -> InputStream {
    let (own, isEnvelope, inside) = value.withUnsafeBytes { types($0) }
    if isEnvelope { return inside.flatMap(stream(named:)) ?? own.flatMap(stream(ofType:)) ?? .orders }
    return own.flatMap(stream(named:)) ?? envelopeType.flatMap(stream(ofType:)) ?? .orders
  }

  /// `com.example.desk.contact.v1` is a contact: the last word that names something decides.
  private static func stream(ofType type: String) -> InputStream? {
    type.split(whereSeparator: { ".:/-_".contains($0) }).reversed().lazy.compactMap { stream(named: String($0)) }.first
  }

  private static func stream(named text: String) -> InputStream? {
    let word = TextNormal.normal(text).lowercased()
    if OrderEvent.Kind(name: word) != nil { return .orders }
    return names[word]
  }

  private static let names: [String: InputStream] = [
    "orders": .orders, "customer": .customers, "customers": .customers, "registration": .customers, "contact": .contacts, "contacts": .contacts,
    "behaviour": .behaviours, "behaviours": .behaviours, "behavior": .behaviours, "behaviors": .behaviours, "answer": .answers, "answers": .answers,
  ]

  /// The `type` at the top, whether the document is an envelope, and the `type` of its `data`. Of a broken document what came before the break.
  private static func types(_ bytes: UnsafeRawBufferPointer) -> (own: String?, isEnvelope: Bool, inside: String?) {
    var found: (own: String?, isEnvelope: Bool, inside: String?) = (nil, false, nil)
    var reader = JSONReader(bytes)
    do throws(JSONFault) {
      guard reader.peek() == .object else { return found }
      try reader.beginObject("record")
      while let key = try reader.nextKey() {
        if key.is("type"), reader.peek() == .text {
          found.own = try reader.text("type", bytesMax: .max).string
        } else if key.is("specversion") {
          found.isEnvelope = true
          try reader.skip()
        } else if key.is("data"), reader.peek() == .object {
          try reader.beginObject("data")
          while let key = try reader.nextKey() {
            if key.is("type"), reader.peek() == .text { found.inside = try reader.text("type", bytesMax: .max).string } else { try reader.skip() }
          }
        } else {
          try reader.skip()
        }
      }
    } catch { return found }
    return found
  }
}
