// An order of one identifier as it lies in its message: numbers read, texts left where they are (`docs/performance.md`).
import Contracts
public import Domain
import Text

/// A text among the bytes of a batch.
public struct TextPlace: Sendable {
  public let start: UInt32
  public let count: UInt32

  public static let none = TextPlace(start: 0, count: 0)

  public func bytes(in batch: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let start = Int(self.start)
    guard count > 0, start + Int(count) <= batch.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(rebasing: batch[start..<start + Int(count)])
  }

  func isSame(as other: TextPlace, in batch: UnsafeRawBufferPointer) -> Bool { bytes(in: batch).elementsEqual(other.bytes(in: batch)) }

  public func text(in batch: UnsafeRawBufferPointer) -> String { String(decoding: bytes(in: batch), as: UTF8.self) }
}

/// Nothing in it is counted by reference, so that a batch of them is one block of memory.
public struct PlainOrder: Sendable {
  public let kind: OrderEvent.Kind
  public let home: IdentityKey
  public let identifierKind: IdentifierKind
  public let isStrong: Bool
  public let revision: Int64
  public let occurredAt: Instant
  /// nil as `Int64.min`.
  let paidMicroseconds: Int64
  public let money: Money
  public let baseMinorUnits: Int64
  public let source: TextPlace
  public let eventID: TextPlace
  /// Empty for a refund that belongs to no order.
  public let orderID: TextPlace
  public let reference: TextPlace
  public let channel: TextPlace
  public let identifier: TextPlace
  /// JSON as it came, checked.
  public let lines: TextPlace

  public var paidAt: Instant? { paidMicroseconds == .min ? nil : Instant(microseconds: paidMicroseconds) }

  /// The order as the long way takes it.
  public func arrival(in batch: UnsafeRawBufferPointer) -> Arrival {
    let identifier = Identifier(kind: identifierKind, value: self.identifier.text(in: batch), isVerified: isStrong)
    var reader = JSONReader(lines.bytes(in: batch))
    // They were checked when the message was read.
    let lines = self.lines.count == 0 ? [] : (try? OrderLine.read(&reader)) ?? []
    let event = OrderEvent(
      kind: kind, source: source.text(in: batch), eventID: eventID.text(in: batch), orderID: orderID.count == 0 ? nil : orderID.text(in: batch),
      revision: revision, reference: reference.text(in: batch), occurredAt: occurredAt, paidAt: paidAt, money: money, baseMinorUnits: baseMinorUnits,
      channel: channel.text(in: batch), identifiers: [identifier], lines: lines)
    return Arrival(
      event: .order(event), sighting: Sighting(named: [Sighting.Named(key: home, identifier: identifier)], at: occurredAt, eventID: event.eventID))
  }

  public var creditNote: TextPlace { orderID.count == 0 ? reference : .none }
}
