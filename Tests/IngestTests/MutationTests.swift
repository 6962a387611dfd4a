// Broken records by the thousand: nothing crashes, and each is accepted or has a reason (I-05).
import Contracts
import Domain
import Handling
import Testing
import Text

@testable import IngestCore

@Suite struct MutationTests {
  private static let seeds = [
    ContractTests.whole,
    #"{"type":"refund","source":"s","order_id":"1","refund_id":"r","occurred_at":"2026-06-30T10:00:00Z","#
      + #""amount":"5.5","customer":{"phone":"13912345678"}}"#,
    #"{"specversion":"1.0","id":"ce-1","source":"shop","type":"x.payment","time":"2026-06-30T10:00:00Z","#
      + #""data":{"order_id":"1","payment_id":"p","amount":1}}"#,
    #"{"source":"crm","event_id":"c","occurred_at":"2026-06-30T10:00:00Z","customer":{"email":"a@b.cn","#
      + #""email_verified":true,"birthday":"1990-05-17"}}"#,
    InteractionTests.contact, InteractionTests.behaviour, InteractionTests.answer,
  ].map { Array($0.utf8) }
  private static let words = [
    "null", "true", "-1", "1e9", "99999999999999999999", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "{}", "[]", "[[[[",
    "\"2026-13-45T99:99:99Z\"", "\"０\"",
    "\"\u{202E}\"", "1.", "\"-0.00\"", "\"9223372036854775807\"",
  ].map { Array($0.utf8) }

  private static func mutated(_ chance: inout Chance) -> [UInt8] {
    var bytes = seeds.randomElement(using: &chance) ?? []
    for _ in 0..<Int.random(in: 1...4, using: &chance) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &chance)
      switch Int.random(in: 0..<6, using: &chance) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &chance)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &chance), at: place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...20, using: &chance)))
      case 4:
        bytes.replaceSubrange(
          place..<min(bytes.count, place + Int.random(in: 0...8, using: &chance)), with: words.randomElement(using: &chance) ?? [])
      default:
        // A whole value for another: the document stays JSON more often than not.
        if let colon = bytes[place...].firstIndex(of: 0x3A), let end = bytes[colon...].firstIndex(where: { $0 == 0x2C || $0 == 0x7D }) {
          bytes.replaceSubrange(colon + 1..<end, with: words.randomElement(using: &chance) ?? [])
        }
      }
    }
    return bytes
  }

  @Test("100,000 mutated records: each is accepted or refused with a reason, and what is accepted can be published and read back")
  func mutations() throws {
    let reading = RecordReading(rules: try Kit.rules())
    var chance = Chance(42)
    var accepted = 0
    for number in 0..<100_000 {
      let input = InputRecord(stream: InputStream.allCases[number % InputStream.allCases.count], value: MutationTests.mutated(&chance)) { _ in nil }
      switch reading.read(input, mapping: nil, now: Kit.now) {
      case .skipped: Issue.record("nothing skips records of the contract")
      case .refused(let faults):
        if faults.isEmpty || !faults.allSatisfy({ !$0.field.isEmpty && !$0.rule.isEmpty && !$0.detail.isEmpty }) {
          Issue.record("record \(number) has no whole reason")
        }
      case .fact(let fact):
        accepted += 1
        if !MutationTests.survives(fact) {
          Issue.record("record \(number) cannot be read back: \(String(decoding: input.value, as: UTF8.self))")
        }
      }
    }
    #expect((2_000..<98_000).contains(accepted), "\(accepted) accepted: both ways must be gone")
  }

  private static func survives(_ fact: Fact) -> Bool {
    switch fact {
    case .order(let order):
      var event = order.event
      if event.identifiers.isEmpty { event.identifiers = [Identifier(kind: .memberID, value: "M")] }
      let bytes = JSONWriter.bytes { event.write(to: &$0) }
      let back = bytes.withUnsafeBytes { raw -> OrderEvent? in
        var reader = JSONReader(raw)
        return try? OrderEvent(reading: &reader)
      }
      return back == event
    case .customer(let event):
      let bytes = JSONWriter.bytes { event.write(to: &$0) }
      let back = bytes.withUnsafeBytes { raw -> CustomerEvent? in
        var reader = JSONReader(raw)
        return try? CustomerEvent(reading: &reader)
      }
      return back == event
    case .interaction(let fact):
      let bytes = JSONWriter.bytes { fact.event.write(to: &$0) }
      let back = bytes.withUnsafeBytes { raw -> InteractionEvent? in
        var reader = JSONReader(raw)
        return switch fact.event {
        case .contact: (try? ContactEvent(reading: &reader)).map(InteractionEvent.contact)
        case .behaviour: (try? BehaviourEvent(reading: &reader)).map(InteractionEvent.behaviour)
        case .answer: (try? AnswerEvent(reading: &reader)).map(InteractionEvent.answer)
        }
      }
      return back == fact.event
    }
  }
}
