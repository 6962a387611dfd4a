// What is wrong with a scorecard, a policy or a mapping: every fault at once, each with the place it was found.

/// One thing wrong with a piece of configuration.
public struct ConfigurationFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where, from the root of the document: `dimensions[0].indicators[1].curve.points[2]`. Empty for the whole.
  public let path: String
  /// What is wrong and what would be right, as a sentence without a full stop.
  public let problem: String

  public init(path: String, problem: String) {
    self.path = path
    self.problem = problem
  }

  public var description: String { path.isEmpty ? problem : "\(path): \(problem)" }
}

/// All faults of a piece of configuration; never empty.
public struct ConfigurationFaults: Error, Hashable, Sendable, CustomStringConvertible {
  public let faults: [ConfigurationFault]

  public init(_ faults: [ConfigurationFault]) { self.faults = faults }

  public var description: String { faults.map(\.description).joined(separator: "\n") }
}

/// A name shown to people, in the two languages of the screens.
public struct LocalizedName: Hashable, Sendable {
  public let en: String
  public let zh: String

  public init(en: String, zh: String) {
    self.en = en
    self.zh = zh
  }

  public func text(in language: Language) -> String {
    switch language {
    case .english: en
    case .chinese: zh
    }
  }
}

/// The languages the suite speaks.
public enum Language: String, Hashable, Sendable, CaseIterable {
  case english = "en"
  case chinese = "zh-CN"
}
