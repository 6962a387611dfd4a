// Files of the repository that travel inside the executables.
import CResources

public enum Resources {
  /// Paths of all files, as in the repository.
  public static var paths: [String] { (0..<cresource_count()).map { String(cString: cresource_at($0).path) } }

  /// The bytes of a file, or nil when none has this path.
  public static func bytes(_ path: String) -> [UInt8]? {
    for index in 0..<cresource_count() {
      let resource = cresource_at(index)
      if String(cString: resource.path) == path { return [UInt8](UnsafeBufferPointer(start: resource.bytes, count: resource.count)) }
    }
    return nil
  }

  public static func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }

  /// Under which numbers a service got the tables of the audit trail, and what looks need in them: services that were there before under the next of their own.
  private static let auditNumbers = [
    "connector": ["0004", "0005"], "console": ["0002", "0003"], "feedback": ["0011", "0012"], "ingest": ["0005", "0006"], "profile": ["0011", "0012"],
    "tickets": ["0012", "0013"], "tiering": ["0011", "0012"],
  ]
  /// Behind the first one of its own and those of messaging.
  private static let auditNumbersOfNewOnes = ["0004", "0005"]
  private static let auditMigrations = ["create_audit", "add_looks"]

  /// Services that read and write no topics: they have none of messaging's tables.
  private static let withoutTopics: Set = ["console"]

  /// The migrations of a service in the order of their numbers: those of messaging's tables, of the audit trail, and its own.
  public static func migrations(of service: String) -> [(name: String, sql: String)] {
    let folder = service.prefix(1).uppercased() + service.dropFirst()
    let own = paths.compactMap { path -> (name: String, sql: String)? in
      let isOfMessaging = path.hasPrefix("Shared/Messaging/migrations/") && !withoutTopics.contains(service)
      guard isOfMessaging || path.hasPrefix("Services/\(folder)/Store/migrations/"), let sql = text(path) else { return nil }
      return (String((path.split(separator: "/").last ?? "").dropLast(4)), sql)
    }
    let audit = zip(auditNumbers[service] ?? auditNumbersOfNewOnes, auditMigrations).compactMap { number, name in
      text("Shared/Auditing/migrations/\(name).sql").map { (name: "\(number)_\(name)", sql: $0) }
    }
    return (own + audit).sorted { $0.name < $1.name }
  }
}
