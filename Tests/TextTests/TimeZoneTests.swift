// Time zone files against Python's zoneinfo, hour by hour around every change.
import Foundation
import Testing
import Text

private let zoneFolder = "/usr/share/zoneinfo"
private let hasZones = FileManager.default.fileExists(atPath: zoneFolder + "/Asia/Shanghai")
private let noZones: Comment = "tzdata is not installed"

private func zone(_ name: String) throws -> TimeZoneFile.Periods {
  try TimeZoneFile.parse([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(zoneFolder)/\(name)"))))
}

private func offset(_ zone: TimeZoneFile.Periods, at second: Int64) -> Int32 {
  zone.periods.last { $0.startsAt <= second }?.offset ?? zone.firstOffset
}

/// A file of version 2 with one type per offset, for files that no system has.
private func madeFile(changes: [(Int64, UInt8)] = [], offsets: [Int32] = [0], footer: String, version: UInt8 = 0x32, leaps: UInt32 = 0)
  -> [UInt8]
{
  func header(_ times: Int, _ types: Int) -> [UInt8] {
    var buffer = ByteBuffer()
    buffer.append("TZif" as StaticString)
    buffer.put8(version)
    buffer.append([UInt8](repeating: 0, count: 15))
    for count in [0, 0, times == 0 && types == 0 ? 0 : leaps, UInt32(times), UInt32(types), types == 0 ? 0 : 4] { buffer.put32(count) }
    return buffer.array()
  }
  var buffer = ByteBuffer()
  buffer.append(header(0, 0))
  buffer.append(header(changes.count, offsets.count))
  for change in changes { buffer.put64(change.0) }
  for change in changes { buffer.put8(change.1) }
  for offset in offsets {
    buffer.put32(offset)
    buffer.put16(0 as UInt16)
  }
  buffer.append("UTC" as StaticString)
  buffer.put8(0)
  for _ in 0..<leaps * 12 { buffer.put8(0) }
  buffer.append("\n" + footer + "\n")
  return buffer.array()
}

struct TimeZoneTests {
  @Test(.enabled(if: Python.isInstalled && hasZones, "python3 or tzdata is not installed"))
  func pythonsZoneinfoGivesTheSameOffsets() async throws {
    let names = [
      "Asia/Shanghai", "Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC", "Europe/Dublin", "America/Sao_Paulo",
      "Australia/Lord_Howe", "Africa/Casablanca", "America/St_Johns", "Asia/Gaza", "Pacific/Apia", "Antarctica/Troll", "America/Nuuk",
    ].filter { FileManager.default.fileExists(atPath: "\(zoneFolder)/\($0)") }
    let script =
      Python.prelude + """
        from zoneinfo import ZoneInfo
        from datetime import datetime, timezone, timedelta
        for line in lines:
            name, *seconds = line.split(' ')
            zone = ZoneInfo(name)
            start = datetime(1970, 1, 1, tzinfo=timezone.utc)
            offsets = [(start + timedelta(seconds=int(s))).astimezone(zone).utcoffset() // timedelta(seconds=1) for s in seconds]
            answer(' '.join(map(str, offsets)))
        """
    var random = SplitMix(13)
    var rows: [(TimeZoneFile.Periods, [Int64])] = []
    for name in names {
      let zone = try zone(name)
      // Around every change, and anywhere from 1850 to the end of 2100.
      var seconds = zone.periods.flatMap { [$0.startsAt - 1, $0.startsAt, $0.startsAt + 1] }
      for _ in 0..<1_000 { seconds.append(Int64(random.below(7_900_000_000)) - 3_786_900_000) }
      rows.append((zone, seconds.filter { $0 > -60_000_000_000 && $0 < 4_133_894_400 }))
    }
    let input = zip(names, rows).map { name, row in ([name] + row.1.map(String.init)).joined(separator: " ") }
    let answers = try await Python.run(script, input.joined(separator: "\n")).split(separator: "\n")
    try #require(answers.count == rows.count)
    for ((name, row), answer) in zip(zip(names, rows), answers) {
      let own = row.1.map { String(offset(row.0, at: $0)) }
      #expect(own == answer.split(separator: " ").map(String.init), "\(name)")
    }
  }

  @Test(.enabled(if: hasZones, noZones)) func theBuiltInZonesAreThoseOfTheSystem() throws {
    for name in ["UTC", "Asia/Shanghai"] {
      let (system, own) = (try zone(name), try #require(TimeZoneFile.builtIn(name)))
      #expect(system.firstOffset == own.firstOffset)
      #expect(system.periods.map(\.startsAt) == own.periods.map(\.startsAt))
      #expect(system.periods.map(\.offset) == own.periods.map(\.offset))
    }
    #expect(TimeZoneFile.builtIn("Europe/London") == nil)
  }

  @Test func shanghaiIsEightHoursAheadSince1991() {
    #expect(offset(TimeZoneFile.asiaShanghai, at: 684_867_600) == 28_800)
    #expect(offset(TimeZoneFile.asiaShanghai, at: 684_867_599) == 32_400)
    #expect(offset(TimeZoneFile.asiaShanghai, at: 4_102_444_800) == 28_800)
  }

  @Test func theRuleAtTheEndIsWorkedOutThrough2100() throws {
    let zone = try TimeZoneFile.parse(
      madeFile(changes: [(1_577_836_800, 0)], offsets: [3_600], footer: "CET-1CEST,M3.5.0,M10.5.0/3"))
    // 2020 to 2100: two changes a year, the file's own one changes nothing.
    #expect(zone.periods.count == 81 * 2)
    #expect(zone.periods.first.map { $0.startsAt == 1_585_443_600 && $0.offset == 7_200 } == true)
    let last = try #require(zone.periods.last)
    #expect(RFC3339.text(last.startsAt * 1_000_000) == "2100-10-31T01:00:00Z" && last.offset == 3_600)
  }

  @Test func rulesByDayOfTheYearAndNamesInBracketsAreRead() throws {
    let zone = try TimeZoneFile.parse(madeFile(offsets: [-12_600], footer: "<-0330>+3:30<-0230>2:30,J60/0,59/-1:30"))
    let starts = zone.periods.prefix(2).map { RFC3339.text($0.startsAt * 1_000_000) }
    // 1970 is no leap year: J60 is March 1, 59 counted from 0 is March 1 too. Its end, the evening before, changes nothing yet.
    #expect(starts == ["1970-03-01T03:30:00Z", "1971-03-01T01:00:00Z"])
    let leap = zone.periods.filter { (66_355_200..<97_977_600).contains($0.startsAt) }.map { RFC3339.text($0.startsAt * 1_000_000) }
    // 1972 is one: J60 is March 1 still, 59 counted from 0 is February 29.
    #expect(leap == ["1972-02-29T01:00:00Z", "1972-03-01T03:30:00Z"])
  }

  @Test func cutAndDamagedFilesAreRefused() throws {
    let good = madeFile(changes: [(0, 1), (100, 0)], offsets: [0, 3_600], footer: "EST5EDT,M3.2.0,M11.1.0")
    #expect(fault { () throws(TextFault) in try TimeZoneFile.parse(good).firstOffset } == nil)
    for length in 0..<good.count {
      #expect(fault { () throws(TextFault) in try TimeZoneFile.parse(Array(good[..<length])).firstOffset } != nil, "cut after \(length)")
    }
    let bad =
      [
        madeFile(footer: "UTC0", version: 0), madeFile(footer: "UTC0", leaps: 1), madeFile(offsets: [], footer: "UTC0"),
        madeFile(changes: [(0, 2)], footer: "UTC0"), madeFile(changes: [(5, 0), (5, 0)], footer: "UTC0"),
        madeFile(offsets: [100_000], footer: "UTC0"),
      ]
      + [
        "U0", "UTC", "UTC25", "UTC0x", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M1.1.0", "EST5EDT,M3.6.0,M1.1.0",
        "EST5EDT,M3.2.7,M1.1.0",
        "EST5EDT,J0,J1", "EST5EDT,366,1", "EST5EDT,M3.2.0/168,M1.1.0", "<EST5", "EST5:60", "EST5EDT,M3.2.0,M11.1.0,",
      ].map { madeFile(footer: $0) }
    for (index, file) in bad.enumerated() {
      #expect(fault { () throws(TextFault) in try TimeZoneFile.parse(file).firstOffset }?.rule == .file, "file \(index)")
    }
  }

  @Test(arguments: 0..<3 as Range<UInt64>) func randomDamageDoesNoHarm(seed: UInt64) {
    var random = SplitMix(seed)
    let good = madeFile(changes: [(0, 1), (100, 0)], offsets: [0, 3_600], footer: "EST5EDT,M3.2.0,M11.1.0")
    var refused = 0
    for _ in 0..<600 {
      var file = good
      for _ in 0..<1 + random.below(3) { file[random.below(file.count)] = UInt8(random.below(256)) }
      if (try? TimeZoneFile.parse(file)) == nil { refused += 1 }
    }
    #expect(refused > 200)
  }
}
