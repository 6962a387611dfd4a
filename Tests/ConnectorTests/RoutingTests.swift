// Which way a message goes, and what an attempt leads to (E-05).
import ConnectorCore
import Contracts
import Domain
import Testing

@testable import connector

@Suite("The way of a message") struct RoutingTests {
  private func known(
    _ identity: Int64, _ kind: AddressKind, isVerified: Bool = true, isShared: Bool = false, since: String = "2026-01-01", bounced: Bool = false
  ) -> KnownAddress {
    KnownAddress(
      identity: CustomerID(number: identity), customer: CustomerID(number: 1), kind: kind, value: "v\(identity)", isVerified: isVerified, isShared: isShared,
      firstSeenAt: moment(since), bouncedAt: bounced ? moment("2026-05-01") : nil)
  }
  private let both = OpenWays(hasMail: true, hasWebhook: true)
  private let mail = OpenWays(hasMail: true, hasWebhook: false)
  private let webhook = OpenWays(hasMail: false, hasWebhook: true)

  @Test("A message without a channel goes by mail where there is an address, else by the webhook")
  func anyChannel() {
    let (email, phone) = (known(1, .email), known(2, .phone))
    #expect(Route.choose(channel: "", addresses: [phone, email], ways: both) == .email(email))
    #expect(Route.choose(channel: "email", addresses: [phone, email], ways: both) == .email(email))
    #expect(Route.choose(channel: "", addresses: [phone], ways: both) == .webhook([phone]))
    #expect(Route.choose(channel: "", addresses: [email], ways: webhook) == .webhook([email]))
  }

  @Test("What is to go by another channel is the webhook's, with the best address of each kind; where there is none it goes by mail")
  func otherChannel() {
    let (email, old, new) = (known(1, .email), known(2, .phone, since: "2025-01-01"), known(3, .phone, since: "2026-01-01"))
    #expect(Route.choose(channel: "wechat", addresses: [old, email, new], ways: both) == .webhook([email, new]))
    #expect(Route.choose(channel: "wechat", addresses: [email, new], ways: mail) == .email(email))
    // Whoever is behind the webhook may know the customer by its number.
    #expect(Route.choose(channel: "sms", addresses: [], ways: webhook) == .webhook([]))
  }

  @Test("A verified address comes before others, then the newest; one that is shared or was refused is never used")
  func best() {
    let (unsure, older, newest) = (
      known(1, .email, isVerified: false, since: "2026-09-01"), known(2, .email, since: "2026-02-01"), known(3, .email, since: "2026-03-01")
    )
    #expect(Route.choose(channel: "", addresses: [unsure, older, newest], ways: mail) == .email(newest))
    #expect(Route.choose(channel: "", addresses: [unsure], ways: mail) == .email(unsure))
    let bad = [known(4, .email, isShared: true), known(5, .email, bounced: true)]
    #expect(Route.choose(channel: "", addresses: bad, ways: mail) == .none(.noAddress))
    #expect(Route.choose(channel: "", addresses: bad, ways: OpenWays(hasMail: false, hasWebhook: false)) == .none(.noWay))
  }

  private func verdict(_ result: AttemptResult, attempts: Int = 1, hasOther: Bool = false, until: Instant = moment("2099-01-01")) -> AttemptVerdict {
    AttemptVerdict.of(result, attempts: attempts, hasOther: hasOther, isOver: { $0 >= until }, at: moment("2026-11-01"))
  }

  @Test("What is refused for good is over, unless another address is left; what is not is tried again, later and later, until the link is over")
  func verdicts() {
    let now = moment("2026-11-01")
    #expect(verdict(.accepted) == .done)
    #expect(verdict(.refusedMessage, hasOther: true) == .over(.bounced, reason: "refused"))
    #expect(verdict(.refusedAddress) == .over(.bounced, reason: "refused"))
    #expect(verdict(.refusedAddress, hasOther: true) == .again(at: now))
    #expect((1...11).map { verdict(.later, attempts: $0) } == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360].map { .again(at: now.adding(seconds: $0 * 60)) })
    #expect(verdict(.later, until: now.adding(seconds: 60)) == .over(.undeliverable, reason: "expired"))
    #expect(verdict(.later, until: now.adding(seconds: 61)) == .again(at: now.adding(seconds: 60)))
    #expect(verdict(.later, attempts: AttemptVerdict.attemptsMax) == .over(.undeliverable, reason: "too_many_attempts"))
    #expect(verdict(.noRoute(.noAddress), attempts: 9) == .again(at: now.adding(seconds: 256 * 60)))
    #expect(verdict(.noRoute(.noAddress), attempts: 10) == .over(.undeliverable, reason: "no_address"))
    #expect(verdict(.noRoute(.noWay), attempts: 10) == .over(.undeliverable, reason: "no_way"))
  }
}
