// The C functions libmicrohttpd calls, all on its one thread. Global functions, because a closure could inherit an actor's isolation.

import CMicroHTTPD
import Glibc

// How long each pointer lives: the server's own context from before the start until after the stop of the library; a connection's
// record from its opening to its closing; an exchange from `target` to `completed`. The library promises each pair.

private func core(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
  context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
}

func mhdConnection(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
  _ news: MHD_ConnectionNotificationCode
) {
  guard let core = core(context), let connection, let slot else { return }
  switch news {
  case .CONNECTION_NOTIFY_STARTED:
    let record = ConnectionRecord(socket: cmhd_socket(connection), peer: SocketAddress.text(cmhd_peer(connection)))
    slot.pointee = Unmanaged.passRetained(record).toOpaque()
    core.registry.opened(record)
  case .CONNECTION_NOTIFY_CLOSED:
    guard let pointer = slot.pointee else { return }
    slot.pointee = nil
    core.registry.closed(Unmanaged<ConnectionRecord>.fromOpaque(pointer).takeRetainedValue())
  }
}

/// The request line was read. The target is taken here because the library decodes what it gives later, and cuts it at a NUL.
func mhdTarget(
  _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _ connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
  guard let core = core(context), let connection, let target, let pointer = cmhd_socket_context(connection) else { return nil }
  let record = Unmanaged<ConnectionRecord>.fromOpaque(pointer).takeUnretainedValue()
  let exchange = Exchange(
    ConnectionHandle(raw: connection, suspensions: core.suspensions), core, record, target: String(cString: target))
  return Unmanaged.passRetained(exchange).toOpaque()
}

/// Called when the headers are there, for each piece of the body, when the request is complete, and after each resume.
func mhdAccess(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?, _ method: UnsafePointer<CChar>?,
  _ version: UnsafePointer<CChar>?, _ data: UnsafePointer<CChar>?, _ count: UnsafeMutablePointer<Int>?,
  _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
  guard let connection, let method, let version, let count, let pointer = slot?.pointee else { return .NO }
  let exchange = Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue()
  if exchange.isHead {
    let goesOn = exchange.headers(method: String(cString: method), version: String(cString: version), headers(of: connection))
    return goesOn ? .YES : .NO
  }
  if count.pointee > 0 {
    let goesOn = exchange.take(UnsafeRawBufferPointer(start: data, count: count.pointee))
    count.pointee = 0
    return goesOn ? .YES : .NO
  }
  return exchange.proceed() ? .YES : .NO
}

func mhdCompleted(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
  _ reason: MHD_RequestTerminationCode
) {
  guard let slot, let pointer = slot.pointee else { return }
  slot.pointee = nil
  Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue().completed()
}

func mhdLog(_ context: UnsafeMutableRawPointer?, _ line: UnsafePointer<CChar>?) {
  guard let core = core(context), let line else { return }
  core.libraryLine(String(cString: line))
}

// MARK: - Headers

private func headers(of connection: OpaquePointer) -> HTTPHeaders {
  var headers = HTTPHeaders()
  withUnsafeMutablePointer(to: &headers) { pointer in
    _ = MHD_get_connection_values_n(connection, .HEADER_KIND, collectHeader, pointer)
  }
  return headers
}

private func collectHeader(
  _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameCount: Int,
  _ value: UnsafePointer<CChar>?, _ valueCount: Int
) -> MHD_Result {
  guard let context, let name else { return .NO }
  // Bytes that are not UTF-8 become U+FFFD: visible, and never a delimiter.
  let nameBytes = UnsafeRawBufferPointer(start: name, count: nameCount)
  let valueBytes = UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueCount)
  context.assumingMemoryBound(to: HTTPHeaders.self).pointee
    .add(String(decoding: nameBytes, as: UTF8.self), String(decoding: valueBytes, as: UTF8.self))
  return .YES
}
