// Commands on standard input while the broker runs, and the file that says it is ready.
import Glibc
import Kafka

enum Commands {
  /// Answers one command after the other, until standard input ends.
  static func serve(_ broker: BuiltInBroker, stopsAtEnd: Bool) {
    while let line = readLine(strippingNewline: true) {
      let words = line.split(separator: " ")
      guard !words.isEmpty else { continue }
      do throws(KafkaFailure) {
        BrokerProgram.say(try Commands.carryOut(words, broker))
      } catch {
        BrokerProgram.say("{\"error\":\"\(plain(error.text))\"}")
      }
    }
    if stopsAtEnd { kill(getpid(), SIGTERM) }
  }

  private static func carryOut(_ words: [Substring], _ broker: BuiltInBroker) throws(KafkaFailure) -> String {
    switch (words[0], words.count) {
    case ("topic", 3):
      guard let topic = BrokerArguments.topic(words[1], words[2]) else { break }
      do throws(KafkaFailure) {
        try broker.createTopic(topic.name, partitions: topic.partitions)
      } catch where error.name == "TOPIC_ALREADY_EXISTS" {
        return "{\"topic\":\"\(topic.name)\",\"existed\":true}"
      }
      return "{\"topic\":\"\(topic.name)\",\"existed\":false}"
    case ("delay", 3):
      guard let number = Int32(words[1]), let milliseconds = Int32(words[2]), milliseconds >= 0 else { break }
      try broker.setDelay(number, milliseconds: milliseconds)
      return "{\"broker\":\(number),\"delay\":\(milliseconds)}"
    default: break
    }
    return "{\"error\":\"not understood; see broker --help\"}"
  }

  /// Free of what JSON would have to escape.
  private static func plain(_ text: String) -> String {
    String(text.unicodeScalars.map { $0.value < 32 || $0 == "\"" || $0 == "\\" ? " " : Character($0) })
  }
}

enum ReadyFile {
  struct Refusal: Error, CustomStringConvertible { let description: String }

  /// Whole or not at all: a reader never sees half a line.
  static func write(_ line: String, to path: String) throws {
    let draft = path + ".new"
    guard let file = fopen(draft, "w") else { throw Refusal(description: "\(draft) cannot be written") }
    let written = fputs(line + "\n", file)
    guard fclose(file) == 0, written >= 0, rename(draft, path) == 0 else { throw Refusal(description: "\(path) cannot be written") }
  }
}
