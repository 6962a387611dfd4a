// Imports of files as ingest lists them, for people (I-02).
public import CommandLine
public import Domain
public import Text

public enum ImportWords {
  private static let outcomes = [
    ("accepted", "Accepted", "已接收"), ("duplicate", "Known", "重复"), ("skipped", "Skipped", "跳过"), ("quarantined", "Refused", "拒收"),
  ]

  /// With the lines of the file by what became of them.
  public static func table(_ answer: JSONValue, _ zone: BusinessZone, isChinese: Bool) -> Table {
    let titles = isChinese ? ["导入编号", "末条记录"] : ["Import", "Last record"]
    var table = Table(titles.map { Table.Column($0) } + outcomes.map { Table.Column(isChinese ? "\($0.2)（行）" : "\($0.1), lines", .right) })
    for one in answer["imports"]?.arrayValue ?? [] {
      table.add(
        [DisplayWidth.plain(one["id"]?.stringValue ?? ""), TicketWords.moment(one["last_at"], zone)]
          + outcomes.map { one[$0.0]?["lines"]?.numberText ?? "-" })
    }
    return table
  }
}
