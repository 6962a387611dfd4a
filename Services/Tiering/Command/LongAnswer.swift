// Answers that take as long as there are many customers: a document, or lines that say how far it is and then the document.
import HTTP
import Synchronization
import Telemetry
import Text

/// How far it is, told now and then: often enough that nobody takes the answer for stuck.
final class ProgressSign: Sendable {
  private let body: BodyStream
  private let next: Mutex<Int64>

  /// Between two lines, at least.
  static let nanosecondsMin: Int64 = 500_000_000

  init(_ body: BodyStream) {
    self.body = body
    next = Mutex(SystemTime.monotonicNanoseconds() + ProgressSign.nanosecondsMin)
  }

  /// So many customers were looked at.
  func reached(_ customers: Int64) async throws {
    let now = SystemTime.monotonicNanoseconds()
    let isTime = next.withLock { next in
      guard now >= next else { return false }
      next = now + ProgressSign.nanosecondsMin
      return true
    }
    if isTime { try await tell(customers) }
  }

  func tell(_ customers: Int64) async throws {
    let line: JSONValue = ["so_far": .integer(customers)]
    try await body.write(line.encoded + [0x0A])
  }
}

enum LongAnswer {
  /// Answers with the document that `work` comes to, by the request's `progress` as lines.
  ///
  /// - Parameter place: left when the answer is there, or its client is gone.
  static func respond(
    _ request: Request, _ place: SimulationPlace, _ work: @escaping @Sendable (ProgressSign?) async throws -> JSONValue
  ) async throws -> Response {
    guard try isTold(request) else {
      defer { place.leave() }
      return .json(try await work(nil).encoded)
    }
    return .stream(contentType: "application/x-ndjson") { body in
      defer { place.leave() }
      let sign = ProgressSign(body)
      // At once, so that who asks knows that it began.
      try await sign.tell(0)
      let end: JSONValue = ["end": true, "result": try await work(sign)]
      try await body.write(end.encoded + [0x0A])
    }
  }

  private static func isTold(_ request: Request) throws(Problem) -> Bool {
    guard let text = request.query["progress"] else { return false }
    guard text == "true" || text == "false" else {
      throw Problem.invalid([.init(field: "progress", rule: "type", detail: "progress is true or false: whether lines say how far it is")])
    }
    return text == "true"
  }
}
