// Days, months, zones, money: known answers.
import Domain
import Testing

@Suite struct ValueTests {
  @Test(arguments: [("1970-01-01", 0), ("2000-02-29", 11_016), ("1998-07-01", 10_408), ("0001-01-01", -719_162), ("9999-12-31", 2_932_896)])
  func aDayHasTheNumberThatTheCalendarGivesIt(text: String, number: Int32) throws {
    let day = try #require(Day(text))
    #expect(day.number == number)
    #expect(day.description == text)
  }

  @Test(arguments: ["1998-02-29", "1998-13-01", "1998-00-10", "98-01-01", "1998-1-1", "1998-07-01 ", "", "1998/07/01", "１998-07-01"])
  func whatIsNoDayIsRefused(text: String) { #expect(Day(text) == nil) }

  @Test func everyDayOfFourCenturiesComesBackFromItsDate() {
    for number in stride(from: Int32(-150_000), through: 150_000, by: 1) {
      let (year, month, day) = Day(number: number).civil
      #expect(Day(year: year, month: month, day: day)?.number == number)
      if Day(year: year, month: month, day: day)?.number != number { return }
    }
  }

  @Test func aMonthBackFromADayItDoesNotHaveIsItsLastDay() throws {
    #expect(try #require(Day("1998-03-31")).adding(months: -1).description == "1998-02-28")
    #expect(try #require(Day("1996-02-29")).adding(months: -12).description == "1995-02-28")
    #expect(try #require(Day("1998-01-15")).adding(months: -13).description == "1996-12-15")
    #expect(try #require(Day("1998-07-01")).month.description == "1998-07")
  }

  private let zone = BusinessZone(
    name: "Test/Half", firstOffsetSeconds: 28_800,
    periods: [.init(startsAt: 1_000_000, offsetSeconds: 32_400), .init(startsAt: 2_000_000, offsetSeconds: 28_800)])

  @Test func theDayOfAnInstantIsTheOneInTheBusinessZone() {
    #expect(zone.day(of: Instant(seconds: 57_599)).number == 0)
    #expect(zone.day(of: Instant(seconds: 57_600)).number == 1)
    #expect(zone.day(of: Instant(microseconds: -1)).number == 0)
    #expect(BusinessZone.utc.day(of: Instant(microseconds: -1)).number == -1)
  }

  @Test func aClockTimeThatIsSkippedIsTheJumpAndOneShownTwiceIsTheFirst() {
    // At 1,000,000 the clocks go from 8 to 9 hours ahead: the hour from 1,028,800 on is skipped.
    #expect(zone.instant(localSeconds: 1_028_799).microseconds == 999_999_000_000)
    #expect(zone.instant(localSeconds: 1_032_400).microseconds == 1_000_000_000_000)
    for skipped in [1_028_800, 1_030_600, 1_032_399] as [Int64] { #expect(zone.instant(localSeconds: skipped).microseconds == 1_000_000_000_000) }
    // At 2,000,000 they go back: 2,030,000 is shown twice.
    #expect(zone.instant(localSeconds: 2_030_000).microseconds == 1_997_600_000_000)
    #expect(zone.startOfDay(Day(number: 5)).microseconds == (5 * 86_400 - 28_800) * 1_000_000)
  }

  @Test func currenciesHaveTheMinorUnitsOfISO4217() {
    #expect(Currency("CNY")?.minorDigits == 2)
    #expect(Currency("JPY")?.minorDigits == 0)
    #expect(Currency("KWD")?.minorDigits == 3)
    #expect(Currency("cny") == nil)
    #expect(Currency("XXQ") == nil)
    #expect(Currency("CNY")?.description == "CNY")
    #expect(Currency.cny == Currency("CNY"))
  }

  @Test func instantsStayWithinTheirRange() {
    #expect(Instant(microseconds: .max - 1).adding(seconds: 5).microseconds == .max)
    #expect(Instant(seconds: 10).adding(seconds: -3) == Instant(seconds: 7))
  }

  @Test func customerNumbersComeBackFromTheirText() {
    let id = CustomerID(number: 0x22FC_906E_3589_744A)
    #expect(id.description == "22fc906e3589744a")
    #expect(CustomerID("22fc906e3589744a") == id)
    #expect(CustomerID("0000000000000000") == nil)
    #expect(CustomerID("ffffffffffffffff") == nil)
    #expect(CustomerID("22fc906e3589744") == nil)
  }
}
