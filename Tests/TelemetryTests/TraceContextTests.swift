// The traceparent header.
import Telemetry
import Testing

@Suite struct TraceContextTests {
  /// The example of the W3C recommendation.
  static let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  @Test func theStandardsExampleIsReadAndWrittenBack() throws {
    let trace = try #require(TraceContext(traceparent: Self.example))
    #expect(trace.traceID == "0af7651916cd43dd8448eb211c80319c")
    #expect(trace.spanIDText == "b7ad6b7169203331")
    #expect(trace.isSampled)
    #expect(trace.traceparent == Self.example)
    #expect(TraceContext(bytes: Array(Self.example.utf8)) == trace)
  }

  @Test(arguments: [
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", false), ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", true),
    ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
    ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", true),
  ])
  func flagsAndLaterVersionsAreUnderstood(text: String, isSampled: Bool) {
    #expect(TraceContext(traceparent: text)?.isSampled == isSampled)
  }

  @Test(arguments: [
    "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
    "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more", "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01", " 0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-" + String(repeating: "x", count: 600),
  ])
  func whatTheStandardForbidsIsRefused(text: String) { #expect(TraceContext(traceparent: text) == nil) }

  @Test func idsComeFromTheGenerator() {
    var one = SplitMix(state: 1)
    var other = SplitMix(state: 1)
    let trace = TraceContext(using: &one)
    #expect(trace == TraceContext(using: &other))
    let next = trace.next(using: &one)
    #expect(next.traceID == trace.traceID)
    #expect(next.spanID != trace.spanID)
    #expect(TraceContext(traceparent: next.traceparent) == next)
  }

  @Test func leadingZerosAreKept() {
    let trace = TraceContext(traceIDHigh: 0, traceIDLow: 1, spanID: 2, isSampled: false)
    #expect(trace?.traceparent == "00-00000000000000000000000000000001-0000000000000002-00")
    #expect(TraceContext(traceIDHigh: 0, traceIDLow: 0, spanID: 2, isSampled: true) == nil)
    #expect(TraceContext(traceIDHigh: 1, traceIDLow: 0, spanID: 0, isSampled: true) == nil)
  }
}
