// The executable `broker`.

@main
enum Main {
  static func main() { BrokerProgram.run() }
}
