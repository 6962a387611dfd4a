// What other rules would mark all customers with (P-10), as the profile service works it out.
import HTTP
public import Text

public struct TagSimulation: Sendable {
  /// The first line: versions, the day, whether the version is registered with another content.
  public let head: JSONValue
  /// A customer whose tags would change.
  public private(set) var changes: [JSONValue] = []
  /// The last line: the customers looked at, and of each tag how many have it now and then.
  public private(set) var end: JSONValue = .null

  /// - Parameter keepsChanges: keep every customer whose tags would change, not only the sums.
  public static func run(_ yaml: [UInt8], keepsChanges: Bool, _ services: ServiceClient) async throws -> TagSimulation {
    var simulation: TagSimulation?
    try await services.eachLine("profile", "/v1/tags/simulations", method: .post, body: yaml, contentType: "application/yaml") { line in
      let value: JSONValue
      do { value = try JSONValue(line) } catch { throw SuiteFailure("profile sent a line that is no JSON: \(error)") }
      if simulation == nil {
        simulation = TagSimulation(head: value)
      } else if value["end"]?.booleanValue == true {
        simulation?.end = value
      } else if keepsChanges {
        simulation?.changes.append(value)
      }
    }
    guard let simulation, simulation.end != .null else { throw SuiteFailure("profile ended the simulation in the middle: its log says why") }
    return simulation
  }

  private init(head: JSONValue) { self.head = head }

  public var isRegisteredOtherwise: Bool { head["registered_otherwise"]?.booleanValue ?? false }

  public var json: JSONValue {
    [
      "version": head["version"] ?? .null, "version_in_force": head["version_in_force"] ?? .null, "as_of": head["as_of"] ?? .null,
      "registered_otherwise": head["registered_otherwise"] ?? .null, "customers": end["customers"] ?? .null, "tags": end["tags"] ?? .null,
      "changes": .array(changes),
    ]
  }
}
