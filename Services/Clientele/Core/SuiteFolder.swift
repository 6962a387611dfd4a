// The private folder of a suite: what lies in it, who holds it.
import Glibc
import Hashing
import Runtime

public struct SuiteFolder: Sendable {
  public struct Failure: Error, Sendable, CustomStringConvertible { public let description: String }

  public let path: String

  /// Makes the folder, readable by its owner's group (PostgreSQL's files in it are private to the server).
  public init(_ path: String) throws(Failure) {
    self.path = path.hasPrefix("/") ? path : SuiteFolder.currentFolder + "/" + path
    let wasThere = access(self.path, F_OK) == 0
    for folder in [self.path, logs, run] where mkdir(folder, 0o755) != 0 && errno != EEXIST {
      throw Failure(description: "the folder \(folder) cannot be made: \(String(cString: strerror(errno)))")
    }
    if !wasThere { try? Files.write(mark, "made by clientele: `clientele up --fresh` may empty this folder\n") }
  }

  /// Lies in folders that were made here.
  private var mark: String { path + "/made-by-clientele" }

  /// Throws unless this folder was made here: nothing else is ever erased.
  public func checkErasable() throws(Failure) {
    guard access(mark, F_OK) == 0 else {
      throw Failure(description: "\(path) was not made by clientele, so it is not emptied: name a folder that is not there yet")
    }
  }

  public static var currentFolder: String {
    var buffer = [CChar](repeating: 0, count: 4_096)
    guard getcwd(&buffer, buffer.count) != nil else { return "." }
    return String(decoding: buffer.prefix(while: { $0 != 0 }).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  public var logs: String { path + "/logs" }
  public var run: String { path + "/run" }
  public var postgres: String { path + "/postgres" }
  public var kafka: String { path + "/kafka" }
  /// Written when everything was drained at a clean stop, removed at the next start.
  public var drainedMark: String { path + "/drained" }

  /// A file beside the folder: what must outlive `--fresh`.
  public static func sibling(of path: String, _ name: String) -> String {
    guard let cut = path.lastIndex(of: "/") else { return name }
    return String(path[..<cut]) + "/." + name
  }

  /// Holds the folder until the process ends; nil when another process holds it.
  public func hold() throws(Failure) -> SuiteHold? {
    let descriptor = open(run + "/up.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Failure(description: "\(run)/up.lock cannot be opened: \(String(cString: strerror(errno)))") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      return nil
    }
    return SuiteHold(descriptor: descriptor)
  }

  /// Whether a process holds the folder now.
  public var isHeld: Bool {
    guard let hold = try? hold() else { return true }
    hold.release()
    return false
  }

  /// The secret that customer keys are hashed with, made once: another one would make every customer a stranger.
  public func pseudonymKey() throws -> String { try key("pseudonym.key", "with another key every stored customer becomes a stranger") }

  /// The secret that survey links are signed with, made once.
  public func linkKey() throws -> String { try key("link.key", "with another key no survey link that is under way works any more") }

  /// The secret that this suite's own tokens are made with, made once.
  public func tokenKey() throws -> String { try key(SuiteFolder.tokenKeyFile, "or remove it, and start the suite anew with another") }

  /// Where it lies.
  public var tokenKeyPath: String { path + "/" + SuiteFolder.tokenKeyFile }
  private static let tokenKeyFile = "token.key"

  /// The one that lies in a folder; nil: none does.
  static func storedTokenKey(in path: String) -> String? {
    Files.read(path + "/" + tokenKeyFile, bytesMax: 1_024).map { String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace } }
  }

  private func key(_ name: String, _ warning: String) throws -> String {
    let file = path + "/" + name
    if access(file, F_OK) == 0 || errno != ENOENT {
      let key = Files.read(file, bytesMax: 1_024).map { String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace } } ?? ""
      guard key.utf8.count >= KeyedHasher.keyBytesMin else {
        throw Failure(description: "\(file) cannot be read or is damaged: restore it; \(warning)")
      }
      return key
    }
    let key = try randomKey(bytes: 32).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    try Files.write(file, key + "\n")
    return key
  }

  /// Removes everything: stored customers, broker data, logs, the secrets.
  public func erase() throws(Failure) {
    guard SuiteFolder.remove(path) else { throw Failure(description: "\(path) cannot be removed: \(String(cString: strerror(errno)))") }
    let made = try SuiteFolder(path)
    _ = made
  }

  /// Folders are entered, links are not followed.
  private static func remove(_ path: String) -> Bool {
    var info = stat()
    guard lstat(path, &info) == 0 else { return errno == ENOENT }
    guard info.st_mode & S_IFMT == S_IFDIR else { return unlink(path) == 0 }
    guard let folder = opendir(path) else { return false }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix(while: { $0 != 0 }), as: UTF8.self) }
      if name != ".", name != "..", !remove(path + "/" + name) { return false }
    }
    return rmdir(path) == 0
  }
}

/// The lock on a folder.
public struct SuiteHold: Sendable {
  let descriptor: Int32
  public func release() { close(descriptor) }
}
