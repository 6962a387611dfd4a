// Alerts and dashboard against promtool and against the metrics that the services really show.
import Contracts
import Embedded
import Glibc
import Kafka
import Lifecycle
import Messaging
import Postgres
import Runtime
import Telemetry
import TestSupport
import Testing
import Text

private let promtool = Executables.onPath("promtool")
private let whyNot: Comment = "needs promtool (package prometheus)"

/// Names of metrics and of labels as they stand in expressions.
private enum Expressions {
  static let rules = "deploy/prometheus/alerts.yml"
  static let dashboard = "deploy/grafana/dashboards/clientele.json"

  /// Every metric that is named, besides those that Prometheus makes itself.
  static func metrics(in text: String) -> Set<String> {
    Words.names(beginningWith: "clientele_", in: text).union(Words.names(beginningWith: "process_", in: text))
  }

  static func ofDashboard() throws -> [String] {
    let dashboard = try JSONValue(Checkout.bytes(dashboard))
    return (dashboard["panels"]?.arrayValue ?? []).flatMap { panel in (panel["targets"]?.arrayValue ?? []).compactMap { $0["expr"]?.stringValue } }
  }

  static func ofRules() throws -> String {
    var isExpression = false
    return try Checkout.lines(rules).filter { line in
      let trimmed = Words.trimmed(line)
      if trimmed.hasPrefix("expr:") { isExpression = true } else if trimmed.hasPrefix("for:") || trimmed.hasPrefix("labels:") { isExpression = false }
      return isExpression
    }.joined(separator: "\n")
  }
}

/// The names that the code gives to metrics: texts that begin with the suite's word, in the folders that make metrics.
private func namesInCode() async throws -> Set<String> {
  let found = try await Runner.done(
    "grep", ["-rhoE", "\"(clientele|process)_[a-z_]+\"", "--include=*.swift", Checkout.root + "/Shared", Checkout.root + "/Services"])
  return Set(found.split(separator: "\n").map { String($0.filter { $0 != "\"" }) }.filter { $0 != "process_" })
}

/// What a metric's name is in the text of a histogram.
private func withoutSuffix(_ name: String) -> String {
  for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) { return String(name.dropLast(suffix.count)) }
  return name
}

@Suite("Alerts and dashboard") struct ObserveTests {
  @Test("promtool takes the configuration and the rules", .enabled(if: promtool != nil, whyNot))
  func check() async throws {
    let tool = promtool ?? ""
    #expect(try await Runner.done(tool, ["check", "config", Checkout.root + "/deploy/prometheus/prometheus.yml"]).contains("SUCCESS"))
    #expect(try await Runner.done(tool, ["check", "rules", Checkout.root + "/" + Expressions.rules]).contains("SUCCESS"))
  }

  @Test("Every alert comes when it should, and not before", .enabled(if: promtool != nil, whyNot))
  func alerts() async throws {
    let text = try Checkout.text("Tests/DeployTests/alerts_test.yml")
    try await Runner.withFolder { folder in
      try Runner.write(folder + "/test.yml", text.replacing("- RULES", with: "- " + Checkout.root + "/" + Expressions.rules))
      let ran = try await Runner.run(promtool ?? "", ["test", "rules", folder + "/test.yml"])
      #expect(ran.status == 0, "\(ran.both)")
    }
    let names = try Checkout.lines(Expressions.rules).filter { $0.contains("- alert:") }.compactMap { $0.split(separator: " ").last.map(String.init) }
    for name in names { #expect(text.contains("alertname: \(name)\n") , "no test expects \(name)") }
  }

  @Test("Every alert says in both languages what is wrong, and where its page is")
  func words() throws {
    let lines = try Checkout.lines(Expressions.rules)
    let starts = lines.indices.filter { lines[$0].contains("- alert:") }
    #expect(starts.count >= 9)
    let page = try Checkout.text("docs/deploy.md")
    for (place, start) in starts.enumerated() {
      let name = lines[start].split(separator: " ").last.map(String.init) ?? ""
      let rule = lines[start..<(place + 1 < starts.count ? starts[place + 1] : lines.count)]
      func value(_ key: String) -> String { rule.first { Words.trimmed($0).hasPrefix(key + ": ") } ?? "" }
      for key in ["summary", "description"] {
        #expect(!value(key).isEmpty, "\(name) has no \(key)")
        #expect(value(key + "_zh").unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }, "\(name) has no \(key)_zh")
      }
      #expect(value("runbook").contains("docs/deploy.md#\(name.lowercased())'"), "\(name)")
      #expect(page.contains("### \(name)\n"), "docs/deploy.md has no section \(name)")
    }
  }

  @Test("No rule and no panel names a metric that the code does not make")
  func names() async throws {
    let made = try await namesInCode()
    #expect(made.count > 20)
    let used = Expressions.metrics(in: try Expressions.ofRules() + "\n" + Expressions.ofDashboard().joined(separator: "\n"))
    let unknown = used.map(withoutSuffix).filter { !made.contains($0) }
    #expect(used.count > 15 && unknown.isEmpty, "\(unknown.sorted())")
  }

  @Test("A histogram is asked by its parts, anything else by its name", .enabled(if: TestDatabase.isAvailable, Comment(rawValue: TestDatabase.whyNot)))
  func shapes() async throws {
    let (text, seen) = try await ServicesText.collect()
    #expect(seen.contains("clientele_dependency_up") && seen.contains("clientele_partition_lag_records"), "\(seen.sorted())")
    var missing: [String] = []
    let all = Expressions.metrics(in: try Expressions.ofRules() + "\n" + Expressions.ofDashboard().joined(separator: "\n"))
    for name in all.sorted() where !ServicesText.isLate(name) && !seen.contains(name) { missing.append(name) }
    #expect(missing.isEmpty, "not in /metrics: \(missing)\n\(text.prefix(4_000))")
  }

  @Test("Every panel has a title in both languages, a place, and the data source that is provisioned")
  func dashboard() throws {
    let dashboard = try JSONValue(Checkout.bytes(Expressions.dashboard))
    let source = try Checkout.text("deploy/grafana/provisioning/datasources/prometheus.yml")
    let panels = dashboard["panels"]?.arrayValue ?? []
    #expect(panels.count >= 15)
    for panel in panels {
      let title = panel["title"]?.stringValue ?? ""
      #expect(title.contains(" · ") && title.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }, "\(title)")
      let uid = try #require(panel["datasource"]?["uid"]?.stringValue)
      #expect(source.contains("uid: \(uid)\n"))
      #expect((panel["targets"]?.arrayValue ?? []).isEmpty == false, "\(title)")
    }
    let port = try #require(CommonSettings.port.defaultText)
    let config = try Checkout.text("deploy/prometheus/prometheus.yml")
    for service in ["ingest", "profile", "tiering", "tickets", "feedback", "connector", "console"] {
      #expect(config.contains("{names: [\(service)], type: A, port: \(port),"))
    }
  }

  @Test("promtool takes every expression of the dashboard", .enabled(if: promtool != nil, whyNot))
  func expressions() async throws {
    let expressions = try Expressions.ofDashboard().map { $0.replacing("$job", with: "ingest|profile") }
    var rules = "groups:\n  - name: panels\n    rules:\n"
    for (number, expression) in expressions.enumerated() {
      rules += "      - record: panel:\(number)\n        expr: '\(expression)'\n"
    }
    try await Runner.withFolder { folder in
      try Runner.write(folder + "/panels.yml", rules)
      let ran = try await Runner.run(promtool ?? "", ["check", "rules", folder + "/panels.yml"])
      #expect(ran.status == 0, "\(ran.both)")
      #expect(ran.output.contains("\(expressions.count) rules found"))
    }
  }
}

/// What `/metrics` of all three services says once an order has gone through them.
private enum ServicesText {
  /// Metrics that appear with their first event only, which a short run does not bring.
  static func isLate(_ name: String) -> Bool {
    ["clientele_tiers_published_total"].contains(name)
  }

  static func collect() async throws -> (text: String, names: Set<String>) {
    try await Runner.withFolder { folder in
      let place = folder + "/suite"
      let environment = ["KAFKA_HOME": "", "KAFKA_BROKERS": ""]
      func clientele(_ words: [String]) async throws -> Ran {
        try await Runner.run("clientele", words, environment: environment, in: folder, within: .seconds(240))
      }
      let up = try await clientele(["up", "--folder", place, "--detach", "--clock", "1998-07-01"])
      guard up.status == 0 else { throw HelperFailure("the suite did not start: \(up.both)") }
      let result: Result<(String, Set<String>), any Error>
      do { result = .success(try await read(place)) } catch { result = .failure(error) }
      _ = try await clientele(["down", "--folder", place])
      return try result.get()
    }
  }

  private static func read(_ place: String) async throws -> (String, Set<String>) {
    let state = try JSONValue(Checkout.bytes(place + "/state.json"))
    let urls = (state["services"]?.members ?? []).compactMap { $0.value["url"]?.stringValue }
    let ingest = try #require(state["services"]?["ingest"]?["url"]?.stringValue)
    let order = #"{"source":"s","order_id":"1","occurred_at":"1998-06-01T10:00:00Z","status":"paid","total":"5","customer":{"member_id":"M"}}"#
    let token = try await Runner.done("clientele", ["token", "--folder", place, "--role", "service", "--subject", "observer"]).filter { !$0.isWhitespace }
    let headers = ["-H", "Content-Type: application/json", "-H", "Authorization: Bearer " + token]
    try await Runner.done("curl", ["-fsS", "-m", "20"] + headers + ["-d", order, ingest + "/v1/events"])
    var text = ""
    try await eventually("figures of the order in all services") {
      text = ""
      for url in urls { text += try await Runner.done("curl", ["-fsS", "-m", "20", url + "/metrics"]) }
      let lines = text.split(separator: "\n")
      return ["in.orders.v1", "ingest.orders.v1", "profile.profiles.v1"].allSatisfy { topic in
        lines.contains { $0.hasPrefix("clientele_records_total{") && $0.contains("\"\(topic)\"") && !$0.hasSuffix(" 0") }
      }
    }
    let names = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { String($0.prefix { $0 != "{" && $0 != " " }) }
    return (text, Set(names))
  }
}
