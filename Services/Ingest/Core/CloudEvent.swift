// CloudEvents 1.0 in structured mode: the envelope around a record (I-02).
import Glibc
import Handling
import Text

enum CloudEvent {
  enum Opening {
    /// The attributes, and where the data lies in the document.
    case event(Envelope, data: Range<Int>)
    /// No envelope: the document is the record.
    case plain
    case refused(Fault)
  }

  private static let mark = Array("\"specversion\"".utf8)
  private static let markLetterPlace = 5

  /// Cheap and never wrong with no: only documents that may be envelopes are read twice.
  static func mayBeStructured(_ bytes: UnsafeRawBufferPointer, contentType: String?) -> Bool {
    if let contentType, contentType.lowercased().hasPrefix("application/cloudevents") { return true }
    guard let start = bytes.baseAddress else { return false }
    // Of the letters in the name, `v` is the rarest in records.
    var from = 0
    while from < bytes.count, let found = memchr(start + from, 0x76, bytes.count - from) {
      let place = UnsafeRawPointer(found) - start
      from = place + 1
      let begin = place - markLetterPlace
      if begin >= 0, begin + mark.count <= bytes.count, bytes[begin..<begin + mark.count].elementsEqual(mark) { return true }
    }
    return false
  }

  /// Takes the envelope off. A document that is not JSON counts as plain: its reader says why it is refused.
  static func open(_ bytes: UnsafeRawBufferPointer) -> Opening {
    var version: String?
    var envelope = Envelope()
    var data: Range<Int>?
    var encoded = false
    var seen: UInt64 = 0
    do throws(JSONFault) {
      var reader = JSONReader(bytes)
      guard reader.peek() == .object else { return .plain }
      try reader.beginObject("record")
      while let key = try reader.nextKey() {
        if key.is("specversion") {
          try reader.once(&seen, 0, "specversion")
          version = try attribute(&reader)
        } else if key.is("id") {
          try reader.once(&seen, 1, "id")
          envelope.id = try attribute(&reader)
        } else if key.is("source") {
          try reader.once(&seen, 2, "source")
          envelope.source = try attribute(&reader)
        } else if key.is("type") {
          try reader.once(&seen, 3, "type")
          envelope.type = try attribute(&reader)
        } else if key.is("time") {
          try reader.once(&seen, 4, "time")
          envelope.time = try attribute(&reader)
        } else if key.is("data") {
          try reader.once(&seen, 5, "data")
          let raw = try reader.rawValue("data")
          let start =
            (raw.baseAddress ?? UnsafeRawPointer(bytes.baseAddress ?? raw.baseAddress)).flatMap { place in
              bytes.baseAddress.map { place - $0 }
            } ?? 0
          data = start..<start + raw.count
        } else {
          encoded = encoded || key.is("data_base64")
          try reader.skip()
        }
      }
      try reader.finish()
    } catch { return .plain }
    guard let version else { return .plain }
    guard version == "1.0" else { return .refused(Fault(field: "specversion", rule: Rule.unknown, detail: "CloudEvents 1.0 is read here")) }
    if encoded { return .refused(Fault(field: "data_base64", rule: Rule.format, detail: "the record must be JSON under `data`")) }
    guard let data else { return .refused(Fault(field: "data", rule: Rule.missing, detail: "the envelope holds no record")) }
    return .event(envelope, data: data)
  }

  /// A text; anything else counts as absent, and what needs it says so.
  private static func attribute(_ reader: inout JSONReader) throws(JSONFault) -> String? {
    if reader.peek() == .text { return try reader.text("record", bytesMax: .max).string }
    try reader.skip()
    return nil
  }
}
