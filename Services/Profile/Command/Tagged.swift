// A single resource with its ETag: who has it already is told so.
import HTTP
import Hashing

extension Response {
  /// The body, or 304 when the request names it in If-None-Match (RFC 9110 section 13.1.2).
  static func single(_ body: [UInt8], _ request: Request) -> Response {
    var hash = SipHash(key0: 0x6574_6167, key1: 0x7072_6f66_696c_65)
    body.withUnsafeBytes { hash.add($0) }
    let digits = String(hash.finish(), radix: 16)
    let tag = "\"" + String(repeating: "0", count: 16 - digits.count) + digits + "\""
    let known = (request.headers["If-None-Match"] ?? "").split(separator: ",").map { $0.drop { $0 == " " || $0 == "\t" } }
    let isKnown = known.contains { candidate in
      let candidate = candidate.hasPrefix("W/") ? candidate.dropFirst(2) : candidate
      return candidate == "*" || candidate.hasPrefix(tag)
    }
    return isKnown ? Response(.notModified, headers: ["ETag": tag]) : .json(body, headers: ["ETag": tag])
  }
}
