// Problem details (RFC 9457): how a refusal or failure is told to the client.

/// A value in the further members of a ``Problem``.
public enum ProblemValue: Sendable, Equatable {
  case string(String)
  case int(Int)
  case bool(Bool)
  case list([ProblemValue])
  /// Members in the order to be written.
  case object([Member])

  public struct Member: Sendable, Equatable {
    public var name: String
    public var value: ProblemValue

    public init(_ name: String, _ value: ProblemValue) {
      self.name = name
      self.value = value
    }
  }
}

/// What a handler throws to answer with something other than success. Everything in it is shown to the client.
///
/// Any other error a handler throws becomes a plain 500 whose cause is only in the log.
public struct Problem: Error, Sendable, Equatable {
  /// One fault of the request's content (`I-04`: validation by field).
  public struct FieldFault: Sendable, Equatable {
    /// Where, as a JSON pointer or a field path ("items/0/amount").
    public var field: String
    /// Which rule, as a word a program can switch on ("range").
    public var rule: String
    /// What to do about it, for a person.
    public var detail: String

    public init(field: String, rule: String, detail: String) {
      self.field = field
      self.rule = rule
      self.detail = detail
    }
  }

  public static let mediaType = "application/problem+json"
  static let errorsMax = 100

  public var status: HTTPStatus
  /// A URI naming the kind of problem; "about:blank" says no more than the status does.
  public var type: String
  public var title: String
  public var detail: String?
  /// Members beyond RFC 9457's own, in order.
  public var extra: [ProblemValue.Member]
  /// Further response headers, such as `Retry-After`.
  public var headers: HTTPHeaders

  public init(
    _ status: HTTPStatus, title: String? = nil, detail: String? = nil, type: String = "about:blank",
    extra: [ProblemValue.Member] = [], headers: HTTPHeaders = [:]
  ) {
    self.status = status
    self.type = type
    self.title = title ?? status.phrase
    self.detail = detail
    self.extra = extra
    self.headers = headers
  }

  /// A refusal with a member `errors` that lists faults by field (at most 100; `errors_omitted` counts the rest).
  public static func invalid(_ faults: [FieldFault], status: HTTPStatus = .unprocessable, detail: String? = nil) -> Problem {
    let listed = faults.prefix(errorsMax).map { fault in
      ProblemValue.object([
        .init("field", .string(fault.field)), .init("rule", .string(fault.rule)), .init("detail", .string(fault.detail)),
      ])
    }
    var problem = Problem(status, detail: detail, extra: [.init("errors", .list(listed))])
    if faults.count > errorsMax { problem.extra.append(.init("errors_omitted", .int(faults.count - errorsMax))) }
    return problem
  }

  /// The response that tells this problem.
  public var response: Response {
    var headers = self.headers
    headers["Content-Type"] = Problem.mediaType
    headers["Cache-Control"] = headers["Cache-Control"] ?? "no-store"
    return Response(status, headers: headers, body: json)
  }

  /// The members as JSON, `type` and `title` first.
  public var json: [UInt8] {
    var members: [ProblemValue.Member] = [
      .init("type", .string(type)), .init("title", .string(title)), .init("status", .int(status.rawValue)),
    ]
    if let detail { members.append(.init("detail", .string(detail))) }
    var out: [UInt8] = []
    ProblemValue.object(members + extra).append(to: &out)
    return out
  }
}

extension ProblemValue {
  func append(to out: inout [UInt8]) {
    switch self {
    case .string(let text): ProblemValue.append(text, to: &out)
    case .int(let number): out += String(number).utf8
    case .bool(let flag): out += (flag ? "true" : "false").utf8
    case .list(let values):
      out.append(0x5B)
      for (index, value) in values.enumerated() {
        if index > 0 { out.append(0x2C) }
        value.append(to: &out)
      }
      out.append(0x5D)
    case .object(let members):
      out.append(0x7B)
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(0x2C) }
        ProblemValue.append(member.name, to: &out)
        out.append(0x3A)
        member.value.append(to: &out)
      }
      out.append(0x7D)
    }
  }

  /// RFC 8259 section 7: quote, backslash and the controls are escaped, all else stands as UTF-8.
  private static func append(_ text: String, to out: inout [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    out.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C: out += [0x5C, byte]
      case 0x0A: out += [0x5C, 0x6E]
      case 0x0D: out += [0x5C, 0x72]
      case 0x09: out += [0x5C, 0x74]
      case 0..<0x20: out += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      default: out.append(byte)
      }
    }
    out.append(0x22)
  }
}
