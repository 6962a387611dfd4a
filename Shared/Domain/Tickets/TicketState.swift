// The life cycle of a ticket (K-06): its states, and which steps lead from one to another. What is not in the table is not possible.

/// A ticket's number; made of the contact that opened it, so that the same contact always opens the same ticket.
public struct TicketID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let number: Int64

  /// The low 63 bits; none is zero.
  public init(number: Int64) { self.number = number & .max }

  /// nil unless sixteen lower-case hexadecimal digits that are a ticket's number.
  public init?(_ text: String) {
    guard let id = CustomerID(text) else { return nil }
    number = id.number
  }

  /// Sixteen lower-case hexadecimal digits.
  public var description: String { CustomerID(number: number).description }
  public static func < (left: TicketID, right: TicketID) -> Bool { left.number < right.number }
}

public enum TicketState: String, Hashable, Sendable, CaseIterable {
  /// Nobody has looked at it.
  case new
  case open
  case waitingForCustomer = "waiting_for_customer"
  case waitingForThirdParty = "waiting_for_third_party"
  case resolved
  case closed
  case reopened

  public var name: LocalizedName {
    switch self {
    case .new: LocalizedName(en: "new", zh: "新建")
    case .open: LocalizedName(en: "open", zh: "处理中")
    case .waitingForCustomer: LocalizedName(en: "waiting for customer", zh: "等待客户")
    case .waitingForThirdParty: LocalizedName(en: "waiting for third party", zh: "等待第三方")
    case .resolved: LocalizedName(en: "resolved", zh: "已解决")
    case .closed: LocalizedName(en: "closed", zh: "已关闭")
    case .reopened: LocalizedName(en: "reopened", zh: "重新打开")
    }
  }

  /// Whether there is something to do: such a ticket takes the customer's next contact about the same matter (K-01).
  public var isOpen: Bool { self != .resolved && self != .closed }
  /// Whether its clocks stand still.
  public var waits: Bool { self == .waitingForCustomer || self == .waitingForThirdParty }
}

/// What happens to a ticket.
public enum TicketStep: String, Hashable, Sendable, CaseIterable {
  /// Somebody begins to work on it.
  case start
  /// The business answers the customer.
  case reply
  /// The customer writes or calls.
  case message
  case waitForCustomer = "wait_for_customer"
  case waitForThirdParty = "wait_for_third_party"
  /// The wait is over without a message of the customer: the third party answered, or waiting makes no sense any more.
  case resume
  case resolve
  case close
  case reopen
}

extension TicketState {
  /// Where a step leads; nil: it is not possible in this state.
  public func next(_ step: TicketStep) -> TicketState? {
    switch (self, step) {
    case (.new, .start), (.reopened, .start): .open
    case (.new, .reply), (.open, .reply), (.reopened, .reply): .open
    // An answer does not end a wait: what was asked of the other side is still to come.
    case (.waitingForCustomer, .reply), (.waitingForThirdParty, .reply): self
    case (.waitingForCustomer, .message): .open
    case (.resolved, .message): .reopened
    case (.new, .message), (.open, .message), (.reopened, .message), (.waitingForThirdParty, .message): self
    case (.new, .waitForCustomer), (.open, .waitForCustomer), (.reopened, .waitForCustomer), (.waitingForThirdParty, .waitForCustomer):
      .waitingForCustomer
    case (.new, .waitForThirdParty), (.open, .waitForThirdParty), (.reopened, .waitForThirdParty), (.waitingForCustomer, .waitForThirdParty):
      .waitingForThirdParty
    case (.waitingForCustomer, .resume), (.waitingForThirdParty, .resume): .open
    case (.resolved, .close): .closed
    case (.resolved, .reopen), (.closed, .reopen): .reopened
    case (_, .resolve): isOpen ? .resolved : nil
    default: nil
    }
  }

  /// The steps that are possible, in the order of ``TicketStep``.
  public var steps: [TicketStep] { TicketStep.allCases.filter { next($0) != nil } }
}
