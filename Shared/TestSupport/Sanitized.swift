// Tests under a sanitizer, where every statement takes about ten times as long.
import Glibc

public enum Sanitized {
  /// Whether `deploy/setup/test-sanitized` runs the tests.
  public static let isOn = getenv("CLIENTELE_SANITIZED") != nil

  /// How many rounds of a test that repeats itself with other seeds: a sanitizer sees in a tenth of them what it would see in all.
  public static func rounds(_ count: Int) -> Int { isOn ? max(1, count / 10) : count }
}
