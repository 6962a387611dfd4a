// The body of a form that a browser sent: `application/x-www-form-urlencoded` (WHATWG URL, section 5).

extension Request {
  public static let formType = "application/x-www-form-urlencoded"

  /// The fields of the form in the body, decoded, in order.
  ///
  /// Throws a 415 for a body of another type and a 400 for one that is no form.
  public func form() throws(Problem) -> QueryItems {
    guard mediaType == Request.formType else { throw Problem(.unsupportedMediaType, detail: "the body must be \(Request.formType)") }
    do { return try RequestTarget.queryItems(body[...]) } catch { throw Problem(.badRequest, detail: error.formDetail) }
  }
}

extension RequestTarget.Refusal {
  fileprivate var formDetail: String {
    switch self {
    case .badEscape: "the form has an incomplete escape"
    case .control: "the form has an escaped NUL"
    case .notUTF8: "the form is not UTF-8"
    case .tooManyItems: "the form has too many fields"
    case .notAPath, .badByte, .dots: "the body is no form"
    }
  }
}
