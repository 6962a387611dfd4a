// What survey pages say of themselves, in both languages.
import Domain

enum SurveyPageText {
  static let next = LocalizedName(en: "Next", zh: "下一步")
  static let send = LocalizedName(en: "Send", zh: "提交")
  static let changeScore = LocalizedName(en: "Change my score", zh: "修改评分")
  static let given = LocalizedName(en: "Your score:", zh: "您的评分：")
  static let kept = LocalizedName(
    en: "Your score is kept. Everything below may be left out.", zh: "评分已保存。以下问题均可不填。")
  static let yes = LocalizedName(en: "Yes", zh: "是")
  static let no = LocalizedName(en: "No", zh: "否")
  static let error = LocalizedName(en: "Error", zh: "错误")
  static let chooseScore = LocalizedName(en: "Please choose one of the scores.", zh: "请选择一个分数。")
  static let chooseOne = LocalizedName(en: "Please choose one of the answers.", zh: "请选择其中一个选项。")
  static let tooLong = LocalizedName(
    en: "Please write at most \(SurveyPages.textMax) characters.", zh: "请勿超过 \(SurveyPages.textMax) 个字符。")
  static let stop = LocalizedName(en: "I do not want to be asked again", zh: "不再接收问卷邀请")

  /// A page that says something and asks nothing.
  struct Notice {
    let title: LocalizedName
    let text: LocalizedName
  }

  static let noLink = Notice(
    title: LocalizedName(en: "This link leads nowhere", zh: "链接无效"),
    text: LocalizedName(
      en: "Please open the link as it stands in the message, whole and unchanged.", zh: "请使用邀请消息中的完整链接，不要修改。"))
  static let expired = Notice(
    title: LocalizedName(en: "This survey is over", zh: "问卷已截止"),
    text: LocalizedName(en: "The time for this survey is over. Thank you for your interest.", zh: "本次问卷已过有效期，感谢您的关注。"))
  static let used = Notice(
    title: LocalizedName(en: "This link was used", zh: "链接已使用"),
    text: LocalizedName(en: "The answer to this survey was given already. Thank you.", zh: "本问卷已经提交，感谢您的回答。"))
  static let flood = Notice(
    title: LocalizedName(en: "Too many requests", zh: "请求过于频繁"),
    text: LocalizedName(en: "Please try again in a minute.", zh: "请于一分钟后重试。"))
  static let later = Notice(
    title: LocalizedName(en: "This does not work just now", zh: "暂时无法显示"),
    text: LocalizedName(en: "Please try again in a few minutes. What you sent before is kept.", zh: "请稍后重试。此前提交的内容已保存。"))
  static let unreadable = Notice(
    title: LocalizedName(en: "This cannot be read", zh: "无法识别的请求"),
    text: LocalizedName(en: "Please open the link once more.", zh: "请重新打开链接。"))
  static let ask = Notice(
    title: LocalizedName(en: "No more surveys?", zh: "不再接收问卷？"),
    text: LocalizedName(en: "We ask you nothing more once you have pressed this button.", zh: "点击下方按钮后，我们将不再向您发送问卷邀请。"))
  static let stopped = Notice(
    title: LocalizedName(en: "You will not be asked again", zh: "已停止邀请"),
    text: LocalizedName(en: "You get no further surveys from us.", zh: "您将不再收到我们的问卷邀请。"))
}
