// The style sheet, the script and the mark of the site, as they travel inside the program. Their addresses hold what they are, so that browsers keep them.
import Access
import HTML
import HTTP
import Hashing
import Runtime

enum SiteFiles {
  private struct File: Sendable {
    let address: String
    let type: String
    let bytes: [UInt8]
  }

  private static func file(_ name: String, _ type: String) -> File {
    let bytes = Resources.bytes("Services/Console/Assets/\(name)") ?? []
    let hash = (try? Hasher256.sha256(bytes)) ?? []
    let mark = hash.prefix(8).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    return File(address: "/assets/\(mark)/\(name)", type: type, bytes: bytes)
  }

  private static let style = file("console.css", "text/css; charset=utf-8")
  private static let script = file("console.js", "text/javascript; charset=utf-8")
  private static let icon = file("icon.svg", "image/svg+xml")

  /// What a page is shown with.
  static let page = PageFiles(style: target(style), script: target(script), icon: target(icon))


  private static func target(_ file: File) -> PageTarget { PageTarget(file.address) ?? .top }

  static func add(to router: inout Router) {
    for file in [style, script, icon] {
      let response = Response(
        .ok,
        headers: [
          "Content-Type": file.type, "Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
          "Cross-Origin-Resource-Policy": "same-origin",
        ], body: file.bytes)
      router.on(.get, file.address, need: PageNeed.file) { _ in response }
    }
  }
}
