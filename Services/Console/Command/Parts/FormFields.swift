// The fields of one form among several of a page: named by the form, with what was entered and what is wrong with it when it was refused.
import Domain
import HTML
import HTTP

struct FormFields {
  let visit: Visit
  /// In front of each name, so that no two forms of a page have a field, or a label, in common.
  let prefix: String
  /// nil: nothing was sent yet.
  var entered: QueryItems?
  var faults: [Problem.FieldFault] = []

  var isRefused: Bool { entered != nil }

  static func name(_ prefix: String, _ field: String) -> String { "\(prefix)_\(field)" }

  private func name(_ field: String) -> String { FormFields.name(prefix, field) }

  func value(_ field: String, _ usual: String = "") -> String { entered?[name(field)] ?? usual }

  func fault(_ field: String) -> String? { faults.first { $0.field == field }.map { FormFields.words($0, visit) } }

  /// What is wrong with a field, in words for people; the service's own where there are none.
  static func words(_ fault: Problem.FieldFault, _ visit: Visit) -> String {
    switch fault.rule {
    case "missing": visit.say("This is needed.", "此项必填。")
    case "length": visit.say(fault.detail, "内容过长。")
    case "enum", "type": visit.say("This is none of the choices.", "选项无效。")
    case "range": visit.say(fault.detail, "数值或日期超出范围。")
    case "self": visit.say(fault.detail, "不能与自身关联或合并。")
    case "both": visit.say("Give one of the two.", "两项只能填写其一。")
    case "unknown": visit.say(fault.detail, "未找到该项。")
    case "format": visit.say(fault.detail, "格式不正确。")
    default: fault.detail
    }
  }

  func field(_ label: String, _ field: String, _ more: [Attribute] = [], type: Attribute.Input = .text, usual: String = "") -> Element {
    Parts.field(label, name(field), value: value(field, usual), more, type: type, fault: fault(field))
  }

  func area(_ label: String, _ field: String, rows: Int = 4, _ more: [Attribute] = [], usual: String = "") -> Element {
    Parts.area(label, name(field), value: value(field, usual), rows: rows, more, fault: fault(field))
  }

  func choice(_ label: String, _ field: String, _ options: [(value: String, text: String)], _ more: [Attribute] = [], usual: String = "") -> Element {
    Parts.choice(label, name(field), options, chosen: value(field, usual), more, fault: fault(field))
  }

  /// One of a few, all of them to be seen.
  func radios(_ legend: String, _ field: String, _ options: [(value: String, text: String)]) -> Element {
    Element(.fieldset) {
      Element(.legend, legend)
      for option in options {
        Element(.label, [.class("check")]) {
          Element(
            .input,
            [.input(.radio), .label(.name, name(field)), .label(.value, option.value), .on(.required)]
              + Attribute.on(.checked, if: value(field) == option.value))
          " \(option.text)"
        }
      }
      if let fault = fault(field) { Element(.p, [.class("fault")], fault) }
    }
  }

  func button(_ text: String, _ field: String, _ value: String, _ more: [Attribute] = []) -> Element {
    Element(.button, [.label(.name, name(field)), .label(.value, value)] + more, text)
  }
}

/// Why something was not done, in words for people.
enum Refusals {
  /// The answer that a page with a refused form has.
  static func status(_ failure: PeerFailure) -> HTTPStatus {
    if case .refused(428, _, _, _) = failure { .preconditionFailed } else { failure.status }
  }

  /// - Parameters:
  ///   - titles: what the service's titles are in Chinese.
  ///   - fields: those of the form, which say themselves what is wrong with them.
  static func notice(_ failure: PeerFailure, _ visit: Visit, titles: [String: String], fields: [String] = []) -> Element {
    switch failure {
    case .refused(412, _, _, _), .refused(428, _, _, _):
      Notice.fault(
        visit.say(
          "Somebody changed this meanwhile. Below it stands as it is now, and what you entered is kept: look at it, then send it again.",
          "内容已被他人更改。下方为最新内容，您填写的内容已保留：请核对后重新提交。"))
    case .refused(_, let title, let detail, let faults) where faults.isEmpty:
      Element(.div, [.class("notice bad"), .label(.role, "alert")]) {
        if visit.language == .chinese, let words = titles[title] {
          Element(.p, words)
          if let detail { Element(.p, [.label(.lang, "en")], detail) }
        } else {
          Element(.p, detail ?? title)
        }
      }
    case .refused(_, _, _, let faults):
      Element(.div, [.class("notice bad"), .label(.role, "alert")]) {
        let (marked, others) = (faults.filter { fields.contains($0.field) }, faults.filter { !fields.contains($0.field) })
        if !marked.isEmpty { Element(.p, visit.say("This was not done yet: look at what is marked below.", "尚未完成，请检查下方标出的内容。")) }
        for fault in others { Element(.p, FormFields.words(fault, visit)) }
      }
    case .away: Notice.fault(visit.say("The service does not answer just now. Nothing was done; what you entered is kept.", "服务暂时没有响应，未做任何更改，您填写的内容已保留。"))
    }
  }
}
