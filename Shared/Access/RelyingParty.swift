// Signing people in by an identity provider: the authorization code flow of OpenID Connect Core 1.0, with PKCE (RFC 7636).
public import HTTP
import Text

/// What an identity provider gave for somebody who signed in.
public struct ProviderTokens: Sendable, Equatable {
  /// Shown to the services.
  public var access: String
  /// For newer ones; nil: there is none, and whoever it is signs in again when the time is over.
  public var refresh: String?
  /// Seconds since 1970 from when on services take the access token no longer.
  public var endsAt: Int64

  public init(access: String, refresh: String?, endsAt: Int64) {
    self.access = access
    self.refresh = refresh
    self.endsAt = endsAt
  }
}

/// Why nobody was signed in.
public enum SignInFailure: Error, Sendable, Equatable {
  /// The provider does not answer, or not with what it must.
  case provider(String)
  /// A token of it is not to be believed.
  case token(String, TokenRefusal)
  /// The answer is to another question: of another browser, or of another time.
  case mismatch
}

public struct RelyingParty: Sendable {
  public struct Client: Sendable {
    public var id: String
    /// nil: a public client, which PKCE alone protects.
    public var secret: String?
    public var scopes: String

    public init(id: String, secret: String?, scopes: String) {
      self.id = id
      self.secret = secret
      self.scopes = scopes
    }
  }

  private let client: Client
  private let documents: IssuerDocuments
  private let http: HTTPClient
  private let idTokens: TokenVerifier
  private let accessTokens: TokenVerifier
  private static let limits = JSONLimits(documentBytesMax: 64 << 10, depthMax: 8, treeValuesMax: 1_000)

  /// - Parameters:
  ///   - http: asks the provider; ``IssuerDocuments/clientSettings``.
  ///   - rules: what access tokens are held to.
  ///   - now: seconds since 1970.
  public init(_ client: Client, documents: IssuerDocuments, http: HTTPClient, rules: TokenRules, store: KeyStore, now: @escaping @Sendable () -> Int64) {
    self.client = client
    self.documents = documents
    self.http = http
    accessTokens = TokenVerifier(issuer: (rules, store), now: now)
    idTokens = TokenVerifier(issuer: (TokenRules(issuer: rules.issuer, audience: client.id), store), now: now)
  }

  /// Where a browser goes to sign in.
  ///
  /// - Parameters:
  ///   - redirect: where it comes back to.
  ///   - challenge: SHA-256 of the verifier, in base64url.
  public func address(redirect: String, state: String, nonce: String, challenge: String) async throws(SignInFailure) -> String {
    let authorization = try await endpoint("authorization_endpoint")
    return PercentEncoding.path(
      authorization,
      [
        ("response_type", "code"), ("client_id", client.id), ("redirect_uri", redirect), ("scope", client.scopes), ("state", state), ("nonce", nonce),
        ("code_challenge", challenge), ("code_challenge_method", "S256"),
      ])
  }

  /// Who it is, by the code that the browser brought back.
  public func signIn(
    code: String, redirect: String, verifier: String, nonce: String
  ) async throws(SignInFailure) -> (principal: Principal, tokens: ProviderTokens) {
    let answer = try await ask([
      ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect), ("code_verifier", verifier),
    ])
    guard let text = answer["id_token"]?.stringValue else { throw .provider("there is no id_token in its answer: is openid among the scopes?") }
    let id: (principal: Principal, claims: JSONValue)
    do throws(TokenRefusal) { id = try await idTokens.verified(Array(text.utf8)) } catch { throw .token("id_token", error) }
    // Of a token for several the one that it was made for must be us (section 3.1.3.7).
    if let party = id.claims["azp"]?.stringValue, party != client.id { throw .mismatch }
    guard id.claims["nonce"]?.stringValue == nonce else { throw .mismatch }
    let (principal, tokens) = try await read(answer, former: nil)
    guard principal.subject == id.principal.subject else { throw .mismatch }
    return (principal, tokens)
  }

  /// Newer tokens. The roles are those that the provider names now.
  public func renewed(_ refresh: String) async throws(SignInFailure) -> (principal: Principal, tokens: ProviderTokens) {
    try await read(try await ask([("grant_type", "refresh_token"), ("refresh_token", refresh)]), former: refresh)
  }

  /// The services take the access token where it is made for them, else the ID token where that is: some providers' access tokens are for nobody but
  /// themselves.
  private func read(_ answer: JSONValue, former: String?) async throws(SignInFailure) -> (principal: Principal, tokens: ProviderTokens) {
    guard let access = answer["access_token"]?.stringValue else { throw .provider("there is no access_token in its answer") }
    var refusal = TokenRefusal.form
    for (place, text) in [access, answer["id_token"]?.stringValue].enumerated() {
      guard let text else { continue }
      do throws(TokenRefusal) {
        let (principal, claims) = try await accessTokens.verified(Array(text.utf8))
        let refresh = answer["refresh_token"]?.stringValue ?? former
        return (principal, ProviderTokens(access: text, refresh: refresh, endsAt: claims["exp"]?.int64Value ?? 0))
      } catch { if place == 0 { refusal = error } }
    }
    throw .token("access_token", refusal)
  }

  private func endpoint(_ name: String) async throws(SignInFailure) -> String {
    do { return try await documents.address(name) } catch { throw .provider("\(error)") }
  }

  private func ask(_ fields: [(name: String, value: String?)]) async throws(SignInFailure) -> JSONValue {
    var request = ClientRequest(.post, try await endpoint("token_endpoint"))
    var all = fields
    if let secret = client.secret {
      // Section 2.3.1 of RFC 6749: both are encoded before they are put together.
      let words = "\(PercentEncoding.encoded(client.id)):\(PercentEncoding.encoded(secret))"
      request.headers["Authorization"] = "Basic \(Base64.encoded(Array(words.utf8)))"
    } else {
      all.append(("client_id", client.id))
    }
    request.headers["Content-Type"] = Request.formType
    request.headers["Accept"] = "application/json"
    request.body = Array(PercentEncoding.fields(all).utf8)
    let answer: ClientResponse
    do { answer = try await http.send(request) } catch { throw .provider("it does not answer: \(error)") }
    let json = try? JSONValue(answer.body, limits: RelyingParty.limits)
    guard answer.isSuccess, let json else {
      throw .provider("it answered \(answer.status)" + (json?["error"]?.stringValue.map { ": \($0.prefix(100))" } ?? ""))
    }
    return json
  }
}
