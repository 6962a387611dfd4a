// The first page: how things stand just now, for whoever looks, renewed while somebody watches.
import Access
import Domain
import HTML
import HTTP
import Text

struct HomePage: Sendable {
  let site: Site
  private let board: LiveBoard

  init(site: Site, board: LiveBoard = LiveBoard()) {
    self.site = site
    self.board = board
  }

  func add(to router: inout Router) {
    router.page("/", site, needs: nil) { await show($0) }
    router.page(LiveFigures.path, site, needs: nil) { try await LiveFigures(board: board).answer($0) }
  }

  private func show(_ visit: Visit) async -> Response {
    let figures = await HomeFigures.read(visit)
    let tables = (figures.tiers?.section.json).map { [HomeTiers.table($0, visit)] } ?? []
    let next = figures.tickets?.table(visit)
    if let file = visit.file(of: tables + (next.map { [$0] } ?? [])) { return file }
    return visit.page(visit.say("Home", "首页"), .home) {
      Element(.h1, visit.say("Home", "首页"))
      Element(.p, [.class("soft"), .label(.live, "as-of")], figures.asOf)
      Element(.div, [.class("alerts")]) {
        Element(.h2, visit.say("Alerts", "告警"))
        Element(.p, [.class(state(figures.alertState)), .label(.role, "status"), .label(.live, "alerts")], figures.alertText(visit))
      }
      Element(.div, [.class("groups")]) {
        for group in figures.groups {
          Element(.div) {
            Element(.h2, group.title)
            Element(.div, [.class("tiles")]) { for tile in group.tiles { HomePage.tile(tile) } }
          }
        }
      }
      if let next { next.element(visit, empty: "") }
      if let tiers = figures.tiers {
        Element(.h2, visit.say("Tiers", "客户等级"))
        tiers.section.shown(visit) { json in HomePage.tiers(json, tables, tiers.readAt, visit) }
      }
    }
  }

  private func state(_ state: HomeFigures.State) -> String { "alert \(state.rawValue)" }

  private static func tile(_ tile: HomeFigures.Tile) -> Element {
    Element(.div, [.class("tile")]) {
      Element(.p, [.class("name")]) { Parts.link(tile.name, tile.target) }
      Element(.p, [.class(tile.state == .plain ? "value" : "value \(tile.state.rawValue)"), .label(.live, tile.id)], tile.value)
      Element(.p, [.class("note"), .label(.live, "\(tile.id).note")], tile.note)
    }
  }

  @NodeBuilder private static func tiers(_ json: JSONValue, _ tables: [DataTable], _ readAt: Int64, _ visit: Visit) -> [Node] {
    let waiting = json.count("waiting")
    Element(.p, [.class("soft")]) {
      let (card, moment) = (visit.text(json["scorecard"]), visit.momentWithSeconds(readAt))
      visit.say("By scorecard \(card), read at \(moment).", "评分卡 \(card)，读取于 \(moment)。")
      if waiting > 0 { visit.say(" \(visit.number(waiting)) customers wait to be rated.", " \(visit.number(waiting)) 位客户待评级。") }
      if let target = visit.target("/reports/tiers") {
        " "
        Element(.a, [.href(target)], visit.say("What became of the tiers", "等级发展报表"))
      }
    }
    Element(.div, [.class("columns")]) {
      Element(.div) { for table in tables { table.element(visit, empty: visit.say("There are no tiers yet.", "暂无等级数据。")) } }
      Element(.div) {
        HomeTiers.chart(json, visit)
        Element(.p, [.class("soft")], visit.say("The chart shows how it was when this page was loaded.", "图表为页面加载时的数据。"))
      }
    }
  }
}
