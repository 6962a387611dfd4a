// Notices partitions whose reader waits while nothing at all comes from their broker: the library retries that in silence.

/// What the library's statistics say of one broker.
struct BrokerFetching: Equatable {
  /// Whether the connection is up.
  let isUp: Bool
  /// Time since anything came from it, in milliseconds.
  let quietMilliseconds: Int64
  /// The partitions fetched from it.
  let partitions: [TopicPartition]
}

/// Finds stalled partitions. An idle partition is none: its broker answers empty fetches all the time. Pure.
struct FetchWatch {
  /// Time without any answer after which a waiting partition counts as stalled, and between two alarms, in milliseconds.
  let quietMillisecondsMax: Int64
  private(set) var stalled: Set<TopicPartition> = []
  private var alarmedAt: Int64?

  init(quietMillisecondsMax: Int64) { self.quietMillisecondsMax = quietMillisecondsMax }

  /// Takes what the statistics say and since when each partition's reader has found nothing, in nanoseconds of a clock that only grows.
  /// Returns the stalled partitions when it is time to say so.
  mutating func check(_ brokers: [BrokerFetching], hungrySince: [TopicPartition: Int64], at now: Int64) -> [TopicPartition]? {
    let limit = self.quietMillisecondsMax * 1_000_000
    let answering = brokers.filter { $0.isUp && $0.quietMilliseconds < self.quietMillisecondsMax }.flatMap(\.partitions)
    // A partition that no broker is named for has no leader, which is a stall too.
    let hungry = hungrySince.filter { now - $0.value >= limit }.map(\.key)
    self.stalled = Set(hungry).subtracting(answering)
    guard !self.stalled.isEmpty else {
      self.alarmedAt = nil
      return nil
    }
    if let alarmedAt, now - alarmedAt < limit { return nil }
    self.alarmedAt = now
    return self.stalled.sorted()
  }
}

extension BrokerFetching {
  /// Reads the library's statistics. Only what is needed is looked for; topic names have nothing that JSON escapes.
  static func all(in statistics: String) -> [BrokerFetching] {
    // Each broker's part begins with this name; what comes before the first belongs to none.
    Scan.parts(of: Array(statistics.utf8), after: "\"nodeid\":").map { part in
      BrokerFetching(
        isUp: Scan.text(in: part, after: "\"state\":") == "UP",
        quietMilliseconds: (Scan.number(in: part, after: "\"rxidle\":") ?? .max) / 1_000,
        partitions: Scan.parts(of: Array(part), after: "\"topic\":").compactMap { entry in
          // In a broker's list the number follows the name at once; in the list of topics, which comes last, it does not.
          guard let name = Scan.leadingText(of: entry) else { return nil }
          let rest = entry.dropFirst(Array(name.utf8).count + 3).drop { $0 == UInt8(ascii: " ") }
          let marker = "\"partition\":"
          guard rest.starts(with: marker.utf8), let number = Scan.number(in: rest, after: marker) else { return nil }
          return TopicPartition(topic: name, partition: Int32(clamping: number))
        })
    }
  }
}

/// Finds texts and numbers by what stands before them.
private enum Scan {
  static func parts(of bytes: [UInt8], after marker: String) -> [ArraySlice<UInt8>] {
    let wanted = Array(marker.utf8)
    var starts: [Int] = []
    var index = 0
    while index + wanted.count <= bytes.count {
      if bytes[index] == wanted[0], bytes[index..<(index + wanted.count)].elementsEqual(wanted) {
        index += wanted.count
        starts.append(index)
      } else {
        index += 1
      }
    }
    return starts.enumerated().map { number, start in
      bytes[start..<(number + 1 < starts.count ? starts[number + 1] - wanted.count : bytes.count)]
    }
  }

  static func number(in bytes: ArraySlice<UInt8>, after marker: String) -> Int64? {
    guard let part = parts(of: Array(bytes), after: marker).first else { return nil }
    let digits = part.drop { $0 == UInt8(ascii: " ") }.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return Int64(String(decoding: digits, as: UTF8.self))
  }

  static func text(in bytes: ArraySlice<UInt8>, after marker: String) -> String? {
    parts(of: Array(bytes), after: marker).first.flatMap { leadingText(of: $0) }
  }

  /// The text in quotation marks at the start.
  static func leadingText(of bytes: ArraySlice<UInt8>) -> String? {
    let quoted = bytes.drop { $0 == UInt8(ascii: " ") }
    guard quoted.first == UInt8(ascii: "\"") else { return nil }
    return String(decoding: quoted.dropFirst().prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
  }
}
