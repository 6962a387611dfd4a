// Instants, dates and patterns, checked against Python's datetime on tens of thousands of rows.
import Testing
import Text

struct TimeTests {
  @Test func instantsOfTheStandardsExamplesAreRead() throws {
    let cases: [(String, Int64)] = [
      ("1970-01-01T00:00:00Z", 0), ("1985-04-12T23:20:50.52Z", 482_196_050_520_000), ("1996-12-19T16:39:57-08:00", 851_042_397_000_000),
      ("1937-01-01T12:00:27.87+00:20", -1_041_337_172_130_000), ("1998-07-01T12:00:00.123456+08:00", 899_265_600_123_456),
      ("1998-07-01t04:00:00z", 899_265_600_000_000), ("1998-07-01T04:00:00-00:00", 899_265_600_000_000),
      ("0001-01-01T00:00:00Z", -62_135_596_800_000_000), ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
      ("2024-02-29T00:00:00.1234569Z", 1_709_164_800_123_456), ("1969-12-31T23:59:59.999999Z", -1),
    ]
    for (text, instant) in cases {
      let parsed = try RFC3339.parse(text)
      #expect(parsed == instant, "\(text)")
    }
  }

  @Test func whatIsNoInstantIsRefusedWithItsPlace() {
    let cases: [(String, TextRule, Int)] = [
      ("", .empty, 0), ("2024-01-01", .form, 10), ("2024-01-01T00:00:00", .form, 19), ("2024-01-01 00:00:00Z", .form, 10),
      ("2024-1-01T00:00:00Z", .form, 6), ("24-01-01T00:00:00Z", .form, 2), ("2024-02-30T00:00:00Z", .calendar, 0),
      ("2023-02-29T00:00:00Z", .calendar, 0), ("2024-13-01T00:00:00Z", .calendar, 0), ("2024-00-01T00:00:00Z", .calendar, 0),
      ("0000-01-01T00:00:00Z", .calendar, 0), ("2024-01-01T24:00:00Z", .calendar, 11), ("2024-01-01T00:60:00Z", .calendar, 11),
      ("2016-12-31T23:59:60Z", .leapSecond, 17), ("2016-12-31T23:59:61Z", .calendar, 17), ("2024-01-01T00:00:00.Z", .form, 20),
      ("2024-01-01T00:00:00+0800", .form, 22), ("2024-01-01T00:00:00+24:00", .calendar, 19), ("2024-01-01T00:00:00+08:60", .calendar, 19),
      ("2024-01-01T00:00:00Zx", .trailing, 20), ("0001-01-01T00:00:00+08:00", .range, 0), ("9999-12-31T23:59:59-00:01", .range, 0),
      ("2024-01-01T00:00:00." + String(repeating: "1", count: 60) + "Z", .form, 64), ("２024-01-01T00:00:00Z", .form, 0),
    ]
    for (text, rule, offset) in cases {
      let found = fault { () throws(TextFault) in try RFC3339.parse(text) }
      #expect(found == TextFault(rule, at: offset), "\(text)")
    }
  }

  @Test func instantsAreShownWithTheFewestDigitsThatLoseNothing() {
    #expect(RFC3339.text(0) == "1970-01-01T00:00:00Z")
    #expect(RFC3339.text(1) == "1970-01-01T00:00:00.000001Z")
    #expect(RFC3339.text(-1) == "1969-12-31T23:59:59.999999Z")
    #expect(RFC3339.text(120_000) == "1970-01-01T00:00:00.120Z")
    #expect(RFC3339.text(.min) == "0001-01-01T00:00:00Z")
    #expect(RFC3339.text(.max) == "9999-12-31T23:59:59.999999Z")
  }

  @Test func everyDayOfTenThousandYearsFollowsTheOneBefore() {
    var (year, month, day) = (1, 1, 1)
    var misses = 0
    for number in CivilCalendar.days {
      let date = CivilCalendar.date(ofDay: number)
      if date != (year, month, day) { misses += 1 }
      // Every tenth day is enough for the way back, which is slow in debug builds.
      if number % 10 == 0, CivilCalendar.day(year: year, month: month, day: day) != number { misses += 1 }
      day += 1
      if day > CivilCalendar.daysInMonth(year, month) { (month, day) = (month + 1, 1) }
      if month > 12 { (year, month) = (year + 1, 1) }
    }
    #expect(misses == 0)
    #expect(CivilCalendar.weekday(ofDay: 0) == 4 && CivilCalendar.weekday(ofDay: -1) == 3 && CivilCalendar.weekday(ofDay: 3) == 0)
  }

  @Test(.enabled(if: Python.isInstalled, Python.absent)) func pythonReadsAndShowsTheSameInstants() async throws {
    let script =
      Python.prelude + """
        from datetime import datetime, timezone, timedelta
        zero = datetime(1970, 1, 1, tzinfo=timezone.utc)
        for line in lines:
            try:
                instant = datetime.fromisoformat(line)
                if instant.tzinfo is None: raise ValueError()
                utc = instant.astimezone(timezone.utc)
                micros = (utc - zero) // timedelta(microseconds=1)
                digits = 'seconds' if utc.microsecond == 0 else 'milliseconds' if utc.microsecond % 1000 == 0 else 'microseconds'
                answer(f"{micros} {utc.replace(tzinfo=None).isoformat(timespec=digits)}Z")
            except (ValueError, OverflowError):
                answer('refused')
        """
    var random = SplitMix(5)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let rows = (0..<30_000).map { _ in
      let year = String(String(10_000 + random.below(10_000)).dropFirst())
      // Days and hours beyond the calendar now and then.
      let day = "\(two(random.below(13) + (random.below(50) == 0 ? 1 : 0)))-\(two(random.below(32)))"
      let clock = "\(two(random.below(25) % 24 + (random.below(50) == 0 ? 1 : 0))):\(two(random.below(60))):\(two(random.below(60)))"
      let digits = [0, 0, 1, 2, 3, 3, 6, 6, 7, 9][random.below(10)]
      let fraction = digits == 0 ? "" : "." + (0..<digits).map { _ in String(random.below(3) * 4) }.joined()
      let sign = ["+", "-"][random.below(2)]
      let zone = random.below(3) == 0 ? "Z" : "\(sign)\(two(random.below(24))):\(two(random.below(60)))"
      return "\(year)-\(day)T\(clock)\(fraction)\(zone)"
    }
    let answers = try await Python.run(script, rows.joined(separator: "\n")).split(separator: "\n").map(String.init)
    try #require(answers.count == rows.count)
    for (row, answer) in zip(rows, answers) {
      let own = (try? RFC3339.parse(row)).map { "\($0) \(RFC3339.text($0))" } ?? "refused"
      if own != answer { Issue.record("\(row): own \(own), Python \(answer)") }
    }
    #expect(answers.count { $0 == "refused" } < 10_000)
  }

  @Test func plainDatesAreDaysSince1970() throws {
    #expect(try PlainDate.parse("1970-01-01") == 0)
    #expect(try PlainDate.parse("0001-01-01") == CivilCalendar.days.lowerBound)
    #expect(try PlainDate.parse("9999-12-31") == CivilCalendar.days.upperBound)
    #expect(PlainDate.text(19_782) == "2024-02-29")
    let refused: [(String, TextRule, Int)] = [
      ("", .empty, 0), ("2024-02-30", .calendar, 0), ("2024-2-03", .form, 6), ("2024-02-03T", .trailing, 10), ("2024/02/03", .form, 4),
    ]
    for (text, rule, offset) in refused {
      #expect(fault { () throws(TextFault) in try PlainDate.parse(text) } == TextFault(rule, at: offset), "\(text)")
    }
  }

  @Test func countsOfSecondsAndMillisecondsAreInstants() throws {
    #expect(try UnixTime.parse("1546300800", unit: .seconds) == 1_546_300_800_000_000)
    #expect(try UnixTime.parse("1546300800.25", unit: .seconds) == 1_546_300_800_250_000)
    #expect(try UnixTime.parse("-1", unit: .milliseconds) == -1_000)
    #expect(try UnixTime.parse("7", unit: .microseconds) == 7)
    #expect(fault { () throws(TextFault) in try UnixTime.parse("99999999999999", unit: .seconds) }?.rule == .range)
    #expect(fault { () throws(TextFault) in try UnixTime.parse("1.5", unit: .microseconds) }?.rule == .decimals)
  }
}

struct TimePatternTests {
  @Test func sourcesWriteTimesInManyWays() throws {
    let cases: [(String, String, String, Int?)] = [
      ("%Y%m%d", "19970101", "1997-01-01T00:00:00Z", nil), ("%Y-%m-%d %H:%M:%S", "2024-02-29  08:05:09", "2024-02-29T08:05:09Z", nil),
      ("%m/%d/%Y %H:%M", "12/1/2010 8:26", "2010-12-01T08:26:00Z", nil), ("%d/%m/%Y %H:%M", "29/2/2016 01:16", "2016-02-29T01:16:00Z", nil),
      ("%F %T.%f", "2019-01-01 00:00:01.1234567", "2019-01-01T00:00:01.123456Z", nil), ("%d %B %y", "3 sept 99", "", nil),
      ("%d-%b-%y %I:%M %p", "03-SEP-68 12:05 am", "2068-09-03T00:05:00Z", nil),
      ("%d-%b-%y %I:%M%p", "3-september-69 1:05PM", "1969-09-03T13:05:00Z", nil),
      ("%Y年%m月%d日", "2019年1月5日", "2019-01-05T00:00:00Z", nil), ("%Y%m%d%H%M%S", "20240229235959", "2024-02-29T23:59:59Z", nil),
      ("%F%T%z", "2024-01-0112:00:00+0830", "2024-01-01T12:00:00Z", 30_600),
      ("%FT%T%z", "2024-01-01T12:00:00-08:00", "2024-01-01T12:00:00Z", -28_800),
      ("%FT%T%z", "2024-01-01T12:00:00Z", "2024-01-01T12:00:00Z", 0), ("100%% %F", "100% 2024-01-01", "2024-01-01T00:00:00Z", nil),
    ]
    for (pattern, text, expected, offset) in cases {
      let compiled = try TimePattern(pattern)
      let wall = try? compiled.parse(text)
      #expect(wall.map { RFC3339.text($0.seconds * 1_000_000 + Int64($0.micros)) } ?? "" == expected, "\(pattern): \(text)")
      #expect(wall?.offsetSeconds == offset, "\(pattern): \(text)")
    }
  }

  @Test func patternsThatCannotNameADayAreRefused() {
    for pattern in [
      "", "%Y", "%Y-%m", "%H:%M", "%Y-%m-%d %Q", "%Y-%m-%d %", "%Y-%m-%d %I:%M", "%F %H %p", "%F %Y", "%F %y", "%F %b", "%H %I %p %F",
    ] {
      #expect(fault { () throws(TextFault) in try TimePattern(pattern) }?.rule == .pattern, "\(pattern)")
    }
    #expect(fault { () throws(TextFault) in try TimePattern("%F" + String(repeating: " x", count: 70)) }?.rule == .pattern)
  }

  @Test func textsThatDoNotFitAreRefusedWithTheirPlace() throws {
    let pattern = try TimePattern("%m/%d/%Y %H:%M")
    let cases: [(String, TextRule, Int)] = [
      ("", .empty, 0), ("12/1/2010", .form, 9), ("12/1/10 8:26", .form, 7), ("13/1/2010 8:26", .calendar, 0),
      ("2/30/2010 8:26", .calendar, 0),
      ("12/1/2010 24:26", .calendar, 0), ("12/1/2010 8:26 ", .trailing, 14), ("/1/2010 8:26", .form, 0), ("12-1-2010 8:26", .form, 2),
      ("123/1/2010 8:26", .form, 2), ("12/1/20100 8:26", .form, 9),
    ]
    for (text, rule, offset) in cases {
      #expect(fault { () throws(TextFault) in try pattern.parse(text) } == TextFault(rule, at: offset), "\(text)")
    }
    let compact = try TimePattern("%Y%m%d")
    #expect(fault { () throws(TextFault) in try compact.parse("1997111") }?.rule == nil)
    #expect(fault { () throws(TextFault) in try compact.parse("199711") }?.rule == .form)
    let seconds = try TimePattern("%F %T")
    #expect(fault { () throws(TextFault) in try seconds.parse("2016-12-31 23:59:60") }?.rule == .leapSecond)
  }

  @Test(.enabled(if: Python.isInstalled, Python.absent)) func pythonsStrptimeReadsTheSame() async throws {
    // Only well-formed texts: on ambiguous ones Python tries other splits, here digits without a separator need full width.
    let patterns = [
      "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M", "%d-%b-%y %I:%M %p", "%d %B %Y", "%Y-%m-%dT%H:%M:%S.%f%z",
    ]
    let script =
      Python.prelude + """
        import random
        from datetime import datetime, timezone, timedelta
        random.seed(9)
        patterns = lines
        for n in range(20000):
            pattern = patterns[n % len(patterns)]
            moment = datetime(1970, 1, 1) + timedelta(microseconds=random.randrange(-3 * 10**15, 4 * 10**15))
            if '%z' in pattern: moment = moment.replace(tzinfo=timezone(timedelta(minutes=random.randrange(-1439, 1440))))
            text = moment.strftime(pattern)
            if '/' in pattern and random.random() < 0.3: text = text.replace('/0', '/')
            # Now and then a digit that makes another date, or none.
            if random.random() < 0.2:
                places = [i for i, c in enumerate(text) if c.isdigit()]
                place = random.choice(places)
                text = text[:place] + random.choice('0123456789') + text[place + 1:]
            try:
                parsed = datetime.strptime(text, pattern)
                zone = parsed.utcoffset()
                wall = parsed.replace(tzinfo=None) - datetime(1970, 1, 1)
                answer(f"{pattern}|{text}|{wall // timedelta(microseconds=1)} {'nil' if zone is None else zone // timedelta(seconds=1)}")
            except ValueError:
                answer(f'{pattern}|{text}|refused')
        """
    let answers = try await Python.run(script, patterns.joined(separator: "\n")).split(separator: "\n")
    try #require(answers.count == 20_000)
    let compiled = try Dictionary(uniqueKeysWithValues: patterns.map { ($0, try TimePattern($0)) })
    for row in answers {
      let parts = row.split(separator: "|").map(String.init)
      let wall = try? compiled[parts[0]]?.parse(parts[1])
      let zone = wall?.offsetSeconds.map(String.init) ?? "nil"
      let own = wall.map { "\($0.seconds * 1_000_000 + Int64($0.micros)) \(zone)" } ?? "refused"
      if own != parts[2] { Issue.record("\(row): own \(own)") }
    }
  }
}
