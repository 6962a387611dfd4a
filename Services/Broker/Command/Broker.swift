// The built-in broker as a process, for trying out and for tests.
import Glibc
import Kafka
import Lifecycle

enum BrokerProgram {
  static func run() {
    let arguments: BrokerArguments
    do throws(BrokerArguments.Refusal) {
      arguments = try BrokerArguments(CommandLine.arguments.dropFirst())
    } catch {
      end(error.text, status: 2)
    }
    if arguments.wantsHelp {
      print(BrokerArguments.help)
      return
    }
    // Before any other thread exists, so that the signals wait for `sigwait` below.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
    do {
      let broker = try BuiltInBroker(brokers: arguments.brokers)
      for topic in arguments.topics { try broker.createTopic(topic.name, partitions: topic.partitions) }
      let line = "{\"brokers\":\"\(broker.address)\",\"pid\":\(getpid())}"
      if let path = arguments.readyFile { try ReadyFile.write(line, to: path) }
      say(line)
      _ = try OwnedThread.start(name: "commands") { Commands.serve(broker, stopsAtEnd: arguments.stopsAtInputEnd) }
      var received: Int32 = 0
      sigwait(&signals, &received)
      broker.stop()
    } catch {
      end("broker: \(error)", status: 1)
    }
  }

  /// One line for whoever started this; at once, since they wait for it.
  static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
  }

  private static func end(_ text: String, status: Int32) -> Never {
    let bytes = Array((text + "\n").utf8)
    _ = write(2, bytes, bytes.count)
    exit(status)
  }
}
