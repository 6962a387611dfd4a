// What stands around every page: a way past the menu, the menu of what somebody may see, language, colours, and the way out.
import Access
import Domain
import HTML
import HTTP
import Handling

struct Frame {
  let visit: Visit
  let section: SiteSection?

  /// In front of what can only be seen by those who may; nil: by everybody who is signed in.
  private static let places: [(section: SiteSection, path: String, needs: [Permission], name: LocalizedName)] = [
    (.home, "/", [], LocalizedName(en: "Home", zh: "首页")),
    (.customers, "/customers", [.customersRead], LocalizedName(en: "Customers", zh: "客户")),
    (.reviews, "/reviews", [.identitiesRead, .tiersDecide], LocalizedName(en: "Reviews", zh: "待审")),
    (.tickets, "/tickets", [.ticketsRead], LocalizedName(en: "Tickets", zh: "工单")),
    (.scorecards, "/scorecards", [.scorecardsRead], LocalizedName(en: "Scorecards", zh: "评分卡")),
    (.surveys, "/surveys", [.surveysRead], LocalizedName(en: "Surveys", zh: "调研")),
    (.quality, "/quality", [.sourcesRead, .quarantineRead], LocalizedName(en: "Data quality", zh: "数据质量")),
    (.reports, "/reports", [.figuresRead], LocalizedName(en: "Reports", zh: "报表")),
    (.audit, "/audit", [.auditRead], LocalizedName(en: "Audit", zh: "审计")),
  ]

  @NodeBuilder func around(_ content: [Node]) -> [Node] {
    Element(.a, [.class("skip")] + Parts.href(PageTarget("#content")), visit.say("Skip to the content", "跳到正文"))
    Element(.header, [.class("site")]) {
      Element(.a, [.class("brand")] + Parts.href(PageTarget("/")), "Clientele")
      if visit.caller != nil { menu }
      tools
    }
    Element(.main, [.id("content"), .label(.tabindex, "-1")] + clock) {
      done
      content
      Look.shown(visit)
    }
    Element(.footer, [.class("site")]) { Element(.p, visit.say("Business day \(visit.today)", "业务日 \(visit.today)")) }
  }

  /// By which the site's script counts deadlines: business time, whatever the browser's clock says.
  private var clock: [Attribute] {
    let now = Attribute.label(.now, String(floorDivide(visit.now.microseconds, 1_000_000)))
    return visit.site.clock is FixedClock ? [now, .label(.still, "true")] : [now]
  }

  private var menu: Element {
    Element(.nav, [.label(.spoken, visit.say("Main menu", "主菜单"))]) {
      Element(.ul) {
        for place in Frame.places where place.needs.isEmpty || place.needs.contains(where: { visit.may($0) }) {
          Element(.li) {
            Element(
              .a, Parts.href(PageTarget(place.path)) + (place.section == section ? [.label(.current, "page")] : []), visit.say(place.name))
          }
        }
      }
    }
  }

  /// What was done by the form before, as its address says with a word that the site knows.
  @NodeBuilder private var done: [Node] {
    if let word = visit.request.query[Done.parameter].flatMap(Done.init) { Notice.good(visit.say(word.name)) }
  }

  private var tools: Element {
    let here = visit.request.method == .get ? visit.request.target : "/"
    return Element(.div, [.class("tools")]) {
      Element(.form, [.method(.post)] + Parts.action(PageTarget(PreferencePages.path))) {
        Parts.token(visit)
        Parts.hidden(SignInPages.target, here)
        let other: (PageLanguage, String) = visit.language == .chinese ? (.english, "English") : (.chinese, "中文")
        Element(
          .button, [.class("quiet"), .label(.name, "language"), .label(.value, other.0.rawValue), .label(.lang, other.0.rawValue)], other.1)
        // As long as nobody has chosen, the browser's colours hold, and the style sheet shows the way to the others.
        for theme in [PageTheme.light, .dark] where theme != visit.theme {
          Element(
            .button, [.class("quiet to-\(theme.rawValue)"), .label(.name, "theme"), .label(.value, theme.rawValue)],
            theme == .light ? visit.say("Light", "浅色") : visit.say("Dark", "深色"))
        }
      }
      if let caller = visit.caller {
        Element(.form, [.method(.post)] + Parts.action(PageTarget("/sign-out"))) {
          Parts.token(visit)
          Element(.span, [.class("who")]) {
            caller.principal.name
            Element(.small, caller.principal.roles.map { visit.say($0.title) }.sorted().joined(separator: visit.say(", ", "、")))
          }
          Element(.button, [.class("quiet")], visit.say("Sign out", "退出"))
        }
      }
    }
  }
}

/// What a form did, told on the page that comes after it.
enum Done: String {
  case saved, decided, merged, undone, replayed, dismissed, activated, sent, assigned, replied, opened, asked

  static let parameter = "done"

  var name: LocalizedName {
    switch self {
    case .saved: LocalizedName(en: "Saved.", zh: "已保存。")
    case .decided: LocalizedName(en: "Decided.", zh: "已决定。")
    case .merged: LocalizedName(en: "Merged. The figures follow in a moment.", zh: "已合并，数据稍后更新。")
    case .undone: LocalizedName(en: "Undone. The figures follow in a moment.", zh: "已撤销，数据稍后更新。")
    case .replayed: LocalizedName(en: "Replayed.", zh: "已重放。")
    case .dismissed: LocalizedName(en: "Dismissed.", zh: "已忽略。")
    case .activated: LocalizedName(en: "Done. Customers are rated anew now.", zh: "已生效，正在重新评级。")
    case .sent: LocalizedName(en: "Sent.", zh: "已发送。")
    case .assigned: LocalizedName(en: "Assigned.", zh: "已分派。")
    case .replied: LocalizedName(en: "Noted.", zh: "已记录。")
    case .opened: LocalizedName(en: "Opened.", zh: "已创建。")
    case .asked: LocalizedName(en: "Asked for. Somebody who may give it decides.", zh: "已提交，待有权限者审批。")
    }
  }
}

extension Role {
  var title: LocalizedName {
    switch self {
    case .agent: LocalizedName(en: "agent", zh: "客服")
    case .lead: LocalizedName(en: "team lead", zh: "组长")
    case .manager: LocalizedName(en: "sales manager", zh: "销售经理")
    case .analyst: LocalizedName(en: "analyst", zh: "分析师")
    case .admin: LocalizedName(en: "administrator", zh: "管理员")
    case .auditor: LocalizedName(en: "auditor", zh: "审计员")
    case .service: LocalizedName(en: "program", zh: "程序")
    }
  }
}
