// Who may import what: the direction in which the suite's rooms know each other.

enum Imports {
  /// Modules of the toolchain that any room may use. The domain may not use even these.
  static let toolchain: Set = ["Synchronization", "Dispatch", "Glibc", "FoundationEssentials"]
  private static let business: Set = ["Domain", "Text", "Contracts", "Handling"]
  private static let base: Set = ["Telemetry", "Lifecycle"]

  /// By folder, what it may import besides the toolchain.
  static let shared: [String: Set<String>] = [
    "Shared/Domain": [],
    // Its normaliser is the standard library's, under a name that has to be imported.
    "Shared/Text": ["Swift"],
    "Shared/Documents": ["Domain", "Text", "CYaml"],
    "Shared/Contracts": ["Domain", "Text"],
    "Shared/Handling": ["Domain"],
    "Shared/Belonging": ["Domain", "Handling", "Postgres"],
    "Shared/HTML": [],
    "Shared/Registering": ["Domain", "Documents", "Postgres"],
    "Shared/Hashing": ["COpenSSL"],
    "Shared/Auditing": ["Access", "Domain", "Hashing", "HTTP", "Postgres", "Text"],
    "Shared/Access": base.union(["Domain", "Text", "Hashing", "HTTP"]),
    "Shared/Phones": ["CPhoneNumber"],
    "Shared/Failpoints": [],
    "Shared/Telemetry": [],
    "Shared/Lifecycle": ["Telemetry"],
    "Shared/CommandLine": [],
    "Shared/Kafka": base.union(["CRdKafka"]),
    "Shared/Postgres": base.union(["CPostgres"]),
    "Shared/HTTP": base.union(["CMicroHTTPD", "CCurl"]),
    "Shared/Embedded": base.union(["CProcess"]),
    "Shared/Messaging": business.union(base).union(["Failpoints", "Hashing", "Kafka", "Postgres"]),
    "Shared/Runtime": business.union(base).union(["CommandLine", "Access", "Auditing", "HTTP", "Kafka", "Postgres", "Messaging", "CMemory", "CResources"]),
    "Shared/TestSupport": base.union(["Embedded", "Domain", "Text", "Postgres", "Kafka"]),
  ]

  /// The operator's tool and the broker are no services: they have no tables of their own.
  static let tools: [String: Set<String>] = [
    "Services/Broker/Command": base.union(["Kafka"]),
    "Services/Clientele/Core": business.union(base).union([
      "Documents", "Hashing", "CommandLine", "Access", "HTTP", "Kafka", "Postgres", "Messaging", "Runtime", "Embedded", "Phones", "IngestCore",
    ]),
    "Services/Clientele/Command": business.union(base).union([
      "ClienteleCore", "Documents", "CommandLine", "Access", "HTTP", "Kafka", "Runtime", "Embedded", "IngestCore",
    ]),
  ]

  /// What a part of a service may import; nil for a folder that is none.
  static func service(_ room: String) -> Set<String>? {
    let parts = room.split(separator: "/").map(String.init)
    guard parts.count == 3, parts[0] == "Services" else { return nil }
    let core = business.union(["Hashing", "Phones"])
    switch parts[2] {
    case "Core": return core
    case "Store": return core.union(["\(parts[1])Core", "Documents", "Belonging", "Registering", "Failpoints", "Postgres", "Messaging"])
    case "Command":
      return core.union(base).union([
        "\(parts[1])Core", "\(parts[1])Store", "Documents", "CommandLine", "HTML", "Access", "HTTP", "Kafka", "Postgres", "Messaging", "Runtime",
      ])
    default: return nil
    }
  }

  static func allowed(_ file: SourceFile) -> Set<String>? {
    if file.room == "Shared/Domain" { return [] }
    guard let own = shared[file.room] ?? tools[file.room] ?? service(file.room) else { return nil }
    return own.union(toolchain)
  }

  /// The modules a file imports, with their lines.
  static func found(in file: SourceFile) -> [(module: String, line: Int)] {
    file.code.enumerated().compactMap { number, line in
      guard Words.trimmed(line).contains("import ") else { return nil }
      var words = line.split(separator: " ").filter { !$0.hasPrefix("@") }
      if let first = words.first, ["public", "package", "internal", "fileprivate", "private"].contains(first) { words.removeFirst() }
      guard words.count >= 2, words[0] == "import" else { return nil }
      let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
      let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
      return (String(name.prefix { $0 != "." }), number + 1)
    }
  }

  static func violations(_ file: SourceFile) -> [Violation] {
    let imports = found(in: file)
    guard let allowed = allowed(file) else {
      // The manifest and tests import what they need, but C libraries only where they test them.
      let isFree = file.isTest || file.path == "Package.swift"
      return isFree ? [] : [Violation(path: file.path, line: 1, problem: "the folder is in no table of imports")]
    }
    return imports.filter { !allowed.contains($0.module) }.map {
      Violation(path: file.path, line: $0.line, problem: "`\($0.module)` is not for \(file.room), which may import \(allowed.sorted().joined(separator: ", "))")
    }
  }

  /// C libraries are seen by one room each, by tests not at all.
  static let cLibraries: [String: Set<String>] = [
    "CRdKafka": ["Shared/Kafka"], "CPostgres": ["Shared/Postgres"],
    "CMicroHTTPD": ["Shared/HTTP"], "CCurl": ["Shared/HTTP"], "COpenSSL": ["Shared/Hashing"], "CYaml": ["Shared/Documents"],
    "CProcess": ["Shared/Embedded"], "CPhoneNumber": ["Shared/Phones"], "CResources": ["Shared/Runtime"], "CMemory": ["Shared/Runtime"],
  ]

  static func cViolations(_ file: SourceFile) -> [Violation] {
    found(in: file).compactMap { module, line in
      guard let rooms = cLibraries[module], !rooms.contains(file.room) else { return nil }
      return Violation(path: file.path, line: line, problem: "only \(rooms.sorted().joined(separator: ", ")) sees \(module)")
    }
  }
}
