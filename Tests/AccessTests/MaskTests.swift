// What an agent sees of contact data (S-02).
import Domain
import HTTP
import Testing
import Text

@testable import Access

@Suite("Masked contact data") struct MaskTests {
  @Test("Phone numbers and addresses in a text lose their middle; other numbers stand", arguments: [
    ("call 13812340000 please", "call 138****0000 please"), ("+86 138-1234-0000", "+86 138-****-0000"), ("(021) 5555 1234", "(021) **** 1234"),
    ("电话１３８１２３４００００，谢谢", "电话１３８****００００，谢谢"), ("write to anna.li@example.org.", "write to a***@example.org."),
    ("order 1234567 of 2026-11-30", "order 1234567 of 2026-11-30"), ("3 of 12 for 450.00", "3 of 12 for 450.00"), ("@home, a@, nobody", "@home, a@, nobody"),
    ("138—1234—0000", "138—****—0000"), ("138\u{A0}1234\u{3000}0000", "138\u{A0}****\u{3000}0000"), ("（021）5555－1234", "（021）****－1234"),
    ("写信到anna＠example.org", "写信到a***＠example.org"), ("an#na@example.org", "a***@example.org"),
    ("", ""), ("身份证 110101199003071234", "身份证 110***********1234"),
  ])
  func text(_ given: String, _ shown: String) { #expect(ContactMask.text(given) == shown) }

  @Test("One number and one address")
  func single() {
    #expect(ContactMask.phone("13812340000") == "138****0000")
    #expect(ContactMask.phone("+8613812340000") == "+86138****0000")
    #expect(ContactMask.phone("1234") == "****")
    #expect(ContactMask.email("anna@x.cn") == "a***@x.cn")
    #expect(ContactMask.email("nobody") == "******")
  }

  @Test("Whoever asks, contact data is masked in what people wrote; a look shows it and notes the fields, wherever in a value they are")
  func looks() throws {
    let value: JSONValue = [
      "reason": "calls from 13812340000", "text": "13812340000", "id": "13812340000", "list": [["comment": "a@x.cn"], ["comment": "none"]],
      "follow_ups": [["question": "q", "answer": "a@x.cn"]], "note": "nothing", "acceptance": .null,
    ]
    let masked: JSONValue = [
      "reason": "calls from 138****0000", "text": "138****0000", "id": "13812340000", "list": [["comment": "a***@x.cn"], ["comment": "none"]],
      "follow_ups": [["question": "q", "answer": "a***@x.cn"]], "note": "nothing", "acceptance": .null,
    ]
    var request = try Request(.get, "/", headers: ["Unmask-Reason": "the header alone does nothing"])
    #expect(request.masking(value, "ticket", of: nil) == masked, "access is off")
    for role in Role.allCases {
      request.principal = Principal(issuer: "i", subject: "s", roles: [role])
      #expect(request.masking(value, "ticket", of: nil) == masked, "\(role)")
    }
    let look = Look(reason: "back to 13812340000")
    request.look = look
    #expect(request.principal?.roles == [.service] && look.reason == "back to 138****0000")
    #expect(request.masking(value, "ticket", of: CustomerID(number: 7), in: "no record where the customer is known") == value)
    #expect(request.masking("13812340000", as: "138****0000", "identifier.phone", of: CustomerID(number: 7)) == "13812340000")
    #expect(request.masking("none", as: "none", "identifier.email", of: CustomerID(number: 7)) == "none")
    #expect(request.masking(["text": "plain"], "ticket", of: CustomerID(number: 8)) == ["text": "plain"])
    #expect(
      look.seen == [
        SeenData(
          customer: CustomerID(number: 7),
          fields: ["identifier.phone", "ticket.follow_ups.answer", "ticket.list.comment", "ticket.reason", "ticket.text"])
      ])
    // A guard that finds out who asks takes no look away.
    request.principal = nil
    #expect(request.look === look)
  }
}
