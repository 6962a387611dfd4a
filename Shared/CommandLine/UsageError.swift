// What is wrong with a command line, said so that the next try succeeds.

/// A command line that cannot be run. Shown as `clientele import: --source is missing; add --source NAME`.
public struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The command it concerns, with those above it: `clientele import`.
  public let command: String
  public let message: HelpText

  public init(command: String, message: HelpText) {
    self.command = command
    self.message = message
  }

  public var description: String { self.text(in: .en) }

  public func text(in language: Language) -> String {
    switch language {
    case .en: "\(self.command): \(self.message.text(in: language))"
    case .zh: "\(self.command)：\(self.message.text(in: language))"
    }
  }
}

/// The messages of this room, each with what to do.
extension HelpText {
  static func missing(_ subject: String, add: String) -> HelpText {
    HelpText("\(subject) is missing; add \(add)", zh: "缺少 \(subject)；请加上 \(add)")
  }

  static func missingValue(_ option: String, placeholder: String) -> HelpText {
    HelpText("\(option) needs a value; write \(option) \(placeholder)", zh: "\(option) 需要一个值；请写 \(option) \(placeholder)")
  }

  static func dashValue(_ option: String, _ value: String) -> HelpText {
    HelpText(
      "\(option) needs a value, and '\(value)' looks like an option; write \(option)=\(value) if it is the value",
      zh: "\(option) 需要一个值，而“\(value)”像是一个选项；如果它就是值，请写 \(option)=\(value)")
  }

  static func flagWithValue(_ option: String) -> HelpText {
    HelpText("\(option) takes no value; write \(option) alone", zh: "\(option) 不带值；请只写 \(option)")
  }

  static func twice(_ option: String) -> HelpText {
    HelpText("\(option) is given twice; keep one", zh: "\(option) 出现了两次；请只保留一个")
  }

  static func unknownOption(_ option: String, like: String?) -> HelpText {
    HelpText(
      "there is no option \(option)" + (like.map { "; did you mean \($0)?" } ?? "; --help lists them"),
      zh: "没有选项 \(option)" + (like.map { "；是否指 \($0)？" } ?? "；--help 会列出全部选项"))
  }

  static func unknownCommand(_ name: String, like: String?) -> HelpText {
    HelpText(
      "there is no command '\(name)'" + (like.map { "; did you mean '\($0)'?" } ?? "; --help lists them"),
      zh: "没有命令“\(name)”" + (like.map { "；是否指“\($0)”？" } ?? "；--help 会列出全部命令"))
  }

  static func noCommand(_ names: [String]) -> HelpText {
    let list = names.joined(separator: ", ")
    return HelpText("a command is missing; add one of \(list)", zh: "缺少命令；请加上其中之一：\(list)")
  }

  static func unexpected(_ argument: String) -> HelpText {
    HelpText("'\(argument)' is one argument too many; leave it out", zh: "多了一个参数“\(argument)”；请去掉它")
  }

  static func notAChoice(_ subject: String, _ value: String, _ choices: [String], like: String?) -> HelpText {
    let list = choices.joined(separator: ", ")
    return HelpText(
      "\(subject) cannot be '\(value)'; use one of \(list)" + (like.map { " (did you mean \($0)?)" } ?? ""),
      zh: "\(subject) 不能是“\(value)”；可用的值：\(list)" + (like.map { "（是否指 \($0)？）" } ?? ""))
  }

  static func notA(_ kind: HelpText, _ subject: String, _ value: String) -> HelpText {
    HelpText("\(subject) must be \(kind.en), and '\(value)' is not", zh: "\(subject) 必须是\(kind.text(in: .zh))，而“\(value)”不是")
  }

  static func tooMany(_ limit: Int) -> HelpText {
    HelpText("more than \(limit) arguments; use several calls", zh: "参数超过 \(limit) 个；请分几次调用")
  }

  static func undeclared(_ name: String) -> HelpText {
    HelpText("this program asks for '\(name)', which it does not declare; please report it", zh: "程序内部错误：未声明“\(name)”，请报告")
  }
}

/// Finds what somebody probably meant.
enum Suggestion {
  /// Longest word that is compared; nobody mistypes a longer one by two letters.
  private static let lengthMax = 40

  /// The nearest candidate, if it is near: one slip in a short word, two in a longer one.
  static func nearest(to word: String, among candidates: [String]) -> String? {
    let allowed = word.count <= 4 ? 1 : 2
    let ranked = candidates.map { ($0, self.distance(Array(word), Array($0))) }.filter { $0.1 <= allowed }
    if let best = ranked.min(by: { $0.1 < $1.1 }) { return best.0 }
    return word.count >= 3 ? candidates.first { $0.hasPrefix(word) } : nil
  }

  /// Letters added, dropped, changed, or swapped with their neighbour.
  static func distance(_ left: [Character], _ right: [Character]) -> Int {
    guard left.count <= self.lengthMax, right.count <= self.lengthMax else { return .max }
    var before: [Int] = []
    var last = Array(0...right.count)
    for row in 0..<left.count {
      var next = [row + 1]
      for column in 0..<right.count {
        var best = min(last[column + 1], next[column]) + 1
        best = min(best, last[column] + (left[row] == right[column] ? 0 : 1))
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          best = min(best, before[column - 1] + 1)
        }
        next.append(best)
      }
      before = last
      last = next
    }
    return last[right.count]
  }
}
