// `clientele report quality` and `clientele source`, against services that answer what a test wants.
import ClienteleCore
import CommandLine
import HTTP
import Testing
import Text

struct QualityReportTests {
  private static let rows = #"""
    [{"source":"shop","stream":"orders","day":"2026-07-01","records":1000,"accepted":990,"duplicates":6,"refused":4,"error_rate":0.0040,
      "is_above_ceiling":true,"lateness":{"records":990,"late":9,"late_share":0.0091,"latest_seconds":4000,"counts":[]},
      "fields":[{"field":"customer.phone","filled":495,"completeness":0.5000,"errors":4,"error_rate":0.0040,"is_above_ceiling":true}]}]
    """#
  private static let metrics = """
    # TYPE clientele_source_to_table_seconds histogram
    clientele_source_to_table_seconds_bucket{topic="a",le="1"} 90
    clientele_source_to_table_seconds_bucket{topic="a",le="300"} 95
    clientele_source_to_table_seconds_bucket{topic="a",le="+Inf"} 95
    clientele_source_to_table_seconds_bucket{le="1",topic="b"} 3
    clientele_source_to_table_seconds_bucket{le="300",topic="b"} 5
    clientele_source_to_table_seconds_bucket{le="+Inf",topic="b"} 5
    clientele_batch_records_bucket{topic="a",le="+Inf"} 7

    """

  private func call(_ words: [String]) async throws -> Called {
    try await FakeSuite.run({ router, _ in
      router.get("/v1/quality") { _ in .json(Array(Self.rows.utf8)) }
      router.get("/metrics") { _ in .text(Self.metrics) }
    }) { await $0.call(["report", "quality"] + words) }
  }

  @Test func aSourceAboveItsCeilingIsShownAndFails() async throws {
    let called = try await call(["--fields"])
    #expect(called.code == .failed)
    #expect(called.out.contains("2026-07-01  shop    orders     1000           6        4  0.40 %  0.91 %  4000 s  above 0.3 %\n"), "\(called.out)")
    #expect(called.out.contains("customer.phone     495       50.00 %       4  0.40 %  above 0.3 %\n"), "\(called.out)")
    #expect(called.out.contains("to profile: p50 <= 1.0 s, p95 <= 300.0 s; together: above 5 minutes\n"), "\(called.out)")
  }

  @Test func programsGetNumbersAndSpreadsheetsAFieldPerLine() async throws {
    let json = try JSONValue(parsing: try await call(["--json"]).out)
    #expect(json["quality"]?[0]?["fields"]?[0]?["filled"] == 495 && json["delay"]?["ingest"]?["batches"] == 100)
    let csv = try await call(["--csv"]).out
    #expect(csv.hasSuffix("2026-07-01,shop,orders,1000,990,6,4,9,4000,customer.phone,495,0.5000,4,0.0040,true\r\n"), "\(csv)")
  }

  @Test func delaysAreAddedUpOverTopicsAndNothingMeasuredIsNoVerdict() {
    let delay = QualityReport.delay(inMetrics: Self.metrics)
    #expect(delay == QualityReport.Delay(records: 100, median: 1, most: 300))
    #expect(QualityReport(rows: [], ingest: delay, profile: .init()).isDelayAboveCeiling == nil)
    #expect(QualityReport(rows: [], ingest: .init(records: 1, median: 1, most: 100), profile: .init(records: 1, median: 1, most: 200)).isAboveCeiling == false)
    #expect(QualityReport(rows: [], ingest: .init(records: 1, median: 1, most: nil), profile: .init(records: 1, median: 1, most: 1)).isAboveCeiling)
  }

  @Test func aSourceIsChangedByWhatIsGivenAndNothingElse() async throws {
    let (called, requests) = try await FakeSuite.run({ router, asked in
      router.put("/v1/sources/{name}") { request in
        asked.add(String(decoding: request.body, as: UTF8.self))
        return .json(Array(#"{"name":"shop","owner":"Li","kind":"pos","state":"blocked","mapping":"m@2-a","mapping_version":2,"first_seen_at":"x"}"#.utf8))
      }
    }) { suite in
      let words = ["source", "set", "shop", "--state", "blocked", "--mapping", "none", "--folder", suite.folder.path]
      return (await Tool.call(words, language: .zh), suite.requests)
    }
    #expect(requests.contains(#"{"state":"blocked","mapping":null}"#))
    #expect(called.out.contains("状态      停用\n") && called.out.contains("默认映射  m@2-a，版本 2\n"), "\(called.out)")
    #expect(await Tool.call(["source", "set", "shop"]).code == .usage)
  }
}
