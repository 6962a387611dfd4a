// Contact data of which only the ends are seen (S-02).
import Text

public enum ContactMask {
  /// Digits of the shortest phone number; shorter runs are order numbers, amounts and years.
  static let phoneDigitsMin = 8
  /// Longer runs are numbers of cards and of identity papers: of those less is shown.
  static let phoneDigitsMax = 15

  /// A phone number: `13812340000` is `138****0000`.
  public static func phone(_ text: String) -> String {
    let digits = text.filter(isDigit).count
    guard digits >= phoneDigitsMin else { return String(repeating: "*", count: text.count) }
    let first = digits > phoneDigitsMax ? 3 : digits - 8
    var seen = 0
    return String(
      text.map { character in
        guard isDigit(character) else { return character }
        seen += 1
        return seen > first && seen <= digits - 4 ? "*" : character
      })
  }

  /// An e-mail address: `anna@example.org` is `a***@example.org`.
  public static func email(_ text: String) -> String {
    guard let sign = text.lastIndex(where: isSign), let first = text.first, sign > text.startIndex else { return String(repeating: "*", count: text.count) }
    return "\(first)***\(text[sign...])"
  }

  private static func isSign(_ character: Character) -> Bool { character == "@" || character == "＠" }

  /// The members of answers that hold what customers wrote, or what others wrote about them.
  private static let members: Set<String> = ["text", "comment", "answer", "reason", "note"]

  /// A value with those members masked, wherever in it they are.
  static func value(_ value: JSONValue) -> JSONValue {
    switch value {
    case .null, .boolean, .number, .text: value
    case .array(let items): .array(items.map(self.value))
    case .object(let given):
      .object(
        given.map { member in
          guard case .text(let words) = member.value, members.contains(member.key) else { return JSONMember(member.key, self.value(member.value)) }
          return JSONMember(member.key, .text(text(words)))
        })
    }
  }

  /// Where in a value something is masked, as `acceptance.note`: without the places of items in lists.
  static func fields(_ value: JSONValue) -> Set<String> {
    switch value {
    case .null, .boolean, .number, .text: []
    case .array(let items): items.reduce(into: []) { $0.formUnion(fields($1)) }
    case .object(let given):
      given.reduce(into: []) { found, member in
        if case .text(let words) = member.value {
          if members.contains(member.key), text(words) != words { found.insert(member.key) }
        } else {
          found.formUnion(fields(member.value).map { "\(member.key).\($0)" })
        }
      }
    }
  }

  /// What a person wrote, with every phone number and e-mail address in it masked.
  public static func text(_ text: String) -> String {
    var out = ""
    var word = ""
    func close() {
      out += maskedAddress(word)
      word = ""
    }
    for character in text {
      if isOfAddress(character) { word.append(character) } else {
        close()
        out.append(character)
      }
    }
    close()
    return maskedPhones(out)
  }

  /// What an e-mail address may have in it, as far as people write them.
  private static func isOfAddress(_ character: Character) -> Bool {
    // Of the full width as Chinese keyboards write it.
    guard let byte = character.asciiValue else { return character == "＠" }
    switch byte {
    // What RFC 5322 lets an atom have, but for the slash and what quotes.
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x40, 0x2E, 0x2D, 0x5F, 0x2B, 0x25, 0x21, 0x23, 0x24, 0x26, 0x2A, 0x3D, 0x3F, 0x5E, 0x7B...0x7E:
      return true
    default: return false
    }
  }

  private static func maskedAddress(_ word: String) -> String {
    guard let sign = word.lastIndex(where: isSign), sign > word.startIndex, word.index(after: sign) < word.endIndex else { return word }
    return email(word)
  }

  /// Runs of digits, with blanks, hyphens, dots and brackets between them, that are as long as phone numbers are, or longer. Days are none.
  private static func maskedPhones(_ text: String) -> String {
    var out = ""
    var run = ""
    func close() {
      let groups = run.split { !isDigit($0) }.map(\.count)
      out += groups.reduce(0, +) >= phoneDigitsMin && groups != [4, 2, 2] ? phone(run) : run
      run = ""
    }
    for character in text {
      if isDigit(character) || (!run.isEmpty && isBetween(character)) { run.append(character) } else {
        close()
        out.append(character)
      }
    }
    close()
    return out
  }

  /// Of this width or of the full one; not the numerals that are words.
  private static func isDigit(_ character: Character) -> Bool {
    guard let scalar = character.unicodeScalars.first, character.unicodeScalars.count == 1 else { return false }
    return (0x30...0x39).contains(scalar.value) || (0xFF10...0xFF19).contains(scalar.value)
  }
  /// Blanks and hyphens of every width, too.
  private static func isBetween(_ character: Character) -> Bool {
    " -.()\u{A0}\u{3000}\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2212}－（）．".contains(character)
  }
}
