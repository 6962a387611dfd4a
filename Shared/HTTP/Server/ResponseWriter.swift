// Turns a response into libmicrohttpd's and queues it. On the server's thread only.

import CMicroHTTPD

enum ResponseWriter {
  /// What is asked of a stream's buffer at one time, bytes.
  private static let blockBytesMax = 16 << 10

  /// Longest headers of a response, bytes: what a connection's memory has room for after the longest request.
  static let headerBytesMax = 8 << 10

  /// Headers that are the server's to set.
  static let ownHeaders = ["Connection", "Content-Length", "Transfer-Encoding", "Date", "Keep-Alive", "Upgrade", "Trailer"]

  /// False when the library refuses; it then closes the connection.
  static func queue(_ reply: Reply, isHead: Bool, on connection: OpaquePointer) -> Bool {
    guard let response = make(reply, isHead: isHead) else { return false }
    // The library holds what it has queued; a stream's channel is released with the last holder.
    defer { MHD_destroy_response(response) }
    // The library does not take an empty value, which says no more than its absence.
    for field in reply.response.headers.fields where !field.value.isEmpty {
      guard MHD_add_response_header(response, field.name, field.value) == .YES else { return false }
    }
    if reply.closes { guard MHD_add_response_header(response, "Connection", "close") == .YES else { return false } }
    return MHD_queue_response(connection, UInt32(clamping: reply.response.status.rawValue), response) == .YES
  }

  private static func make(_ reply: Reply, isHead: Bool) -> OpaquePointer? {
    switch reply.response.body {
    case .bytes(let bytes):
      let bytes = reply.response.status.forbidsContent ? [] : bytes
      return bytes.withUnsafeBytes { buffer in
        MHD_create_response_from_buffer(buffer.count, UnsafeMutableRawPointer(mutating: buffer.baseAddress), .RESPMEM_MUST_COPY)
      }
    case .stream, .events:
      if isHead || reply.response.status.forbidsContent { return openEnded() }
      guard let channel = reply.channel else { return nil }
      // Retained for the library, which gives it back through `releaseChannel` exactly once; or here, when it takes nothing.
      let context = Unmanaged.passRetained(channel)
      guard let response = cmhd_stream(blockBytesMax, readChannel, context.toOpaque(), releaseChannel) else {
        context.release()
        return nil
      }
      return response
    }
  }

  /// For the answer to HEAD where GET would stream: the library would otherwise write the end of a chunked body that never began.
  private static func openEnded() -> OpaquePointer? {
    guard let response = cmhd_stream(blockBytesMax, readNothing, nil, nil) else { return nil }
    guard cmhd_leave_length_open(response) != 0 else {
      MHD_destroy_response(response)
      return nil
    }
    return response
  }
}

private func readChannel(
  _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int
) -> Int {
  guard let context, let buffer else { return cmhd_end_with_error }
  // Alive: retained in `make` until `releaseChannel`.
  let channel = Unmanaged<StreamChannel>.fromOpaque(context).takeUnretainedValue()
  return channel.read(UnsafeMutableRawBufferPointer(start: buffer, count: count))
}

private func releaseChannel(_ context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  // The reference that `make` retained.
  Unmanaged<StreamChannel>.fromOpaque(context).release()
}

private func readNothing(
  _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int
) -> Int { cmhd_end_of_stream }
