// What the server says beside its answers goes to the log instead of standard error.
import CPostgres
import Telemetry

/// Receives the notices of one connection on the thread that uses it.
final class NoticeSink {
  let logger: Logger

  init(_ logger: Logger) { self.logger = logger }

  /// The sink must outlive the connection: the wire owns both and frees the connection first.
  func attach(to connection: OpaquePointer) {
    PQsetNoticeReceiver(connection, receiveNotice, Unmanaged.passUnretained(self).toOpaque())
  }

  fileprivate func receive(_ result: OpaquePointer) {
    let sqlState = ResultField.text(result, cpg_diag_sqlstate) ?? ""
    let fields: LogFields = [
      .sqlState: .string(sqlState),
      .reason: .string(Redaction.message(ResultField.text(result, cpg_diag_message) ?? "", sqlState: sqlState)),
    ]
    if ResultField.text(result, cpg_diag_severity) == "WARNING" {
      logger.warning("PostgreSQL warns", fields)
    } else {
      logger.debug("PostgreSQL remarks", fields)
    }
  }
}

private func receiveNotice(_ context: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
  guard let context, let result else { return }
  // Unretained is right: the wire holds the sink for as long as its connection can call.
  Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue().receive(result)
}
