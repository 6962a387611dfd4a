// Two zones that need no file: UTC, and the suite's default business time zone.

extension TimeZoneFile {
  /// Coordinated universal time.
  public static let utc: Periods = (0, [])

  /// China standard time: local mean time until 1901, summer times of 1919, 1940 to 1949 and 1986 to 1991, UTC+8 since.
  public static let asiaShanghai: Periods = (29_143, shanghaiHours.map { (startsAt: $0.0, offset: $0.1 * 3_600) })

  /// Second of Unix time, hours east of Greenwich (IANA time zone database).
  private static let shanghaiHours: [(Int64, Int32)] = [
    (-2_177_481_943, 8), (-1_600_675_200, 9), (-1_585_904_400, 8), (-933_667_200, 9), (-922_093_200, 8),
    (-908_870_400, 9), (-888_829_200, 8), (-881_049_600, 9), (-767_869_200, 8), (-745_833_600, 9),
    (
      -733_827_600,
      8
    ), (-716_889_600, 9), (-699_613_200, 8), (-683_884_800, 9), (-670_669_200, 8), (-652_348_800, 9),
    (-650_019_600, 8), (515_527_200, 9), (527_014_800, 8), (545_162_400, 9), (558_464_400, 8), (577_216_800, 9),
    (589_914_000, 8), (608_666_400, 9), (621_968_400, 8), (640_116_000, 9), (653_418_000, 8), (671_565_600, 9),
    (684_867_600, 8),
  ]

  /// A zone that is built in; nil when its file is needed.
  public static func builtIn(_ name: String) -> Periods? {
    switch name {
    case "UTC", "Etc/UTC", "Z": utc
    case "Asia/Shanghai", "PRC": asiaShanghai
    default: nil
    }
  }
}
