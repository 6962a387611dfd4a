// Who asks, as their token says.
public import HTTP

/// A caller, in whatever way it was found out who it is.
public protocol KnownCaller: Sendable { var principal: Principal { get } }

/// The bearer of a token that was believed.
public struct Principal: KnownCaller, Equatable {
  /// The longest subject or name, in bytes: a hundred characters of any script, as histories take them.
  public static let textBytesMax = 400

  public let issuer: String
  /// Theirs for good with this issuer.
  public let subject: String
  /// For people to read; providers let people change it, so nothing is decided by it.
  public let name: String
  /// The name that the suite's histories and its staff's file have, where the issuer says it.
  public let staff: String?
  public let roles: Set<Role>

  public init(issuer: String, subject: String, name: String? = nil, staff: String? = nil, roles: Set<Role>) {
    self.issuer = issuer
    self.subject = subject
    self.name = name ?? staff ?? subject
    self.staff = staff
    self.roles = roles
  }

  public var principal: Principal { self }

  /// Who asks on a route that is open to everybody: nobody who may do anything else.
  public static let nobody = Principal(issuer: "", subject: "", roles: [])

  /// Nobody whom a token names.
  public var isNobody: Bool { self == .nobody }

  /// By whom what they do is noted as done.
  public var actor: String { staff ?? subject }

  public func may(_ permission: Permission) -> Bool { roles.contains { $0.permissions.contains(permission) } }
}

/// A caller whose answer is a look at contact data.
struct LookingCaller: Sendable {
  let caller: (any Sendable)?
  let look: Look
}

extension Request {
  /// Who asks; nil where access is switched off.
  public var principal: Principal? {
    get { (whoAsks as? any KnownCaller)?.principal }
    set { whoAsks = newValue }
  }

  /// The caller, whether or not the answer is a look.
  var whoAsks: (any Sendable)? {
    get { if let looking = caller as? LookingCaller { looking.caller } else { caller } }
    set { caller = look.map { LookingCaller(caller: newValue, look: $0) } ?? newValue }
  }

  /// Whether whoever asks may also do this. Where access is switched off, everybody may.
  public func may(_ permission: Permission) -> Bool { principal?.may(permission) ?? true }

  /// Refuses whoever may not also do this.
  public func demand(_ permission: Permission) throws(Problem) { if !may(permission) { throw AccessProblem.lacking(permission) } }

  /// By whom what is asked for is done: the bearer of the token. Another one in the body is refused, since anybody can write a name.
  ///
  /// - Parameter given: the actor in the body; nil: none is.
  /// - Returns: nil when neither says who it is.
  public func actor(given: String?) throws(Problem) -> String? {
    guard let principal else { return given }
    guard given == nil || given == principal.actor else { throw AccessProblem.anotherActor }
    return principal.actor
  }
}
