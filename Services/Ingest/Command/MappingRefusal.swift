// What is wrong with a mapping that somebody wants to register, told as a problem with every fault.
import Documents
import HTTP
import IngestCore

enum MappingRefusal {
  static func problem(_ error: any Error) -> any Error {
    switch error {
    case let faults as DocumentFaults:
      Problem.invalid(
        faults.faults.map { .init(field: $0.path, rule: "line \($0.line)", detail: $0.problem) }, detail: "the mapping cannot be read")
    case let unusable as MappingUnusable:
      Problem.invalid(
        unusable.problems.map { .init(field: "pattern", rule: Rule.unknown, detail: $0) }, detail: "the mapping cannot be used here")
    default: error
    }
  }
}
