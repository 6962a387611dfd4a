// Where a request comes from, as far as a browser says.
public import HTTP

extension Request {
  /// Whether no page of another site sent it. Programs say nothing of where they come from.
  ///
  /// - Parameter origin: of the site itself, as `https://desk.example.com`.
  public func isFromSite(_ origin: String) -> Bool {
    if let site = headers["Sec-Fetch-Site"], site != "same-origin", site != "none" { return false }
    return headers["Origin"].map { $0 == origin } ?? true
  }
}
