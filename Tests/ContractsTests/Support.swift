// What these tests share: the checkout's files, messages as bytes, and Python's jsonschema as the other opinion.
import Contracts
import Domain
import Embedded
import Glibc
import Testing
import Text

/// A message of ours, whichever it is.
protocol Message: Hashable, Sendable {
  func write(to writer: inout JSONWriter)
  init(reading reader: inout JSONReader) throws(JSONFault)
}

extension OrderEvent: Message {}
extension CustomerEvent: Message {}
extension ContactEvent: Message {}
extension BehaviourEvent: Message {}
extension AnswerEvent: Message {}
extension ProfileSnapshot: Message {}
extension MergeMessage: Message {}
extension CustomerContact: Message {}
extension CustomerAnswer: Message {}
extension IdentityMove: Message {}
extension TierSnapshot: Message {}
extension TicketSnapshot: Message {}
extension TicketAlert: Message {}
extension SurveySend: Message {}
extension SurveyWithdrawal: Message {}
extension CustomerAddress: Message {}
extension DeliveryOutcome: Message {}
extension SourceMessage: Message {}

extension Message {
  /// The bytes, and how often the writer was used wrongly.
  func written() -> (bytes: [UInt8], misuses: Int) {
    var writer = JSONWriter()
    write(to: &writer)
    return (writer.array(), writer.misuses)
  }

  static func read(_ bytes: [UInt8]) throws(JSONFault) -> Self {
    let result = bytes.withUnsafeBytes { raw -> Result<Self, JSONFault> in
      do throws(JSONFault) {
        var reader = JSONReader(raw)
        return .success(try Self(reading: &reader))
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Why a document is refused; nil when it is not.
  static func refusal(_ bytes: [UInt8]) -> JSONFault? {
    do throws(JSONFault) {
      _ = try read(bytes)
      return nil
    } catch { return error }
  }
}

/// The files of the checkout, found from where this one stands.
enum Checkout {
  static let root: String = {
    let here = realpath(#filePath, nil)
    defer { free(here) }
    var parts = (here.map { String(cString: $0) } ?? #filePath).split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }()

  struct Unreadable: Error { let path: String }

  /// The longest file read here, in bytes.
  static let fileBytesMax = 8 << 20

  static func bytes(_ path: String) throws(Unreadable) -> [UInt8] {
    guard let file = fopen("\(root)/\(path)", "r") else { throw Unreadable(path: path) }
    defer { fclose(file) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while content.count <= fileBytesMax {
      let count = fread(&chunk, 1, chunk.count, file)
      guard count > 0 else { break }
      content += chunk[..<count]
    }
    guard content.count <= fileBytesMax else { throw Unreadable(path: path) }
    return content
  }

  static func exists(_ path: String) -> Bool { access("\(root)/\(path)", R_OK) == 0 }

  /// The names in a folder, sorted.
  static func names(in folder: String) -> [String] {
    guard let handle = opendir("\(root)/\(folder)") else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}

/// Python with its packages `jsonschema` and `PyYAML`, asked line by line.
struct SchemaJudge {
  static let whyNot: Comment = "needs python3 with jsonschema and PyYAML (pip install jsonschema pyyaml)"
  /// How long an answer is waited for.
  static let answerLimit = Duration.seconds(30)

  private let process: HelperProcess

  private static let script = """
    import json, sys
    try:
        import jsonschema, yaml
    except ImportError:
        print('absent', flush=True)
        sys.exit(0)
    print('ready', flush=True)
    known = {}
    def validator(path):
        if path not in known:
            schema = json.load(open(path, encoding='utf-8'))
            jsonschema.Draft7Validator.check_schema(schema)
            known[path] = jsonschema.Draft7Validator(schema)
        return known[path]
    def plain(value):
        return json.loads(json.dumps(value, default=str))
    for line in sys.stdin:
        try:
            kind, path, document = line.rstrip('\\n').split('\\t', 2)
            value = plain(yaml.safe_load(open(document, encoding='utf-8'))) if kind == 'yaml' else json.loads(document)
            faults = ['/'.join(map(str, fault.absolute_path)) + ': ' + fault.message[:300] for fault in validator(path).iter_errors(value)]
        except Exception as fault:
            faults = [type(fault).__name__ + ': ' + str(fault)]
        print(json.dumps(faults[:10])[:60000], flush=True)
    """

  /// nil where Python or one of the packages is missing.
  static func start() async -> SchemaJudge? {
    guard let python = Executables.onPath("python3") else { return nil }
    let launch = HelperProcess.Launch(
      executable: python, arguments: ["-X", "utf8", "-c", script], standardOutput: .lines(copy: nil), pipesInput: true)
    guard let process = try? await HelperProcess.start(launch), await process.firstLine(within: answerLimit) == "ready" else { return nil }
    return SchemaJudge(process: process)
  }

  /// Found out once: starting Python takes a while.
  private static let availability = Task {
    guard let judge = await start() else { return false }
    await judge.stop()
    return true
  }
  static func isAvailable() async -> Bool { await availability.value }

  func stop() async {
    process.closeInput()
    await process.stop(within: .seconds(5))
  }

  /// What is wrong with a document by a schema of the checkout; empty: nothing.
  func faults(_ document: String, by schema: String) async throws -> [String] { try await ask("json", schema, document) }

  func faults(ofYAML path: String, by schema: String) async throws -> [String] { try await ask("yaml", schema, "\(Checkout.root)/\(path)") }

  private func ask(_ kind: String, _ schema: String, _ document: String) async throws -> [String] {
    try process.send(line: "\(kind)\t\(Checkout.root)/\(schema)\t\(document)")
    guard let answer = await process.nextLine(within: SchemaJudge.answerLimit) else { return ["no answer"] }
    return try JSONValue(parsing: answer).arrayValue?.compactMap(\.stringValue) ?? ["no list: \(answer)"]
  }
}
