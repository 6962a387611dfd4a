// `profile.merges.v1`: two customers became one (P-02).
public import Domain
public import Text

public struct MergeMessage: Hashable, Sendable {
  public var survivor: CustomerID
  public var absorbed: CustomerID
  /// The id of the event that named both.
  public var evidence: String
  public var at: Instant

  public init(survivor: CustomerID, absorbed: CustomerID, evidence: String, at: Instant) {
    self.survivor = survivor
    self.absorbed = absorbed
    self.evidence = evidence
    self.at = at
  }

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("survivor")
    writer.text(survivor.description)
    writer.key("absorbed")
    writer.text(absorbed.description)
    writer.key("evidence")
    writer.text(evidence)
    writer.key("at")
    writer.text(RFC3339.text(at.microseconds))
    writer.endObject()
  }

  public init(reading reader: inout JSONReader) throws(JSONFault) {
    var survivor: CustomerID?, absorbed: CustomerID?, evidence = "", at: Instant?
    var seen: UInt64 = 0
    try reader.beginObject("$")
    while let key = try reader.nextKey() {
      if key.is("survivor") {
        try reader.once(&seen, 0, "survivor")
        survivor = try readCustomerID(&reader, "survivor")
      } else if key.is("absorbed") {
        try reader.once(&seen, 1, "absorbed")
        absorbed = try readCustomerID(&reader, "absorbed")
      } else if key.is("evidence") {
        try reader.once(&seen, 2, "evidence")
        evidence = try reader.text("evidence", bytesMax: ContractLimits.idBytesMax).string
      } else if key.is("at") {
        try reader.once(&seen, 3, "at")
        at = try readInstant(&reader, "at")
      } else {
        try reader.skip()
      }
    }
    try reader.finish()
    try reader.require(seen, 2, "evidence")
    guard let survivor else { throw reader.fault(.missing, "survivor") }
    guard let absorbed else { throw reader.fault(.missing, "absorbed") }
    guard let at else { throw reader.fault(.missing, "at") }
    self.init(survivor: survivor, absorbed: absorbed, evidence: evidence, at: at)
  }
}
