// Entity tags (RFC 9110 section 8.8.3): a client that has an answer already is told that it still holds.

/// Names the content of an answer: equal bodies have equal tags.
public struct EntityTag: Sendable, Hashable, CustomStringConvertible {
  /// Quoted, as it stands in the header.
  public let description: String

  /// The length and a 64-bit hash (FNV-1a) of a body. Nobody gains by making two answers collide: they are the server's own.
  public init(of body: [UInt8]) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    description = "\"\(String(body.count, radix: 16))-\(String(hash, radix: 16))\""
  }

  /// A tag that says by itself which content it names, as the number of a state does. Letters, digits and hyphens.
  public init(opaque text: String) { description = "\"\(text)\"" }

  /// Whether the values of `If-None-Match` name this tag: compared weakly, `*` names all.
  public func isNamed(in values: [String]) -> Bool {
    values.contains { value in
      // Our own tags hold no comma, so that cutting at commas cannot make one of parts of others that matter.
      value.split(separator: ",").contains { item in
        let tag = String(decoding: HTTPText.trimmed(Array(item.utf8)[...]), as: UTF8.self)
        return tag == "*" || tag == description || tag == "W/" + description
      }
    }
  }
}

extension Response {
  /// The same answer with an `ETag`; 304 without a body when the request names the tag in `If-None-Match`.
  ///
  /// Only for successful answers to GET and HEAD whose body is in hand; any other is returned as it is. Whoever keeps the answer has to ask
  /// again before each use (`Cache-Control: no-cache`), unless the handler says otherwise.
  ///
  /// - Parameter tag: names the content; nil: made of the body.
  public func tagged(for request: Request, as tag: EntityTag? = nil) -> Response {
    guard status == .ok, request.method == .get || request.method == .head, let bytes else { return self }
    let tag = tag ?? EntityTag(of: bytes)
    var answer = self
    answer.headers["ETag"] = tag.description
    answer.headers["Cache-Control"] = answer.headers["Cache-Control"] ?? "no-cache"
    guard tag.isNamed(in: request.headers.all("If-None-Match")) else { return answer }
    answer.headers["Content-Type"] = nil
    return Response(.notModified, headers: answer.headers)
  }
}
