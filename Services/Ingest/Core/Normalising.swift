// Single values to the form the suite keeps them in (I-04): addresses, words.
import Domain
import Text

enum Normalising {
  /// An e-mail address in lower case, or nil when it cannot be one. What is before the `@` is not judged: only its owner can.
  static func email(_ text: String) -> String? {
    let address = text.lowercased()
    let parts = address.utf8.split(separator: 0x40, omittingEmptySubsequences: false)
    guard parts.count == 2, (1...64).contains(parts[0].count), address.utf8.count <= Identifier.valueBytesMax,
      !address.unicodeScalars.contains(where: {
        $0.value <= 0x20 || $0.value == 0x7F || $0 == "," || $0 == ";" || $0 == "<" || $0 == ">" || $0 == "\""
      })
    else { return nil }
    let labels = parts[1].split(separator: 0x2E, omittingEmptySubsequences: false)
    guard labels.count >= 2 else { return nil }
    for label in labels {
      guard (1...63).contains(label.count), label.first != 0x2D, label.last != 0x2D,
        label.allSatisfy({ $0 >= 0x80 || $0 == 0x2D || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) })
      else { return nil }
    }
    return address
  }

  /// One of our words for a channel where we have one; else the source's own, in lower case with `_` for blanks.
  static func channel(_ text: String) -> String {
    let word = String(TextNormal.normal(text).lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
    return channels[word] ?? word
  }

  private static let channels = [
    "website": "web", "online": "web", "官网": "web", "网站": "web", "miniprogram": "mini_program", "小程序": "mini_program", "store": "shop",
    "pos": "shop", "门店": "shop", "线下": "shop", "phone": "hotline", "电话": "hotline", "客服": "hotline", "mobile": "app", "手机": "app", "微信": "wechat",
    "e_mail": "email", "mail": "email", "邮件": "email", "邮箱": "email", "短信": "sms", "社交": "social", "weibo": "social", "微博": "social",
  ]

  /// What a source's word for the state of an order means to us.
  enum OrderStatus {
    case placed, paid, cancelled, returned
  }

  static func status(_ text: String) -> OrderStatus? { statuses[TextNormal.normal(text).lowercased()] }

  private static let statuses: [String: OrderStatus] = [
    "placed": .placed, "created": .placed, "new": .placed, "pending": .placed, "open": .placed, "unpaid": .placed, "processing": .placed,
    "approved": .placed, "shipped": .placed, "delivered": .placed, "下单": .placed, "待付款": .placed,
    "paid": .paid, "completed": .paid, "complete": .paid, "closed": .paid, "已付款": .paid, "已完成": .paid,
    "cancelled": .cancelled, "canceled": .cancelled, "已取消": .cancelled,
    "refunded": .returned, "returned": .returned, "已退款": .returned,
  ]

  static func gender(_ text: String) -> String? { genders[TextNormal.normal(text).lowercased()] }

  private static let genders = [
    "male": "male", "m": "male", "1": "male", "男": "male", "female": "female", "f": "female", "2": "female", "女": "female",
    "other": "other", "unknown": "", "0": "", "未知": "",
  ]
}
