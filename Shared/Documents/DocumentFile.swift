// Reading a document's bytes from a file.

import Glibc

public enum DocumentFile {
  /// The bytes of a file, at most `limits.sizeBytesMax` of them.
  ///
  /// Blocks while the disk answers: for start-up and for operators' commands, not for a request.
  public static func read(_ path: String, limits: DocumentLimits = .standard) throws(DocumentFaults) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, "the file cannot be opened") }
    defer { _ = close(descriptor) }
    var bytes: [UInt8] = []
    let pieceBytesMax = 65_536
    while true {
      var count = 0
      let piece = [UInt8](unsafeUninitializedCapacity: pieceBytesMax) { buffer, filled in
        count = Glibc.read(descriptor, buffer.baseAddress, pieceBytesMax)
        filled = max(0, count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(path, "the file cannot be read")
      }
      if count == 0 { return bytes }
      bytes += piece
      if bytes.count > limits.sizeBytesMax + 3 {
        throw DocumentFaults(
          source: path, faults: [DocumentFault(path: "", line: 0, column: 0, problem: "more than \(limits.sizeBytesMax) bytes")])
      }
    }
  }

  private static func failure(_ path: String, _ problem: String) -> DocumentFaults {
    let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
    return DocumentFaults(source: path, faults: [DocumentFault(path: "", line: 0, column: 0, problem: "\(problem): \(reason)")])
  }
}
