// Helper processes, the built-in broker as one of them, and Apache Kafka as another.
import Embedded
import Glibc
import Kafka
import Testing

@Suite("Helper processes") struct HelperProcessTests {
  @Test func theExitStatusAndTheOutputOfAChildAreSeen() async throws {
    let folder = try makeTemporaryFolder()
    let process = try await HelperProcess.start(HelperProcess.Launch(
      executable: "/bin/sh", arguments: ["-c", "echo one; pwd; echo $GREETING; exit 7"], environment: ["GREETING": "hello"],
      directory: folder, standardOutput: .lines(copy: folder + "/copy")))
    #expect(await process.nextLine(within: .seconds(10)) == "one")
    #expect(await process.nextLine(within: .seconds(10)) == folder)
    #expect(await process.nextLine(within: .seconds(10)) == "hello")
    #expect(await process.nextLine(within: .seconds(10)) == nil, "the stream has ended")
    #expect(await process.waitForExit(within: .seconds(10)) == 7)
    #expect(process.exitStatus == 7)
    #expect(!process.terminate(), "an ended child gets no signal")
    await removeFolder(folder)
  }

  @Test func aChildReadsWhatIsSentAndEndsWithItsInput() async throws {
    let process = try await HelperProcess.start(HelperProcess.Launch(
      executable: "/bin/cat", standardOutput: .lines(copy: nil), pipesInput: true))
    try process.send(line: "there and back")
    #expect(await process.nextLine(within: .seconds(10)) == "there and back")
    process.closeInput()
    #expect(await process.waitForExit(within: .seconds(10)) == 0)
    #expect(throws: HelperFailure.self) { try process.send(line: "too late") }
  }

  @Test func aChildThatIgnoresTheSignalIsKilled() async throws {
    let process = try await HelperProcess.start(HelperProcess.Launch(
      executable: "/bin/sh", arguments: ["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], standardOutput: .lines(copy: nil)))
    #expect(await process.nextLine(within: .seconds(10)) == "ready")
    #expect(await process.waitForExit(within: .milliseconds(10)) == nil)
    #expect(await process.stop(within: .milliseconds(200)) == 128 + SIGKILL)
  }

  @Test func whatCannotBeExecutedIsRefusedAtOnce() async {
    await #expect(throws: HelperFailure.self) { try await HelperProcess.start(HelperProcess.Launch(executable: "/no/such/program")) }
  }

  @Test func programsAreFoundByName() {
    #expect(Executables.onPath("sh")?.hasSuffix("/sh") == true)
    #expect(Executables.onPath("no-such-program") == nil)
    #expect(Executables.ownFolder()?.hasPrefix("/") == true)
  }

  @Test func aTiedChildDiesWithItsParent() async throws {
    let folder = try makeTemporaryFolder()
    let outcome = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardErrorContent]) { [folder = folder as String] in
      let child = try await HelperProcess.start(HelperProcess.Launch(
        executable: "/bin/sh", arguments: ["-c", "echo $$ > \(folder)/pid; echo up; exec sleep 600"], standardOutput: .lines(copy: nil)))
      _ = await child.nextLine(within: .seconds(10))
      kill(getpid(), SIGKILL)
    }
    _ = outcome
    let child = try #require(Int32(try text(of: folder + "/pid")))
    let lives = "[ -d /proc/\(child) ] && ! grep -q '^State:.Z' /proc/\(child)/status"
    let watcher = try await HelperProcess.start(HelperProcess.Launch(
      executable: "/bin/sh", arguments: ["-c", "while \(lives); do sleep 0.02; done"]))
    #expect(await watcher.waitForExit(within: .seconds(10)) == 0, "the child outlived its parent")
    await removeFolder(folder)
  }

  private func text(of path: String) throws -> String {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 64)
    _ = fgets(&buffer, Int32(buffer.count), file)
    return String(decoding: buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

@Suite("Kafka environments") struct KafkaEnvironmentTests {
  @Test func theBrokerProcessServesItsTopicsAndEndsCleanly() async throws {
    let folder = try makeTemporaryFolder()
    let kafka = try await startKafka(folder: folder + "/kafka", environment: [:], topics: [("tests.one.v1", 3)])
    #expect(kafka.kind == .builtIn)
    try await kafka.declareTopics([("tests.two.v1", 5), ("tests.one.v1", 3)])
    await #expect(throws: HelperFailure.self) { try await kafka.declareTopics([("bad/name", 1)]) }
    let admin = try KafkaAdmin(KafkaSettings(brokers: kafka.brokers, clientId: "t", isBuiltIn: true))
    try await admin.ensureTopics([TopicPlan(name: "tests.one.v1", partitions: 3), TopicPlan(name: "tests.two.v1", partitions: 5)])
    await admin.close()
    await kafka.stop()
    let pid = try #require((kafka as? BrokerProcess)?.pid)
    #expect(kill(pid, 0) != 0, "the process is gone")
    await removeFolder(folder)
  }

  @Test func aClusterThatRunsElsewhereIsUsedAsItIs() async throws {
    let kafka = try await startKafka(folder: "/nowhere", environment: ["KAFKA_BROKERS": "a:1,b:2", "KAFKA_HOME": "/nowhere"])
    #expect(kafka.kind == .external)
    #expect(kafka.brokers == "a:1,b:2")
  }

  @Test func aWrongKafkaHomeIsNamed() async throws {
    let folder = try makeTemporaryFolder()
    let failure = await #expect(throws: HelperFailure.self) {
      try await startKafka(folder: folder, environment: ["KAFKA_HOME": "/no/kafka/here"])
    }
    #expect(failure?.description.contains("/no/kafka/here") == true)
    await removeFolder(folder)
  }

  @Test(.enabled(if: Cluster.home != nil, "needs Apache Kafka: set KAFKA_HOME"))
  func aRestartedDistributionIsTheSameClusterWithTheSameRecords() async throws {
    let folder = try makeTemporaryFolder()
    let topic = TopicPlan(name: "tests.kept.v1", partitions: 1)
    var ids: [String] = []
    for round in 0..<2 {
      let kafka = try await startKafka(folder: folder, environment: HelperProcess.currentEnvironment())
      #expect(kafka.kind == .distribution)
      let settings = KafkaSettings(brokers: kafka.brokers, clientId: "t")
      let admin = try KafkaAdmin(settings)
      try await admin.ensureTopics([topic])
      ids.append(try await admin.clusterId())
      if round == 0 { try fill(topic.name, [0: 5], settings) }
      #expect(try await admin.readAll(topic.name).count == 5)
      await admin.close()
      await kafka.stop()
    }
    #expect(ids.count == 2 && ids[0] == ids[1] && ids[0].utf8.count == 22)
    await removeFolder(folder)
  }
}
