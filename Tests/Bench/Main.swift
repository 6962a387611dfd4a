// The executable `bench`.
import BenchHarness
import Glibc

@main
enum Main {
  static func main() async { exit(await BenchProgram.main(CommandLine.arguments.dropFirst())) }
}
