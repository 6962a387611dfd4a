// A file, or standard input, read in pieces on threads of our own: a disk may take its time.
import Glibc
import Lifecycle

/// A file opened for reading.
public struct InputFile: ~Copyable {
  /// Bytes read at once.
  public static let chunkBytesMax = 1 << 20

  private let descriptor: Int32
  private let name: String

  /// Opens a file; `-` is standard input.
  public init(_ path: String) throws {
    name = path == "-" ? "standard input" : path
    descriptor = path == "-" ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SuiteFailure("\(name) cannot be opened: \(String(cString: strerror(errno)))") }
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { throw SuiteFailure("\(name) is a folder, not a file") }
  }

  deinit { Glibc.close(descriptor) }

  /// The next piece; empty at the end.
  public borrowing func next() async throws -> [UInt8] {
    let descriptor = descriptor
    let outcome = try await OwnedThread.value(name: "file") { () -> Result<[UInt8], SuiteFailure> in
      while true {
        var code: Int32 = 0
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: InputFile.chunkBytesMax) { buffer, filled in
          count = Glibc.read(descriptor, buffer.baseAddress, InputFile.chunkBytesMax)
          code = errno
          filled = max(0, count)
        }
        if count >= 0 { return .success(bytes) }
        if code != EINTR { return .failure(SuiteFailure(String(cString: strerror(code)))) }
      }
    }
    switch outcome {
    case .success(let bytes): return bytes
    case .failure(let failure): throw SuiteFailure("\(name) cannot be read: \(failure.description)")
    }
  }

  /// The whole of a small file; throws when it is larger than `bytesMax`.
  public static func whole(_ path: String, bytesMax: Int) async throws -> [UInt8] {
    let file = try InputFile(path)
    var bytes: [UInt8] = []
    while true {
      let piece = try await file.next()
      if piece.isEmpty { return bytes }
      bytes += piece
      guard bytes.count <= bytesMax else { throw SuiteFailure("\(path) has more than \(bytesMax) bytes") }
    }
  }
}
