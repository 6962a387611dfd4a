// Texts for people, in English and, where somebody wrote it, in Chinese.

/// A language of help texts and messages.
public enum Language: String, Sendable, CaseIterable {
  case en, zh

  /// The language that the environment asks for, in the order of POSIX: LC_ALL, LC_MESSAGES, LANG. English unless it is Chinese.
  public init(environment: [String: String]) {
    let setting = ["LC_ALL", "LC_MESSAGES", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    self = setting?.hasPrefix("zh") == true ? .zh : .en
  }
}

/// A text in English and perhaps in Chinese. A string literal is the English one.
public struct HelpText: Sendable, Equatable, ExpressibleByStringInterpolation {
  public let en: String
  /// Simplified Chinese; the English text stands in where it is missing.
  public let zh: String?

  public init(_ en: String, zh: String? = nil) {
    self.en = en
    self.zh = zh
  }

  public init(stringLiteral value: String) { self.init(value) }

  public func text(in language: Language) -> String {
    switch language {
    case .en: self.en
    case .zh: self.zh ?? self.en
    }
  }
}
