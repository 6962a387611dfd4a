// Python programs that tests run: servers and readers that nobody here wrote.
import Embedded
import Glibc

public enum TestPython {
  public static let limit: Duration = .seconds(60)

  /// The private one of the checkout, or the machine's own.
  private static let candidates: [String] = {
    let place = #filePath.split(separator: "/")
    let own = "/" + place.dropLast(3).joined(separator: "/") + "/.build/python/bin/python3"
    return [own, Executables.onPath("python3")].compactMap { $0 }.filter { access($0, X_OK) == 0 }
  }()

  /// A Python that has these modules, with commas between them; nil: none has.
  public static func having(_ modules: String) async -> String? {
    for python in candidates {
      let process = try? await HelperProcess.start(.init(executable: python, arguments: ["-W", "ignore", "-c", "import \(modules)"]))
      if await process?.waitForExit(within: limit) == 0 { return python }
    }
    return nil
  }

  /// A script in the folder of a test.
  public static func script(_ name: String, beside file: String) -> String {
    "/" + file.split(separator: "/").dropLast().joined(separator: "/") + "/" + name
  }
}
