// The surveys that a service knows: those that are asked now, and every version that somebody may still be answering (F-01).
public import Domain

public struct SurveyBook: Hashable, Sendable {
  /// What is asked now, by name; one version of each.
  public let current: [Survey]
  /// All that were ever asked, in the order of their names and versions.
  public let all: [Survey]

  public init(current: [Survey], former: [Survey] = []) {
    self.current = current.sorted { $0.reference < $1.reference }
    let known = Dictionary((current + former).map { ($0.reference, $0) }) { first, _ in first }
    all = known.values.sorted { $0.reference < $1.reference }
  }

  public func current(named name: String) -> Survey? { current.first { $0.reference.name == name } }

  public subscript(reference: SurveyReference) -> Survey? { all.first { $0.reference == reference } }

  public func isCurrent(_ survey: Survey) -> Bool { current(named: survey.reference.name)?.reference == survey.reference }
}
