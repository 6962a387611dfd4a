// What happened with a customer over all channels, newest first (P-13): what profile keeps, and between it tiers, tickets and invitations of the others.
import Domain
import HTML
import Text

struct TimelineView {
  let visit: Visit

  /// One line of it.
  struct Line {
    let at: Int64
    let type: String
    /// Where it happened, in words; empty: not told.
    let place: String
    let text: String
    /// What somebody wrote, as it was written.
    var quote = ""
    var target: PageTarget?
  }

  /// Kinds that profile keeps, by which it can be asked, and those of the other services.
  static let kinds = ["order", "registration", "contact", "behaviour", "answer"]
  static let others = ["tier", "ticket", "invitation"]

  // MARK: - Lines

  func line(_ entry: JSONValue, _ currency: String) -> Line? {
    guard let at = entry["at"]?.stringValue.flatMap({ try? RFC3339.parse($0) }), let type = entry["type"]?.stringValue else { return nil }
    let channel = entry["channel"]?.stringValue.map { visit.word($0, of: CustomerWords.channels) }
    let place = [channel, entry["source"]?.stringValue].compactMap(\.self).joined(separator: " · ")
    var words: [String] = []
    func add(_ word: String?) { if let word, !word.isEmpty { words.append(word) } }
    switch type {
    case "order", "payment", "refund", "cancellation":
      add(entry["amount"].map { visit.amount($0, unit: currency) })
      add(entry["order_id"]?.stringValue.map { visit.say("order \($0)", "订单 \($0)") })
      let lines = (entry["lines"]?.arrayValue ?? []).map { line in
        let name = line["name"]?.stringValue ?? ""
        return "\(name.isEmpty ? visit.text(line["sku"]) : name) × \(visit.text(line["quantity"]))"
      }
      if !lines.isEmpty { add(lines.prefix(3).joined(separator: visit.say(", ", "、")) + (lines.count > 3 ? " …" : "")) }
    case "registration":
      add((entry["changed"]?.arrayValue ?? []).map { visit.word($0, of: CustomerWords.attributes) }.joined(separator: visit.say(", ", "、")))
    case "contact":
      add(visit.word(entry["direction"], of: CustomerWords.directions))
      add(entry["kind"].map { visit.word($0, of: CustomerWords.contactKinds) })
      add(entry["category"]?.stringValue)
      add(entry["order_id"]?.stringValue.map { visit.say("order \($0)", "订单 \($0)") })
    case "behaviour":
      let count = entry["count"]?.int64Value ?? 1
      add(visit.word(entry["name"], of: CustomerWords.behaviours) + (count > 1 ? " × \(visit.number(count))" : ""))
      add(entry["item"]?.stringValue)
      add(entry["category"]?.stringValue)
    case "answer":
      add("\(visit.word(entry["metric"], of: CustomerWords.metrics)) \(visit.number(entry["score"]))")
      add(entry["survey"]?.stringValue)
    default: break
    }
    let quote = entry["text"]?.stringValue ?? entry["comment"]?.stringValue ?? ""
    return Line(at: at, type: type, place: place, text: words.joined(separator: " · "), quote: quote)
  }

  /// Changes of the tier; ratings that changed none are no news.
  func tiers(_ answer: JSONValue?, _ file: CustomerFile) -> [Line] {
    (answer?["ratings"]?.arrayValue ?? []).compactMap { rating in
      guard let at = rating["at"]?.stringValue.flatMap({ try? RFC3339.parse($0) }), rating["tier"] != rating["tier_before"],
        let tier = rating["tier"]?.stringValue
      else { return nil }
      let known = file.rating?.json ?? rating
      let before = rating["tier_before"]?.stringValue.map { file.tierWord($0, known) + " → " } ?? ""
      let cause = visit.word(rating["reason"], of: CustomerWords.causes)
      return Line(at: at, type: "tier", place: "", text: "\(before)\(file.tierWord(tier, known)) · \(cause)", target: CustomerFile.target(file.id, .tier))
    }
  }

  func tickets(_ answer: JSONValue?) -> [Line] {
    (answer?["tickets"]?.arrayValue ?? []).compactMap { ticket in
      guard let at = ticket["opened_at"]?.stringValue.flatMap({ try? RFC3339.parse($0) }) else { return nil }
      let words = [ticket["priority"]?.stringValue, ticket["kind"].map { visit.word($0, of: CustomerWords.contactKinds) }, visit.say(ticket["state_name"])]
      return Line(
        at: at, type: "ticket", place: "", text: words.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: " · "),
        target: CustomerLinks.ticket(visit, ticket))
    }
  }

  /// Invitations that went out.
  func invitations(_ answer: JSONValue?) -> [Line] {
    (answer?["invitations"]?.arrayValue ?? []).compactMap { invitation in
      guard let at = invitation["sent_at"]?.stringValue.flatMap({ try? RFC3339.parse($0) }) else { return nil }
      let state = visit.word(invitation["state"], of: CustomerWords.invitationStates)
      return Line(at: at, type: "invitation", place: "", text: "\(visit.text(invitation["survey"])) · \(state)")
    }
  }

  /// All of a page in one order; of the others what falls into its time.
  ///
  /// - Parameters:
  ///   - from: the moment of the last line of profile's page; nil: nothing comes after it.
  ///   - before: the moment at which the page begins; nil: now.
  static func merged(_ lines: [Line], _ others: [Line], from: Int64?, before: Int64?) -> [Line] {
    // The newest first; of one moment profile's own order stays.
    let inside = others.filter { line in (from.map { line.at >= $0 } ?? true) && (before.map { line.at < $0 } ?? true) }
    return (lines + inside).enumerated().sorted { ($1.element.at, $0.offset) < ($0.element.at, $1.offset) }.map(\.element)
  }

  // MARK: - Shown

  @NodeBuilder func shown(_ lines: [Line]) -> [Node] {
    if lines.isEmpty { Element(.p, [.class("soft")], visit.say("Nothing.", "没有记录。")) } else {
      Element(.ul, [.class("timeline")]) {
        for line in lines {
          Element(.li) {
            Element(.time, [.label(.datetime, RFC3339.text(line.at))], visit.moment(line.at))
            " "
            Element(.strong) { Parts.link(visit.word(line.type, of: CustomerWords.entries), line.target) }
            if !line.text.isEmpty { " " + line.text }
            if !line.place.isEmpty { Element(.small, " " + line.place) }
            if !line.quote.isEmpty { Element(.p, [.class("words")], TimelineView.short(line.quote)) }
          }
        }
      }
    }
  }

  /// Of what was written a page shows so much, in characters; the ticket has all of it.
  private static let quoteMax = 400

  private static func short(_ text: String) -> String { text.count > quoteMax ? text.prefix(quoteMax) + "…" : text }
}

/// Ways to pages of other parts of the site, where it has them.
enum CustomerLinks {
  static func ticket(_ visit: Visit, _ ticket: JSONValue) -> PageTarget? {
    guard let id = ticket["ticket_id"]?.stringValue else { return nil }
    return visit.target("/tickets/\(id)")
  }
}
