// `clientele doctor`.
import ClienteleCore
import CommandLine

enum DoctorCommand {
  static let command = Command(
    name: "doctor", help: HelpText("look at every part of the suite and say what to do", zh: "检查各部分并给出建议"), options: [Operator.folder]
  ) { arguments in
    let isChinese = Operator.isChinese(arguments)
    let parts = try await Operator.withServices(arguments) { await $0.health(isChinese: isChinese) }
    let console = arguments.console
    for part in parts {
      console.print("\(part.name): " + (part.problem ?? Operator.say(arguments, "well", "正常")))
      if let advice = part.advice { console.print("  -> \(advice)") }
    }
    return parts.allSatisfy { $0.problem == nil } ? .ok : .failed
  }
}
