// The few arguments of `broker`.

/// What the command line asks for.
struct BrokerArguments {
  struct Refusal: Error { let text: String }

  static let help = """
    usage: broker [--brokers N] [--topics NAME:PARTITIONS,...] [--ready-file PATH] [--stop-at-input-end]

    Runs a Kafka-compatible broker in memory, for trying out and for tests. It keeps at most 5 MiB or 100,000 batches
    in each partition, drops the oldest beyond that, and forgets everything when it ends.

      --brokers N            number of brokers, each on a free port of 127.0.0.1; 1 unless given
      --topics LIST          topics made at the start; others appear with 4 partitions when a client asks for them
      --ready-file PATH      write the line below to this file too, once the brokers listen
      --stop-at-input-end    end when standard input ends
      --help                 this text

    Prints one line of JSON, {"brokers":"HOST:PORT,...","pid":N}, then runs until SIGTERM or SIGINT. While it runs it reads
    commands from standard input, one on a line, and answers each with one line of JSON:

      topic NAME PARTITIONS  make a topic; one that exists is left as it is
      delay N MILLISECONDS   delay every answer of broker N, as one that hangs does; 0 ends it
    """

  var brokers = 1
  var topics: [(name: String, partitions: Int32)] = []
  var readyFile: String?
  var stopsAtInputEnd = false
  var wantsHelp = false

  init(_ arguments: some Sequence<String>) throws(Refusal) {
    var rest = Array(arguments)[...]
    while let word = rest.popFirst() {
      // Both `--name value` and `--name=value`.
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
      let name = parts[0]
      switch name {
      case "--help", "-h": self.wantsHelp = true
      case "--stop-at-input-end": self.stopsAtInputEnd = true
      case "--brokers", "--topics", "--ready-file":
        guard let value = parts.count > 1 ? parts[1] : rest.popFirst() else { throw Refusal(text: "broker: \(name) needs a value") }
        try self.set(name, value)
      default: throw Refusal(text: "broker: unknown argument \(word); see broker --help")
      }
    }
  }

  private mutating func set(_ name: String, _ value: String) throws(Refusal) {
    switch name {
    case "--brokers":
      guard let count = Int(value), count > 0 else { throw Refusal(text: "broker: --brokers \(value) is not a number from 1") }
      self.brokers = count
    case "--topics":
      for entry in value.split(separator: ",") {
        let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let topic = BrokerArguments.topic(parts[0], parts[1]) else {
          throw Refusal(text: "broker: --topics \(entry) is not NAME:PARTITIONS")
        }
        self.topics.append(topic)
      }
    default: self.readyFile = value
    }
  }

  /// A topic that Kafka would accept, with a number of partitions that fits a machine.
  static func topic(_ name: Substring, _ partitions: Substring) -> (name: String, partitions: Int32)? {
    let isLegal = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isLegal, (1...249).contains(name.utf8.count) else { return nil }
    guard let count = Int32(partitions), (1...partitionsMax).contains(count) else { return nil }
    return (String(name), count)
  }

  /// Partitions of one topic.
  static let partitionsMax: Int32 = 10_000
}
