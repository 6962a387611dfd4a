// `clientele mapping`: whether a mapping can be used, before anything is imported by it. Needs no running suite.
import ClienteleCore
import CommandLine
import Documents
import Domain
import IngestCore
import Runtime

enum MappingCommand {
  static let command = Command(name: "mapping", help: HelpText("mappings of files and sources", zh: "字段映射"), subcommands: [check])

  private static let check = Command(
    name: "check", help: HelpText("say everything that is wrong with a mapping", zh: "检查映射文件"),
    arguments: [Argument("file", help: HelpText("the mapping's YAML file", zh: "映射 YAML 文件"), completion: .files)]
  ) { arguments in
    let path = try arguments.string("file")
    let console = arguments.console
    do {
      let mapping = try MappingDocument.load(path)
      guard let zone = TimeZones.zone("UTC") else { throw SuiteFailure("this machine knows no time zone UTC") }
      _ = try CompiledMapping(id: mapping.name, mapping, zone: zone) { TimeZones.zone($0) }
    } catch let faults as DocumentFaults {
      console.printError(faults.description)
      return .failed
    } catch let unusable as MappingUnusable {
      for problem in unusable.problems { console.printError("\(path): \(problem)") }
      return .failed
    }
    console.print("ok")
    return .ok
  }
}
