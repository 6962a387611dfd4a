// Known numbers, and that the library is asked seldom (I-04).
import Testing

@testable import Phones

@Suite struct PhoneTests {
  @Test(
    "a number in any usual writing becomes E.164",
    arguments: [
      ("13912345678", "+8613912345678"), ("139 1234-5678", "+8613912345678"), ("+86 139 1234 5678", "+8613912345678"), ("8613912345678", "+8613912345678"),
      ("0086-139-1234-5678", "+8613912345678"), ("１３９１２３４５６７８", "+8613912345678"), ("＋86（139）12345678", "+8613912345678"),
      ("19912345678", "+8619912345678"), ("010-62551234", "+861062551234"), ("+86 10 6255 1234", "+861062551234"), ("(0571) 8765 4321", "+8657187654321"),
      ("+1 (650) 253-0000", "+16502530000"), ("+44 (0)20 7031 3000", "+442070313000"), ("00442070313000", "+442070313000"), ("+49 30 123456", "+4930123456"),
      ("+852 2123 4567", "+85221234567"), ("400-810-6666", "+864008106666"),
    ]) func numbers(_ text: String, _ wanted: String) {
    #expect(PhoneNumbers().e164(text) == wanted)
  }

  @Test(
    "what is no number, or two, or has letters or an extension in it, is none",
    arguments: [
      "", "12345", "1391234567", "139123456789", "+86 139 1234 567", "1-800-FLOWERS", "13912345678 ext 12", "13912345678;5", "010-62551234/62551235",
      "+", "++8613912345678", "86+13912345678", "+1 139 1234 5678", "+999 12345678", "anonymous", "00000000000", String(repeating: "1", count: 65),
    ]) func others(_ text: String) {
    #expect(PhoneNumbers().e164(text) == nil)
  }

  @Test("numbers without a country code are those of the region") func regions() {
    let american = PhoneNumbers(region: "US")
    #expect(american.e164("(650) 253-0000") == "+16502530000")
    #expect(american.e164("13912345678") == nil)
    #expect(american.e164("+86 139 1234 5678") == "+8613912345678")
    #expect(american.e164("011 86 139 1234 5678") == "+8613912345678")
    #expect(PhoneNumbers().e164("(650) 253-0000") == nil)
    #expect(PhoneNumbers.knows(region: "CN") && PhoneNumbers.knows(region: "GB"))
    #expect(!PhoneNumbers.knows(region: "XX") && !PhoneNumbers.knows(region: "cn") && !PhoneNumbers.knows(region: ""))
  }

  @Test("the usual forms never reach the library, and no other number does twice, whether it is one or not") func calls() {
    let phones = PhoneNumbers()
    for number in 0..<1_000 { #expect(phones.e164("139\(10_000_000 + number)") != nil) }
    #expect(phones.libraryCalls == 0)
    for _ in 0..<50 {
      #expect(phones.e164("+1 650 253 0000") == "+16502530000")
      #expect(phones.e164("+1-650-253-0000") == "+16502530000")
      #expect(phones.e164("12345") == nil)
    }
    #expect(phones.libraryCalls == 2)
  }

  @Test("what is remembered has a bound; what was asked since the last turn stays") func bound() {
    var memo = Memo()
    memo["first"] = .some("+1")
    for number in 0..<Memo.numbersMax * 5 {
      memo["\(number)"] = .some(nil)
      #expect(memo["first"] == .some("+1"))
    }
    #expect(memo.count <= Memo.numbersMax * 2)
    #expect(memo["0"] == nil)
    #expect(memo["\(Memo.numbersMax * 5 - 1)"] == .some(nil))
  }

  @Test("many threads may ask at once") func threads() async {
    let phones = PhoneNumbers()
    await withTaskGroup(of: Bool.self) { group in
      for lane in 0..<4 {
        group.addTask {
          (0..<500).allSatisfy { number in phones.e164("+1 650 253 \(1_000 + (number + lane) % 300)") == "+1650253\(1_000 + (number + lane) % 300)" }
        }
      }
      for await right in group { #expect(right) }
    }
  }
}
