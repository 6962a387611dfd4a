// `clientele report unification` and `clientele report ledger`.
import ClienteleCore
import CommandLine
import Domain
import HTTP
import Text

enum FinanceCommands {
  static let commands = [unification, ledger]

  // MARK: - Unification

  private static let unification = Command(
    name: "unification", help: HelpText("what putting identifiers together did: records in, customers out", zh: "统一客户效果：记录、合并与人均消费"),
    discussion: HelpText(
      "Before: as if every identifier that records came in with were a customer of its own. After: the customers that they are.",
      zh: "合并前按每条记录的首要标识计；合并后按统一客户计。"),
    options: [
      .value("source", placeholder: "NAME", help: HelpText("only records of this source", zh: "仅此来源")),
      .value("from", placeholder: "DAY", help: HelpText("only what happened from this day on", zh: "起始日期")),
      .value("to", placeholder: "DAY", help: HelpText("only what happened up to and with this day", zh: "截止日期")), Operator.json, Operator.folder,
    ]
  ) { arguments in
    let path = ServiceClient.path("/v1/unification", ["source", "from", "to"].map { ($0, arguments.optionalString($0)) })
    let report = try await Operator.withServices(arguments) { try await $0.call("profile", .get, path) }
    if arguments.flag("json") {
      arguments.console.print(report.encodedText)
      return .ok
    }
    func cell(_ key: String) -> String { report[key]?.stringValue ?? report[key]?.int64Value.map { String($0) } ?? "-" }
    let (before, after, currency) = (cell("average_spend_before"), cell("average_spend_after"), cell("currency"))
    arguments.console.print(
      Operator.say(
        arguments,
        "\(cell("records")) records came in under \(cell("identities")) identifiers of \(cell("customers")) customers; "
          + "share merged \(cell("merged_share"))",
        "\(cell("records")) 条记录，\(cell("identities")) 个标识，\(cell("customers")) 个客户；合并比例 \(cell("merged_share"))"))
    arguments.console.print(
      Operator.say(arguments, "average spend \(before) before, \(after) after, \(currency)", "人均消费：合并前 \(before)，合并后 \(after)（\(currency)）"))
    return .ok
  }

  // MARK: - Ledger

  private static let ledger = Command(
    name: "ledger", help: HelpText("compare a ledger of finance with the suite, customer by customer", zh: "与财务台账逐客户核对"),
    discussion: HelpText(
      "The file is CSV with the columns customer (member id or customer id), period (2025-03 or 2025) and amount in the base currency. "
        + "Every customer whose spend differs is listed with both figures and the orders behind ours, also those the file does not have. "
        + "Ends with 0 when nothing differs, else with 1.",
      zh: "CSV 文件需有 customer（会员号或客户编号）、period（2025-03 或 2025）、amount 三列，金额为基准币种。逐一列出金额不一致的客户、双方数字及我方订单（含台账缺失者）。一致时退出码为 0，否则为 1。"),
    options: [.flag("csv", help: HelpText("print CSV", zh: "以 CSV 输出")), Operator.json, Operator.folder],
    arguments: [Argument("file", help: HelpText("the ledger's CSV file", zh: "台账 CSV 文件"), completion: .files)], run: runLedger)

  @Sendable private static func runLedger(_ arguments: ParsedArguments) async throws -> ExitCode {
    let (isCSV, isJSON) = (arguments.flag("csv"), arguments.flag("json"))
    try Operator.refuseBothForms(arguments)
    let file = try arguments.string("file")
    let bytes = try await InputFile.whole(file, bytesMax: LedgerFile.bytesMax)
    let differences = try await Operator.withServices(arguments) { services in
      let lines = try LedgerFile.read(bytes, name: file, currency: services.connection.currency)
      return try await LedgerCheck.differences(lines, services)
    }
    if isCSV {
      arguments.console.out.write(LedgerCheck.csv(differences))
    } else if isJSON {
      arguments.console.print(JSONValue.object([JSONMember("differences", .array(differences.map(\.json)))]).encodedText)
    } else if differences.isEmpty {
      arguments.console.print(Operator.say(arguments, "no differences", "没有差异"))
    } else {
      for difference in differences { arguments.console.out.write(difference.text(isChinese: Operator.isChinese(arguments))) }
    }
    return differences.isEmpty ? .ok : .failed
  }
}
