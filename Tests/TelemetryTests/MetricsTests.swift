// What is counted, and its text for Prometheus.
import Telemetry
import Testing

@Suite struct MetricsTests {
  @Test func theTextIsInTheExpositionFormat() {
    let metrics = Metrics()
    metrics.counter("records_read_total", help: "Records read.", labels: ["topic": "b", "partition": "0"]).increment(by: 3)
    metrics.counter("records_read_total", help: "Records read.", labels: ["topic": "a", "partition": "1"]).increment()
    metrics.gauge("queue_records", help: "Records waiting.").set(2.5)
    let histogram = metrics.histogram("batch_seconds", help: "Time for a batch.", bounds: [0.1, 1])
    for value in [0.05, 0.1, 0.5, 7] { histogram.observe(value) }
    #expect(
      metrics.render() == """
        # HELP batch_seconds Time for a batch.
        # TYPE batch_seconds histogram
        batch_seconds_bucket{le="0.1"} 2
        batch_seconds_bucket{le="1"} 3
        batch_seconds_bucket{le="+Inf"} 4
        batch_seconds_sum 7.65
        batch_seconds_count 4
        # HELP queue_records Records waiting.
        # TYPE queue_records gauge
        queue_records 2.5
        # HELP records_read_total Records read.
        # TYPE records_read_total counter
        records_read_total{partition="0",topic="b"} 3
        records_read_total{partition="1",topic="a"} 1

        """)
    #expect(metrics.faults == [])
  }

  @Test func helpAndLabelsAreEscaped() {
    let metrics = Metrics()
    metrics.gauge("a", help: "one\\two\nthree \"four\"", labels: ["x": "a\"b\\c\nd"]).set(1)
    #expect(metrics.render() == "# HELP a one\\\\two\\nthree \"four\"\n# TYPE a gauge\na{x=\"a\\\"b\\\\c\\nd\"} 1\n")
  }

  @Test func theSameNameAndLabelsGiveTheSameHandle() {
    let metrics = Metrics()
    let one = metrics.counter("a_total", help: "A.", labels: ["x": "1", "y": "2"])
    let two = metrics.counter("a_total", help: "A.", labels: ["y": "2", "x": "1"])
    #expect(one === two)
    #expect(metrics.counter("a_total", help: "A.", labels: ["x": "1", "y": "3"]) !== one)
    #expect(metrics.gauge("b", help: "B.") === metrics.gauge("b", help: "B."))
    #expect(metrics.histogram("c", help: "C.") === metrics.histogram("c", help: "C.", bounds: [1]))
  }

  @Test func countsFromManyTasksAreAllThere() async {
    let metrics = Metrics()
    let counter = metrics.counter("a_total", help: "A.")
    let gauge = metrics.gauge("b", help: "B.")
    let histogram = metrics.histogram("c", help: "C.", bounds: [1])
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<10 {
        group.addTask {
          for _ in 0..<1_000 {
            counter.increment()
            gauge.add(0.5)
            histogram.observe(.milliseconds(500))
          }
        }
      }
    }
    #expect(counter.value == 10_000)
    #expect(gauge.value == 5_000)
    #expect(histogram.count == 10_000)
    #expect(histogram.sum == 5_000)
  }

  @Test func aCounterNeverFallsAndNaNIsNotCounted() {
    let metrics = Metrics()
    let counter = metrics.counter("a_total", help: "A.")
    counter.increment(by: -5)
    #expect(counter.value == 0)
    let histogram = metrics.histogram("c", help: "C.", bounds: [1])
    histogram.observe(.nan)
    histogram.observe(.infinity)
    #expect(histogram.count == 1)
    #expect(metrics.render().contains("c_sum +Inf\n"))
  }

  @Test func boundsAreSortedAndWithoutRepeats() {
    let metrics = Metrics()
    metrics.histogram("c", help: "C.", bounds: [5, 1, .infinity, 5, .nan]).observe(2)
    #expect(metrics.render().contains("c_bucket{le=\"1\"} 0\nc_bucket{le=\"5\"} 1\nc_bucket{le=\"+Inf\"} 1\n"))
  }

  @Test func whatIsKeptElsewhereIsReadWhenTheTextIsMade() {
    let metrics = Metrics()
    let clock = ManualClock(7)
    metrics.gauge("lag_records", help: "Lag.") { Double(clock.read()) }
    #expect(metrics.render().contains("\nlag_records 7\n"))
    clock.move(to: 9)
    #expect(metrics.render().contains("\nlag_records 9\n"))
    metrics.gauge("lag_records", help: "Lag.") { 1 }
    #expect(metrics.render().contains("\nlag_records 1\n"))
  }

  @Test func aReadingMayUseTheRegistryItself() {
    let metrics = Metrics()
    metrics.gauge("self_seconds", help: "S.") { [weak metrics] in Double(metrics?.faults.count ?? 0) }
    #expect(metrics.render().contains("self_seconds 0\n"))
  }

  @Test func labelValuesBeyondTheLimitAreCountedTogether() {
    let metrics = Metrics(seriesMax: 2)
    for topic in ["a", "b", "c", "d", "a"] { metrics.counter("a_total", help: "A.", labels: ["topic": topic]).increment() }
    let text = metrics.render()
    #expect(text.contains("a_total{topic=\"a\"} 2\na_total{topic=\"b\"} 1\na_total{topic=\"overflow\"} 2\n"))
    #expect(text.contains("\ntelemetry_series_overflow_total 2\n"))
  }

  @Test func aRemovedSeriesIsNoLongerShownAndMakesRoom() {
    let metrics = Metrics(seriesMax: 1)
    metrics.gauge("lag_records", help: "Lag.", labels: ["partition": "1"]).set(5)
    metrics.remove("lag_records", labels: ["partition": "1"])
    #expect(metrics.render() == "")
    metrics.gauge("lag_records", help: "Lag.", labels: ["partition": "2"]).set(6)
    #expect(metrics.render().contains("lag_records{partition=\"2\"} 6\n"))
  }

  @Test func longLabelValuesAreCutBetweenCharacters() {
    let metrics = Metrics()
    metrics.gauge("a", help: "A.", labels: ["x": String(repeating: "客", count: 100)]).set(1)
    #expect(metrics.render().contains("a{x=\"\(String(repeating: "客", count: 42))\"} 1\n"))
  }

  @Test func mistakesAreNamedAndDoNotSpoilTheText() {
    let metrics = Metrics()
    _ = metrics.counter("reads", help: "R.")
    _ = metrics.gauge("reads_total", help: "R.")
    _ = metrics.gauge("no_help", help: "")
    _ = metrics.gauge("Bad-name", help: "B.")
    _ = metrics.gauge("wait_milliseconds", help: "W.")
    _ = metrics.gauge("a_count", help: "A.")
    _ = metrics.histogram("h", help: "H.", labels: ["le": "1"])
    #expect(metrics.faults.count == 7)
    #expect(metrics.render() == "")
    _ = metrics.gauge("fine", help: "F.", labels: ["x": "1"])
    _ = metrics.histogram("fine", help: "F.", labels: ["x": "1"])
    _ = metrics.gauge("fine", help: "F.", labels: ["y": "1"])
    #expect(metrics.faults.count == 9)
    #expect(metrics.render() == "# HELP fine F.\n# TYPE fine gauge\nfine{x=\"1\"} 0\n")
  }

  @Test func theProcessIsMeasured() throws {
    let metrics = Metrics()
    metrics.addProcessMetrics()
    #expect(metrics.faults == [])
    let text = metrics.render()
    func value(_ name: String) -> Double? {
      text.split(separator: "\n").first { $0.hasPrefix(name + " ") }.flatMap { Double($0.dropFirst(name.count + 1)) }
    }
    #expect(try #require(value("process_resident_memory_bytes")) > 1_000_000)
    #expect(try #require(value("process_cpu_seconds_total")) > 0)
    #expect(try #require(value("process_open_fds")) >= 3)
    #expect(try #require(value("process_max_fds")) >= 3)
    #expect(try #require(value("process_threads")) >= 1)
    let started = try #require(value("process_start_time_seconds"))
    let now = Double(SystemTime.unixMicroseconds()) / 1e6
    #expect(started > now - 3_600 && started <= now + 1)
  }

  @Test(.enabled(if: Shell.exists("promtool"), "promtool is not installed"))
  func prometheusOwnCheckerFindsNothing() async {
    let metrics = Metrics(seriesMax: 1)
    metrics.addProcessMetrics()
    metrics.counter("ingest_records_total", help: "Records \"read\"\nso far.", labels: ["topic": "a\"\\\n客"]).increment()
    metrics.counter("ingest_records_total", help: "Records.", labels: ["topic": "b"]).increment()
    metrics.histogram("ingest_batch_seconds", help: "Time for a batch.", labels: ["topic": "t"]).observe(0.3)
    metrics.gauge("ingest_odd_ratio", help: "Not a number.") { .nan }
    metrics.gauge("ingest_low_ratio", help: "Far below.") { -.infinity }
    #expect(metrics.faults == [])
    #expect(await Shell.run("promtool check metrics", input: metrics.render()) == "0\n")
  }
}
