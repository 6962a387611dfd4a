// A message as mail: headers and body as RFC 5322, 2045 and 2047 have them. Everything that is no ASCII is encoded, so that nothing in it can end a header.
public import Domain
import Text

public enum MailText {
  /// Bytes of a word in an encoded header: with its wrapping 75 characters at most.
  private static let wordBytesMax = 45
  private static let lineBytes = 57

  /// Where a customer says that it wants no more of these (RFC 2369).
  public enum Unsubscribe: Hashable, Sendable {
    /// On a page, among other things.
    case page(String)
    /// By one POST there, as mail programs send it for a person (RFC 8058).
    case oneClick(String)
  }

  /// - Parameters:
  ///   - id: the same for every attempt, so that whoever has it already can tell.
  ///   - date: by the machine's clock.
  public static func message(_ wording: Wording, from: String, to: String, id: DeliveryID, unsubscribe: Unsubscribe, date: Instant) -> [UInt8] {
    let host = from.split(separator: "@").last.map(String.init) ?? "localhost"
    var lines = [
      "Date: \(MailText.date(date))", "From: \(encoded(wording.sender)) <\(from)>", "To: <\(to)>", "Subject: \(encoded(wording.subject))",
      "Message-ID: <\(id)@\(host)>", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64",
      // No answering machine is to answer (RFC 3834).
      "Auto-Submitted: auto-generated",
    ]
    // Only an address of the web means anything in a mail program, and only one that cannot end its header is put into one.
    let (address, isOneClick) =
      switch unsubscribe {
      case .page(let link): (link, false)
      case .oneClick(let link): (link, true)
      }
    if address.hasPrefix("https://"), address.utf8.count < 900, address.utf8.allSatisfy(isOfAddress) {
      lines.append("List-Unsubscribe: <\(address)>")
      if isOneClick { lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click") }
    }
    lines.append("")
    let body = Array(wording.body.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8)
    for start in stride(from: 0, to: body.count, by: lineBytes) { lines.append(Base64.encoded(body[start..<min(start + lineBytes, body.count)])) }
    return Array((lines.joined(separator: "\r\n") + "\r\n").utf8)
  }

  private static func isOfAddress(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && byte != 0x3C && byte != 0x3E }

  /// A text in a header: encoded words of whole characters, each on a line of its own from the second one on.
  private static func encoded(_ text: String) -> String {
    var words: [[UInt8]] = [[]]
    for character in text.unicodeScalars {
      let bytes = Array(String(character).utf8)
      if words[words.count - 1].count + bytes.count > wordBytesMax { words.append([]) }
      words[words.count - 1] += bytes
    }
    return words.map { "=?utf-8?B?\(Base64.encoded($0))?=" }.joined(separator: "\r\n ")
  }

  private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// In UTC. Day 0 was a Thursday.
  static func date(_ instant: Instant) -> String {
    let seconds = floorDivide(instant.microseconds, 1_000_000)
    let number = floorDivide(seconds, 86_400)
    let (year, month, day) = Day(number: Int32(clamping: number)).civil
    let left = seconds - number * 86_400
    func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let weekday = weekdays[Int(((number % 7) + 7) % 7)]
    return "\(weekday), \(day) \(months[month - 1]) \(year) \(two(left / 3_600)):\(two(left / 60 % 60)):\(two(left % 60)) +0000"
  }
}
