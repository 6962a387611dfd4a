// Headers of one outgoing record, built directly in the library's memory: the relay makes a few hundred thousand a second.
import CRdKafka

/// A list of headers that is handed over with its record. Building one costs an allocation in the library for each header, none here.
public struct OutgoingHeaders: ~Copyable {
  private var list: OpaquePointer?

  /// - Parameter capacity: how many headers are expected.
  public init(capacity: Int) { self.list = capacity > 0 ? rd_kafka_headers_new(capacity) : nil }

  public init(_ headers: [KafkaHeader]) {
    self.init(capacity: headers.count)
    for header in headers {
      var name = header.name
      name.withUTF8 { name in
        if let value = header.value {
          value.withUnsafeBytes { self.add(name: UnsafeRawBufferPointer(name), value: $0) }
        } else {
          self.add(name: UnsafeRawBufferPointer(name), value: nil)
        }
      }
    }
  }

  /// Adds a header with a fixed name. Name and value are copied; nil is a null value.
  public mutating func add(_ name: StaticString, _ value: UnsafeRawBufferPointer?) {
    guard name.hasPointerRepresentation else { return }
    self.add(name: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value: value)
  }

  /// Adds a header. Name and value are copied; nil is a null value.
  public mutating func add(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
    if self.list == nil { self.list = rd_kafka_headers_new(8) }
    guard let list, let start = name.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
    rd_kafka_header_add(list, start, name.count, value.map { pointerEvenIfEmpty($0) }, value?.count ?? 0)
  }

  /// The library's list, which the caller now owns; nil when there are no headers.
  consuming func handedOver() -> OpaquePointer? {
    let list = self.list
    discard self
    return list
  }

  deinit { if let list { rd_kafka_headers_destroy(list) } }
}

/// A buffer's address, and some address for an empty one: the library takes a null address for a null value.
func pointerEvenIfEmpty(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer { bytes.baseAddress ?? crdkafka_empty() }
