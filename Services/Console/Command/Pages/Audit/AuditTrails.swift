// The trails of all services put together by time: each service keeps its own, and is asked from where the page before ended.
import Access
import Domain
import HTML
import HTTP
import Text

/// An entry with the service whose it is.
struct TrailEntry: Sendable {
  let peer: Peer
  let json: JSONValue

  var at: String { json["at"]?.stringValue ?? "" }
  /// Where it stands in the trail of its service, as that takes it for what comes after.
  var place: String { "\(json["day"]?.stringValue ?? "")/\(json["entry"]?.numberText ?? "")" }
}

/// From where on each service is asked, as it stands in an address: `ingest~1998-07-01~12.profile~1998-07-01~3`.
struct TrailPlaces: Equatable, Sendable {
  var places: [Peer: String] = [:]

  init() {}

  /// What is none is left out.
  init(_ text: String) {
    for part in text.split(separator: ".") {
      let words = part.split(separator: "~", omittingEmptySubsequences: false)
      guard words.count == 3, let peer = Peer(rawValue: String(words[0])), let day = Day(String(words[1])), let entry = Int64(words[2]), entry > 0 else {
        continue
      }
      places[peer] = "\(day)/\(entry)"
    }
  }

  var text: String {
    Peer.allCases.compactMap { peer in places[peer].map { "\(peer.rawValue)~\($0.replacing("/", with: "~"))" } }.joined(separator: ".")
  }
}

struct TrailPage: Sendable {
  var entries: [TrailEntry] = []
  /// Where the next page begins; nil on the last.
  var next: TrailPlaces?
  /// Services that did not tell, in order.
  var failures: [(peer: Peer, failure: PeerFailure)] = []

  /// The newest first.
  ///
  /// - Parameters:
  ///   - list: the answer's name for the entries.
  ///   - rows: of the page.
  static func read(
    _ visit: Visit, _ peers: [Peer], _ path: String, list: String, _ query: [(name: String, value: String?)], from places: TrailPlaces, rows: Int
  ) async -> TrailPage {
    let sections = await withTaskGroup(of: (peer: Peer, section: Section).self) { group in
      for peer in peers {
        let asked = query + [(name: "limit", value: String(rows)), (name: "before", value: places.places[peer])]
        group.addTask { (peer, await visit.api.section(peer, path, asked)) }
      }
      var found: [(peer: Peer, section: Section)] = []
      for await one in group { found.append(one) }
      return found
    }
    return merged(sections, list: list, from: places, rows: rows)
  }

  static func merged(_ sections: [(peer: Peer, section: Section)], list: String, from places: TrailPlaces, rows: Int) -> TrailPage {
    var page = TrailPage()
    var waiting: [(peer: Peer, entries: ArraySlice<TrailEntry>, hasMore: Bool)] = []
    for peer in Peer.allCases {
      switch sections.first(where: { $0.peer == peer })?.section {
      case .success(let json):
        let entries = (json[list]?.list ?? []).map { TrailEntry(peer: peer, json: $0) }
        waiting.append((peer, entries[...], json["next"].map { !$0.isNull } ?? false))
      case .failure(let failure): page.failures.append((peer, failure))
      case nil: break
      }
    }
    // Each service's own order holds, whatever its clock said.
    while page.entries.count < rows, let newest = waiting.indices.filter({ !waiting[$0].entries.isEmpty }).max(by: { left, right in
      (waiting[left].entries.first?.at ?? "") < (waiting[right].entries.first?.at ?? "")
    }), let entry = waiting[newest].entries.popFirst() { page.entries.append(entry) }
    guard waiting.contains(where: { !$0.entries.isEmpty || $0.hasMore }) else { return page }
    var next = places
    for entry in page.entries { next.places[entry.peer] = entry.place }
    page.next = next
    return page
  }
}

extension TrailPage {
  /// What is missing because a service does not tell.
  @NodeBuilder func notices(_ visit: Visit) -> [Node] {
    for one in failures { Notice.failure(one.failure, of: one.peer, visit) }
  }
}

extension Notice {
  /// The same, with the name of the service also where it answered with a no.
  static func failure(_ failure: PeerFailure, of peer: Peer, _ visit: Visit) -> Element {
    if case .away = failure { return self.failure(failure, visit) }
    if failure.isMissing {
      return plain(visit.say("The service \(peer.rawValue) keeps no such trail yet.", "服务 \(peer.rawValue) 尚无此类记录。"))
    }
    return Element(.div) {
      Element(.p, [.class("soft")], peer.rawValue)
      self.failure(failure, visit)
    }
  }
}
