// Whose a request is counted as.
import HTTP
import Testing

@Suite("The address of who asks") struct ClientAddressTests {
  @Test("Whose a request is", arguments: [
    ("192.0.2.1:5000", [], 0, "192.0.2.1"), ("192.0.2.1:5000", ["203.0.113.9"], 0, "192.0.2.1"), ("10.0.0.1:1", ["203.0.113.9"], 1, "203.0.113.9"),
    ("10.0.0.1:1", ["6.6.6.6, 203.0.113.9", "10.0.0.2"], 2, "203.0.113.9"), ("10.0.0.1:1", ["203.0.113.9"], 2, "10.0.0.1"),
    ("[2001:db8:1:2:3::4]:5000", [], 0, "20:1:d:b8:0:1:0:2::/64"), ("10.0.0.1:1", ["2001:db8:1:2::9"], 1, "20:1:d:b8:0:1:0:2::/64"),
  ])
  func addresses(peer: String, forwarded: [String], hops: Int, address: String) {
    #expect(ClientAddress.of(peer: peer, forwarded: forwarded, hops: hops) == address)
  }
}
