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

  /// The migrations of a service in the order of their numbers: those of messaging's tables and its own.
  public static func migrations(of service: String) -> [(name: String, sql: String)] {
    let folder = service.prefix(1).uppercased() + service.dropFirst()
    return paths.compactMap { path in
      guard path.hasPrefix("Shared/Messaging/migrations/") || path.hasPrefix("Services/\(folder)/Store/migrations/"), let sql = text(path) else { return nil }
      return (String((path.split(separator: "/").last ?? "").dropLast(4)), sql)
    }.sorted { $0.name < $1.name }
  }
}
