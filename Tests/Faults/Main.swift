// The executable `faults`.
import FaultHarness
import Glibc

@main
enum Main {
  static func main() async { exit(await FaultsProgram.main(CommandLine.arguments.dropFirst())) }
}
