// A small disk for the database, which can be filled and freed: a file system in memory, mounted by root.
import Embedded
import Glibc
import Lifecycle

struct Disk: Sendable {
  let folder: String

  /// nil with the reason when it cannot be made here.
  static func mount(_ folder: String, mebibytes: Int) async -> Result<Disk, HarnessFailure> {
    guard geteuid() == 0 else { return .failure(HarnessFailure("a disk of its own needs root")) }
    mkdir(folder, 0o755)
    guard let program = Executables.onPath("mount") else { return .failure(HarnessFailure("mount is not installed")) }
    let process = try? await HelperProcess.start(
      .init(executable: program, arguments: ["-t", "tmpfs", "-o", "size=\(mebibytes)m,mode=0755", "tmpfs", folder]))
    guard await process?.waitForExit(within: .seconds(10)) == 0 else { return .failure(HarnessFailure("a file system in memory cannot be mounted")) }
    return .success(Disk(folder: folder))
  }

  func unmount() async {
    guard let program = Executables.onPath("umount") else { return }
    let process = try? await HelperProcess.start(.init(executable: program, arguments: ["--lazy", folder]))
    _ = await process?.waitForExit(within: .seconds(10))
  }

  /// Takes all that is free for so long, again and again: what is given back meanwhile is taken too.
  func fill(for milliseconds: Int, _ pauses: Pauses) async throws {
    let file = folder + "/filler"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw HarnessFailure("\(file) cannot be made") }
    defer {
      close(descriptor)
      unlink(file)
    }
    var size: off_t = 0
    for _ in 0..<max(1, milliseconds / 100) {
      for step in [16 << 20, 1 << 20, 4_096] as [off_t] { while posix_fallocate(descriptor, size, step) == 0 { size += step } }
      await pauses.wait(milliseconds: 100)
    }
  }
}
