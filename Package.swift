// swift-tools-version: 6.2
// One manifest for the whole suite. No Swift package is fetched: the toolchain and Debian's C libraries are all it needs.
import PackageDescription

/// The fault harness builds with `CLIENTELE_FAULTS=1`, into a folder of its own: then switches exist that put known mistakes in (`docs/faults.md`).
let forHarness = Context.environment["CLIENTELE_FAULTS"] == "1"

/// The settings of every Swift target: Swift 6 mode, no warning, every import named where it is used.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  // Release only: without it generic code of one room is not specialised in another (measured 40 to 70 times slower).
  .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
  .define("FAILPOINTS", .when(configuration: .debug)),
] + (forHarness ? [.define("FAILPOINTS", .when(configuration: .release)), .define("MUTANTS")] : [])

/// A C library of the distribution: a module map and a shim, seen by exactly one room.
func system(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
  .systemLibrary(name: name, path: "Shared/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// A room of `Shared`.
func room(_ name: String, _ needs: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: needs, path: "Shared/\(name)", exclude: exclude, swiftSettings: strict)
}

/// A service is three targets: use cases, their tables, and the executable that wires them.
func service(
  _ name: String, core: [Target.Dependency] = [], store: [Target.Dependency] = [], command: [Target.Dependency] = []
) -> [Target] {
  let coreNeeds: [Target.Dependency] = ["Domain", "Text", "Contracts", "Handling"] + core
  let storeNeeds: [Target.Dependency] = [.byName(name: "\(name)Core"), "Domain", "Text", "Contracts", "Handling", "Failpoints", "Postgres", "Messaging"] + store
  let commandNeeds: [Target.Dependency] =
    [
      .byName(name: "\(name)Core"), .byName(name: "\(name)Store"), "Domain", "Text", "Contracts", "Handling", "Telemetry", "Lifecycle", "CommandLine",
      "Kafka", "Postgres", "Access", "HTTP", "Messaging", "Runtime",
    ] + command
  return [
    .target(name: "\(name)Core", dependencies: coreNeeds, path: "Services/\(name)/Core", swiftSettings: strict),
    .target(name: "\(name)Store", dependencies: storeNeeds, path: "Services/\(name)/Store", exclude: ["migrations"], swiftSettings: strict),
    .executableTarget(name: name.lowercased(), dependencies: commandNeeds, path: "Services/\(name)/Command", swiftSettings: strict),
  ]
}

func tests(_ name: String, _ needs: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: needs + ["TestSupport"], path: "Tests/\(name)Tests", exclude: exclude, swiftSettings: strict)
}

let clibraries: [Target] = [
  system("CRdKafka", "rdkafka", "librdkafka-dev"),
  system("CPostgres", "libpq", "libpq-dev"),
  system("CMicroHTTPD", "libmicrohttpd", "libmicrohttpd-dev"),
  system("CCurl", "libcurl", "libcurl4-openssl-dev"),
  system("CYaml", "yaml-0.1", "libyaml-dev"),
  system("COpenSSL", "libcrypto", "libssl-dev"),
  .target(
    name: "CPhoneNumber", path: "Shared/CPhoneNumber", cxxSettings: [.treatAllWarnings(as: .error)], linkerSettings: [.linkedLibrary("phonenumber")]),
  .target(name: "CThreads", path: "Shared/CThreads", cSettings: [.treatAllWarnings(as: .error)]),
  .target(name: "CMemory", path: "Shared/CMemory", cSettings: [.treatAllWarnings(as: .error)]),
  .target(name: "CProcess", path: "Shared/CProcess", cSettings: [.treatAllWarnings(as: .error)]),
  .target(name: "CResources", path: "Shared/CResources", cSettings: [.treatAllWarnings(as: .error)]),
]

let rooms: [Target] = [
  room("Domain"),
  room("Text"),
  room("Documents", ["Domain", "Text", "CYaml"]),
  room("Contracts", ["Domain", "Text"]),
  room("Telemetry"),
  room("Lifecycle", ["Telemetry"]),
  room("CommandLine"),
  room("Kafka", ["CRdKafka", "CThreads", "Telemetry", "Lifecycle"]),
  room("Postgres", ["CPostgres", "Telemetry", "Lifecycle"]),
  room("HTTP", ["CMicroHTTPD", "CCurl", "Telemetry", "Lifecycle"]),
  room("HTML"),
  room("Hashing", ["COpenSSL"]),
  room("Access", ["Domain", "Text", "Hashing", "HTTP", "Telemetry", "Lifecycle"]),
  room("Phones", ["CPhoneNumber"]),
  room("Auditing", ["Access", "Domain", "Hashing", "HTTP", "Postgres", "Text"], exclude: ["migrations"]),
  room("Failpoints"),
  room("Handling", ["Domain"]),
  room("Belonging", ["Domain", "Handling", "Postgres"]),
  room("Registering", ["Domain", "Documents", "Postgres"]),
  room(
    "Messaging", ["Failpoints", "Domain", "Text", "Contracts", "Handling", "Hashing", "Kafka", "Postgres", "Telemetry", "Lifecycle"],
    exclude: ["migrations"]),
  room(
    "Runtime",
    [
      "Domain", "Text", "Contracts", "Handling", "Telemetry", "Lifecycle", "CommandLine", "Access", "Auditing", "HTTP", "Kafka", "Postgres", "Messaging",
      "CMemory", "CResources",
    ]),
  room("Embedded", ["CProcess", "Telemetry", "Lifecycle"]),
  room("TestSupport", ["Embedded", "Domain", "Text", "Postgres", "Kafka", "Telemetry", "Lifecycle"]),
]

/// The operator's tool is no service: it has no tables and talks to the services' APIs.
let tools: [Target] = [
  .executableTarget(
    name: "broker", dependencies: ["Kafka", "Lifecycle"], path: "Services/Broker/Command", swiftSettings: strict),
  .target(
    name: "ClienteleCore",
    dependencies: [
      "Domain", "Text", "Documents", "Contracts", "Handling", "Hashing", "Telemetry", "Lifecycle", "CommandLine", "Access", "HTTP", "Kafka", "Postgres",
      "Messaging", "Runtime", "Embedded", "Phones", "IngestCore",
    ], path: "Services/Clientele/Core", swiftSettings: strict),
  .executableTarget(
    name: "clientele",
    dependencies: [
      "ClienteleCore", "Domain", "Text", "Documents", "Contracts", "Telemetry", "Lifecycle", "CommandLine", "Access", "HTTP", "Kafka", "Runtime",
      "Embedded", "IngestCore",
    ], path: "Services/Clientele/Command", swiftSettings: strict),
]

/// Runs the suite under faults and judges what is left (`docs/faults.md`). Never delivered.
let harness: [Target] = [
  .target(
    name: "FaultHarness",
    dependencies: ["Contracts", "Domain", "Embedded", "Failpoints", "HTTP", "Kafka", "Lifecycle", "Messaging", "Postgres", "Telemetry", "Text"],
    path: "Tests/FaultHarness", swiftSettings: strict),
  .executableTarget(
    name: "faults", dependencies: ["FaultHarness", "ingest", "profile", "tiering", "broker"], path: "Tests/Faults", swiftSettings: strict),
]

/// Measures the suite beside its rivals (`docs/performance.md`). Never delivered.
let benchmark: [Target] = [
  .target(
    name: "BenchHarness",
    dependencies: [
      "Access", "Contracts", "Documents", "Domain", "Embedded", "HTTP", "Hashing", "Kafka", "Lifecycle", "Messaging", "Postgres", "Runtime", "Telemetry",
      "Text",
      "Handling", "ProfileCore", "TicketsCore", "TicketsStore", "TieringCore",
    ],
    path: "Tests/BenchHarness", swiftSettings: strict),
  .executableTarget(
    name: "bench",
    dependencies: ["BenchHarness", "ingest", "profile", "tiering", "tickets", "feedback", "connector", "console", "clientele"], path: "Tests/Bench",
    swiftSettings: strict),
]

let suites: [Target] = [
  tests("Domain", ["Domain"]),
  tests("DomainTiering", ["Domain"]),
  tests("HTML", ["HTML"]),
  tests("Hashing", ["Hashing"]),
  tests(
    "Auditing",
    ["Auditing", "Access", "CommandLine", "Domain", "Hashing", "HTTP", "Postgres", "Runtime", "Messaging", "Text", "Handling", "Telemetry", "Lifecycle"]),
  tests(
    "Access",
    [
      "Access", "Hashing", "HTTP", "Text", "Telemetry", "Lifecycle", "Embedded", "Runtime", "Domain", "Handling", "Postgres", "ClienteleCore", "CommandLine",
      "ingest", "profile", "tiering", "tickets", "feedback", "connector", "clientele",
    ], exclude: ["tokens.py"]),
  tests("Phones", ["Phones"]),
  tests("Runtime", ["Runtime", "CommandLine", "Domain", "Handling", "Text"]),
  tests("Text", ["Text"]),
  tests(
    "Contracts", ["Contracts", "Domain", "Text", "Documents", "Handling", "Hashing", "IngestCore", "Embedded"], exclude: ["Golden"]),
  tests("Tidy", []),
  tests("Documents", ["Documents", "Domain", "Text"]),
  tests("Telemetry", ["Telemetry"]),
  tests("Lifecycle", ["Lifecycle", "Telemetry"]),
  tests("CommandLine", ["CommandLine"]),
  tests("HTTP", ["HTTP", "Embedded", "Telemetry", "Lifecycle"]),
  tests("Kafka", ["Kafka", "Embedded", "Telemetry", "Lifecycle", "broker"]),
  tests("Postgres", ["Postgres", "Embedded", "Telemetry", "Lifecycle"]),
  tests(
    "Messaging",
    ["Messaging", "Failpoints", "Contracts", "Domain", "Handling", "Kafka", "Postgres", "Embedded", "Lifecycle", "Runtime", "Telemetry", "Text", "broker"]),
  tests(
    "Suite",
    [
      "ClienteleCore", "Embedded", "Kafka", "Lifecycle", "Messaging", "Postgres", "Runtime", "Text", "clientele", "broker", "ingest", "profile", "tiering",
      "tickets", "feedback", "connector",
    ], exclude: ["truth.py", "reviews.py"]),
  tests(
    "Clientele",
    [
      "clientele", "ClienteleCore", "CommandLine", "Domain", "Text", "Documents", "Contracts", "HTTP", "Kafka", "Lifecycle", "Messaging", "Telemetry",
      "Runtime", "Handling", "IngestCore", "Access",
    ]),
  tests(
    "Ingest",
    [
      "IngestCore", "IngestStore", "ingest", "Domain", "Text", "Contracts", "Handling", "Hashing", "Phones", "Documents", "Postgres", "Kafka", "Messaging",
      "Telemetry", "Lifecycle", "Runtime", "HTTP", "Embedded", "broker", "Access", "Auditing",
    ]),
  tests(
    "Tiering",
    [
      "TieringCore", "TieringStore", "tiering", "Domain", "Text", "Contracts", "Handling", "Documents", "Postgres", "Kafka", "Messaging", "Runtime", "HTTP",
      "Telemetry", "Lifecycle", "Embedded", "broker",
    ]),
  tests(
    "Tickets",
    [
      "TicketsCore", "TicketsStore", "tickets", "Domain", "Text", "Contracts", "Handling", "Documents", "Postgres", "Messaging", "Runtime", "Access",
      "Auditing", "HTTP", "Telemetry",
    ]),
  tests(
    "Feedback",
    [
      "FeedbackCore", "FeedbackStore", "feedback", "Domain", "Text", "Contracts", "Handling", "Documents", "Postgres", "Messaging", "Runtime",
      "HTTP", "HTML", "Telemetry", "Access", "Auditing",
    ]),
  tests(
    "Connector",
    [
      "ConnectorCore", "ConnectorStore", "connector", "Domain", "Text", "Contracts", "Handling", "Hashing", "Documents", "Postgres", "Messaging", "Runtime",
      "HTTP", "Lifecycle", "Telemetry",
    ]),
  tests(
    "Console",
    [
      "ConsoleCore", "ConsoleStore", "console", "Access", "Hashing", "HTML", "HTTP", "Lifecycle", "Postgres", "Runtime", "Telemetry", "Text", "Domain",
      "Handling", "Messaging", "Documents", "Embedded",
    ], exclude: ["provider.py"]),
  tests(
    "Simulation",
    [
      "IngestCore", "IngestStore", "ingest", "ProfileCore", "ProfileStore", "profile", "TieringCore", "TieringStore", "tiering", "Domain", "Text", "Contracts",
      "Documents", "Handling", "Hashing", "Kafka", "Postgres", "Messaging", "Runtime", "Telemetry",
    ]),
  tests(
    "Deploy",
    [
      "ingest", "profile", "tiering", "tickets", "feedback", "connector", "console", "clientele", "broker", "ClienteleCore", "IngestCore", "CommandLine",
      "Contracts", "Domain", "Embedded", "HTTP", "Kafka", "Lifecycle", "Postgres", "Runtime", "Telemetry", "Text",
    ], exclude: ["alerts_test.yml"]),
  tests(
    "Fault",
    [
      "FaultHarness", "Contracts", "Domain", "Embedded", "Failpoints", "Kafka", "Lifecycle", "Postgres", "Text", "broker", "ingest", "profile", "tiering",
      "tickets", "feedback", "connector",
    ]),
  tests("Bench", ["BenchHarness", "Domain", "Kafka", "TicketsCore"]),
  tests(
    "Profile",
    [
      "ProfileCore", "ProfileStore", "profile", "Contracts", "Documents", "Domain", "Handling", "Hashing", "HTTP", "Lifecycle", "Messaging", "Postgres",
      "Runtime", "Telemetry", "Text", "Access", "Auditing",
    ]),
]

/// `CLIENTELE_TESTS=Console,Tidy swift build --build-tests` builds the tests of these rooms alone, and what they need.
let chosen = Context.environment["CLIENTELE_TESTS"].map { Set($0.split(separator: ",").map { "\($0)Tests" }) }

let package = Package(
  name: "clientele",
  products: ["ingest", "profile", "tiering", "tickets", "feedback", "connector", "console", "clientele", "broker"].map { .executable(name: $0, targets: [$0]) },
  targets: clibraries + rooms + service("Ingest", core: ["Hashing", "Phones"], store: ["Hashing", "Documents"], command: ["Hashing", "Documents", "Phones"])
    + service("Profile", store: ["Hashing", "Documents"], command: ["Hashing", "Documents"])
    + service("Tiering", store: ["Documents"], command: ["Documents"])
    + service("Tickets", store: ["Documents", "Belonging", "Registering"], command: ["Documents", "HTML", "Hashing"])
    + service("Feedback", core: ["Hashing"], store: ["Documents", "Belonging", "Registering"], command: ["Documents", "HTML", "Hashing"])
    + service("Console", core: ["Hashing"], command: ["Documents", "HTML", "Hashing", "Phones"])
    + service("Connector", core: ["Hashing"], store: ["Belonging"], command: ["Documents", "Hashing"])
    + tools + (chosen == nil ? harness + benchmark : []) + suites.filter { chosen?.contains($0.name) ?? true },
  cxxLanguageStandard: .cxx17
)
