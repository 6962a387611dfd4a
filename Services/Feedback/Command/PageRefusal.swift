/// Why a request to a survey page is turned away.
enum PageRefusal: String, CaseIterable, Sendable {
  case flood, forged, unknown, expired, used
}
