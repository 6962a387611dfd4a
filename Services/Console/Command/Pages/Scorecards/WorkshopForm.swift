// The fields of the workshop: weights and points as numbers, or the whole file as a text.
import Access
import Documents
import Domain
import HTML
import HTTP
import Text

struct WorkshopForm {
  let visit: Visit
  let work: WorkshopPage.Work

  /// Empty lines below the points of a curve.
  private static let spareRows = 2

  static func id(_ field: String) -> String { "field-\(field)" }

  /// How many fields a form of this draft would send.
  static func fields(of draft: CardDraft) -> Int {
    draft.dimensions.reduce(10) { sum, dimension in
      dimension.indicators.reduce(sum + 5) { $0 + 9 + 2 * ($1.rows.count + spareRows) }
    }
  }

  @NodeBuilder var content: [Node] {
    // The first button is what the return key presses.
    actions
    if work.asFile { file } else if let draft = work.draft { fields(draft) }
    actions
    if visit.may(.scorecardsDecide) { register }
  }

  private var actions: Element {
    Element(.div, [.class("actions")]) {
      button(.check, visit.say("Check", "检查"))
      button(.simulate, visit.say("Simulate: who would move", "试算：谁会变动"), "main")
      if work.asFile { button(.form, visit.say("Edit in a form", "以表单编辑")) } else { button(.file, visit.say("Edit as a file", "以文件编辑")) }
    }
  }

  private func button(_ wish: WorkshopPage.Wish, _ text: String, _ look: String? = nil) -> Element {
    Element(.button, [.label(.name, "do"), .label(.value, wish.rawValue)] + (look.map { [.class($0)] } ?? []), text)
  }

  private var file: Element {
    Parts.area(
      visit.say("The scorecard's file (YAML)", "评分卡文件（YAML）"), "yaml", value: work.yaml, rows: 36, [.class("code")],
      fault: work.told["reason"] == nil ? work.told.values.sorted().first : nil)
  }

  private var register: Element {
    Element(.fieldset) {
      Element(.legend, visit.say("Register it", "登记"))
      Element(.p, visit.say("It becomes a draft that rates nobody. The file and your reason are kept for ever.", "登记后为草稿，不对任何客户评级；文件与理由将永久保存。"))
      Parts.area(visit.say("Reason", "理由"), "reason", value: work.reason, rows: 2, [.label(.maxlength, "1000")], fault: work.told["reason"])
      Element(.div, [.class("actions")]) { button(.register, visit.say("Register as a draft", "登记为草稿")) }
    }
  }

  // MARK: - Fields

  @NodeBuilder private func fields(_ draft: CardDraft) -> [Node] {
    Element(.p, [.class("note")], visit.say(WorkshopText.comments) + visit.say(" ", "") + visit.say(WorkshopText.rows))
    Element(.div, [.class("filters")]) {
      entry(visit.say("Name", "名称"), "scorecard", "scorecard", draft.name)
      entry(visit.say("Version", "版本"), "version", "version", draft.version, isNumber: true)
      entry(visit.say("Author", "负责人"), "author", "author", draft.author)
    }
    fault("dimensions")
    for (place, dimension) in draft.dimensions.enumerated() { self.dimension(place, dimension, draft) }
    Element(.p) { check("more", "more", visit.say("Add a dimension with the next check", "检查时新增一个维度")) }
    Element(.p, [.class("note")], visit.say("Weights of all dimensions must sum to 100.", "各维度权重之和须为 100。") + " " + sum(draft.dimensions.map(\.weight)))
  }

  /// What the weights come to as they stand.
  private func sum(_ weights: [String]) -> String {
    var sum = Rational.zero
    for weight in weights {
      guard let number = Rational(text: weight), let next = try? sum + number else { return "" }
      sum = next
    }
    return visit.say("They sum to \(CardDraft.text(sum)).", "现为 \(CardDraft.text(sum))。")
  }

  private func dimension(_ place: Int, _ dimension: CardDraft.Dimension, _ draft: CardDraft) -> Element {
    func name(_ part: String) -> String { CardField.dimension(place, part) }
    return Element(.fieldset, [.class("dimension")]) {
      Element(.legend, visit.say("Dimension: ", "维度：") + (visit.language == .chinese ? dimension.zh : dimension.en))
      Element(.div, [.class("filters")]) {
        entry(visit.say("Name, English", "英文名称"), name("en"), name("en"), dimension.en)
        entry(visit.say("Name, Chinese", "中文名称"), name("zh"), name("zh"), dimension.zh)
        entry(visit.say("Weight %", "权重 %"), name("weight"), name("weight"), dimension.weight, isNumber: true)
        Element(.p, [.class("note")], visit.say("Its indicators: ", "其指标：") + sum(dimension.indicators.map(\.weight)))
      }
      fault(name("indicators"))
      for (number, indicator) in dimension.indicators.enumerated() { self.indicator(place, number, indicator) }
      Element(.div, [.class("filters")]) {
        if !draft.unused.isEmpty {
          Parts.choice(
            visit.say("Add an indicator with the next check", "检查时新增指标"), name("add"),
            [(value: "", text: visit.say("none", "不新增"))] + draft.unused.map { (value: $0.name, text: visit.say(CardWords.indicator($0.name))) }, chosen: "")
        }
        check(name("remove"), name("remove"), visit.say("Take this dimension away", "删除该维度"))
      }
    }
  }

  private func indicator(_ place: Int, _ number: Int, _ indicator: CardDraft.Indicator) -> Element {
    func name(_ part: String) -> String { CardField.indicator(place, number, part) }
    let shown = visit.language == .chinese ? indicator.zh : indicator.en
    return Element(.fieldset, [.class("indicator")]) {
      Element(.legend) {
        shown + " "
        Element(.small, IndicatorKey(name: indicator.key).map { visit.say(CardWords.meaning($0)) } ?? indicator.key)
      }
      Parts.hidden(name("key"), indicator.key)
      Element(.div, [.class("filters")]) {
        entry(visit.say("Name, English", "英文名称"), name("en"), name("en"), indicator.en)
        entry(visit.say("Name, Chinese", "中文名称"), name("zh"), name("zh"), indicator.zh)
        entry(visit.say("Weight %", "权重 %"), name("weight"), name("weight"), indicator.weight, isNumber: true)
        Parts.choice(
          visit.say("Without a value", "无数值时"), name("missing"),
          [
            (value: "leave_out", text: visit.say("leave it out", "不计入")), (value: "points", text: visit.say("count these points", "按得分计")),
            (value: "value", text: visit.say("count this value", "按数值计")),
          ], chosen: indicator.missing.rawValue)
        entry(visit.say("Points or value", "得分或数值"), name("missing"), name("stand_in"), indicator.standIn, isNumber: true)
      }
      Element(.div, [.class("columns")]) {
        curve(place, number, indicator, shown)
        if let curve = indicator.curve {
          CurveChart.element(visit.say("Points by \(shown) as entered", "\(shown)：按所填内容绘制的得分曲线"), [.init(curve: curve)])
        }
      }
      check(name("remove"), name("remove"), visit.say("Take this indicator away", "删除该指标"))
    }
  }

  private func curve(_ place: Int, _ number: Int, _ indicator: CardDraft.Indicator, _ shown: String) -> Element {
    func name(_ part: String) -> String { CardField.indicator(place, number, part) }
    let rows = indicator.rows + Array(repeating: CardDraft.Row(raw: "", points: ""), count: WorkshopForm.spareRows)
    let unit = IndicatorKey(name: indicator.key).map { visit.say(CardWords.unit($0.unit, visit.site.currency)) } ?? ""
    let isBands = indicator.shape == .bands
    return Element(.div) {
      Element(.div, [.class("filters")]) {
        Parts.choice(
          visit.say("Curve", "曲线"), name("shape"),
          [(value: "line", text: visit.say("straight lines between points", "点间直线")), (value: "bands", text: visit.say("steps (bands)", "分段（区间）"))],
          chosen: indicator.shape.rawValue)
        check(name("turns"), name("turns"), visit.say("may rise and fall", "允许升降"), isChecked: indicator.turns)
      }
      fault(name("curve"))
      Element(.table, [.class("rows")]) {
        Element(.caption, visit.say("Points of \(shown)", "\(shown)的得分"))
        Element(.thead) {
          Element(.tr) {
            Element(.th, [.label(.scope, "col")], (isBands ? visit.say("From value", "起始数值") : visit.say("Value", "数值")) + (unit.isEmpty ? "" : " (\(unit))"))
            Element(.th, [.label(.scope, "col")], visit.say("Points 0–100", "得分 0–100"))
          }
        }
        Element(.tbody) {
          for (row, step) in rows.enumerated() {
            Element(.tr) {
              cell(place, number, row, "raw", step.raw, visit.say("\(shown), value \(row + 1)", "\(shown)，第 \(row + 1) 行数值"))
              cell(place, number, row, "points", step.points, visit.say("\(shown), points \(row + 1)", "\(shown)，第 \(row + 1) 行得分"))
            }
          }
        }
      }
    }
  }

  private func cell(_ place: Int, _ number: Int, _ row: Int, _ part: String, _ value: String, _ spoken: String) -> Element {
    let name = CardField.row(place, number, row, part)
    let wrong = work.told[name]
    // The lowest band begins below everything; that is no number to enter.
    guard !(part == "raw" && value == CardDraft.lowest) else {
      return Element(.td) {
        visit.say("lowest", "最低")
        Parts.hidden(name, value)
      }
    }
    return Element(.td) {
      Element(
        .input,
        [.label(.name, name), .label(.value, value), .label(.spoken, spoken), .label(.inputmode, "decimal"), .label(.size, "9")]
          + (wrong == nil ? [] : [.id(WorkshopForm.id(name)), .label(.invalid, "true"), .label(.described, "fault-\(name)")]))
      if let wrong { Element(.p, [.class("fault"), .id("fault-\(name)")], wrong) }
    }
  }

  /// A line with its name, told a fault of the file under `key`.
  private func entry(_ label: String, _ key: String, _ name: String, _ value: String, isNumber: Bool = false) -> Element {
    Parts.field(
      label, name, value: value, isNumber ? [.label(.inputmode, "decimal"), .label(.size, "7")] : [], fault: work.told[key])
  }

  private func check(_ key: String, _ name: String, _ label: String, isChecked: Bool = false) -> Element {
    Element(.span, [.class("check")]) {
      Element(
        .input,
        [.input(.checkbox), .id(WorkshopForm.id(name)), .label(.name, name), .label(.value, "1")] + Attribute.on(.checked, if: isChecked))
      " "
      Element(.label, [.label(.for, WorkshopForm.id(name))], label)
    }
  }

  /// What is wrong with a group of fields.
  @NodeBuilder private func fault(_ key: String) -> [Node] {
    if let wrong = work.told[key] { Element(.p, [.class("fault"), .id(WorkshopForm.id(key))], wrong) }
  }

  /// Where in the form a fault is, in words.
  static func place(_ fault: DocumentFault, _ work: WorkshopPage.Work, _ visit: Visit) -> String {
    let parts = fault.path.split(whereSeparator: { ".[]".contains($0) }).map(String.init)
    guard parts.first == "dimensions", parts.count > 1, let place = Int(parts[1]), let dimension = work.draft?.dimensions[at: place] else {
      switch parts.first {
      case "dimensions": return visit.say("Dimensions", "维度")
      case "version": return visit.say("Version", "版本")
      case "author": return visit.say("Author", "负责人")
      case "scorecard": return visit.say("Name", "名称")
      default: return visit.say("Scorecard", "评分卡")
      }
    }
    let name = visit.language == .chinese ? dimension.zh : dimension.en
    guard parts.count > 3, parts[2] == "indicators", let number = Int(parts[3]), let indicator = dimension.indicators[at: number] else { return name }
    let shown = visit.language == .chinese ? indicator.zh : indicator.en
    guard parts.count > 6, parts[4] == "curve", let row = Int(parts[6]) else { return "\(name) › \(shown)" }
    return visit.say("\(name) › \(shown), line \(row + 1)", "\(name) › \(shown)，第 \(row + 1) 行")
  }
}

extension Array {
  /// nil where there is none.
  subscript(at place: Int) -> Element? { indices.contains(place) ? self[place] : nil }
}
