// Files that are built into the programs: the list in C against the folders.

enum Embeds {
  static let list = "Shared/CResources/resources.c"

  /// What has to be built in: every migration and every shipped rule file.
  static func isNeeded(_ path: String) -> Bool {
    if path.hasSuffix(".sql") { return path.contains("/migrations/") }
    guard path.hasSuffix(".yaml"), path.hasPrefix("deploy/") else { return false }
    let parts = path.split(separator: "/")
    return parts.count == 2 || ["mappings", "scorecards", "surveys"].contains(parts[1])
  }

  /// Compares the list with the files. Every entry names a file by the path that it embeds.
  static func violations(list text: String, files: [String]) -> [Violation] {
    var embedded: [String: String] = [:]
    var entries: [String: String] = [:]
    var name: Substring?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("FILE_BYTES("), let end = line.firstIndex(of: ")") { name = line[..<end].dropFirst("FILE_BYTES(".count) }
      let texts = line.split(separator: "\"", omittingEmptySubsequences: false)
      guard texts.count >= 3 else { continue }
      if line.hasPrefix("#embed"), let name { embedded[String(name)] = resolved(String(texts[1])) }
      if Words.trimmed(String(line)).hasPrefix("ENTRY(") {
        let variable = texts[2].filter { $0 != "," && $0 != " " && $0 != ")" }
        entries[String(texts[1])] = variable
      }
    }
    var problems = files.filter { isNeeded($0) && entries[$0] == nil }.map { "`\($0)` is not built in: add it to the list" }
    problems += entries.keys.filter { !files.contains($0) }.map { "`\($0)` is listed but not there" }
    problems += entries.filter { embedded[$0.value] != $0.key }.map { "`\($0.key)` is listed under its name but holds `\(embedded[$0.value] ?? "nothing")`" }
    return problems.sorted().map { Violation(path: list, line: 1, problem: $0) }
  }

  /// A path relative to the list's folder as one relative to the root.
  private static func resolved(_ path: String) -> String {
    var parts = list.split(separator: "/").dropLast().map(String.init)
    for part in path.split(separator: "/") {
      if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
  }
}
