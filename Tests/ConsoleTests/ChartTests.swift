// Charts are drawn of whatever numbers services answer.
import HTML
import Testing

@testable import console

@Suite("Charts") struct ChartTests {
  private static let odd: [[Double]] = [
    [], [0], [0, 0], [1e308, -1e308], [.infinity, 1], [-.infinity, .infinity], [.nan], [.nan, 3], [1e15, 1e15],
    [.leastNonzeroMagnitude], [-1, 0, 1], [100, 100],
  ]

  @Test("A drawing ends, and has only numbers in it, of whatever is drawn", .timeLimit(.minutes(1)), arguments: odd)
  func ends(_ values: [Double]) {
    let labels = values.indices.map { String($0) }
    for zero in [true, false] {
      let lines = [Chart.Line(name: "a", values: values.map { $0 } + [nil]), Chart.Line(name: "b", values: [])]
      let page = Page(.english, title: "T") { Chart.lines("T", labels, lines, zero: zero) }.text
      #expect(page.count < 20_000 && !page.contains("nan") && !page.contains("inf"))
    }
    let page = Page(.english, title: "T") { Chart.bars("T", values.map { Chart.Bar(label: "a", value: $0, text: "x") }) }.text
    #expect(page.count < 20_000 && !page.contains("nan") && !page.contains("inf"))
  }

  @Test("Lines of the grid stand at round figures around what is drawn")
  func grid() {
    let page = Page(.english, title: "T") { Chart.lines("T", ["1", "2"], [Chart.Line(name: "a", values: [3, 17])]) }.text
    for figure in [">0<", ">5<", ">10<", ">15<", ">20<"] { #expect(page.contains(figure), "\(figure)") }
  }
}
