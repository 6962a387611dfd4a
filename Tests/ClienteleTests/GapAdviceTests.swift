// Every way in which a partition can stand has its advice, in both languages.
import ClienteleCore
import HTTP
import Messaging
import Testing
import Text

@Suite struct GapAdviceTests {
  @Test func everyKindOfGapHasAdvice() {
    #expect(Gap.kinds == HaltKind.allCases.map(\.rawValue).sorted())
  }

  @Test(arguments: HaltKind.allCases) func adviceNamesTheCommandThatGoesOnInBothLanguages(kind: HaltKind) throws {
    let row = try JSONValue(parsing: #"{"id":7,"kind":"\#(kind.rawValue)","topic":"t","partition":1,"from":2,"to":3,"detail":"d","state":"open"}"#)
    let gap = Gap("profile", row)
    let texts = [gap.advice(isChinese: false), gap.advice(isChinese: true)]
    for text in texts { #expect(text.contains("`clientele gaps accept profile 7`")) }
    let isPlain = texts.map { text in text.utf8.allSatisfy { $0 < 128 } }
    #expect(isPlain == [true, false])
  }
}
