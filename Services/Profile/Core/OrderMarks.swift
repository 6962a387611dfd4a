// Where a customer's orders lie among those of all: enough to find one by its key, and to know of most that they are not there without looking.
public import Domain

/// The month that an order is filed under, or none.
///
/// Orders are filed by the month of the event that first spoke of them, whatever is learned of them later. So the orders of today meet on few pages of
/// the tables' indexes, however many there are from before.
public struct OrderMonth: Hashable, Sendable, Comparable {
  /// Months since the year 0; 0 is none.
  public let number: Int16

  public static let none = OrderMonth(number: 0)

  public init(number: Int16) { self.number = number }

  /// Of a moment, in UTC.
  public init(of instant: Instant) {
    number = Int16(clamping: max(1, BusinessZone.utc.day(of: instant).month.index))
  }

  public static func < (left: OrderMonth, right: OrderMonth) -> Bool { left.number < right.number }
}

/// A mark for each of a customer's orders: its month, and 16 bits of its key. Where no mark has the bits of a key, no such order is filed under a month.
///
/// Written with the customer's row by whoever adds an order, so that it is as exact as the row: under its lock, or where its version is the one that
/// was read. Customers with many orders file further ones under no month; those are told apart by the key of their row alone, as far as it goes.
public struct OrderMarks: Hashable, Sendable {
  /// Orders of a customer that are marked; further ones are filed under no month. Customers that are put together keep all marks of both.
  public static let marksMax = 64

  /// Sorted: month and bits. A mark of no month stands for any number of orders.
  public private(set) var marks: [UInt32]

  private static let unfiled: UInt32 = 0

  public init() { marks = [] }

  /// - Parameter marks: sorted, each once.
  public init(sorted marks: [UInt32]) { self.marks = marks }

  private static func mark(_ key: Int64, _ month: OrderMonth) -> UInt32 {
    month == .none ? unfiled : UInt32(UInt16(bitPattern: month.number)) << 16 | UInt32(UInt16(truncatingIfNeeded: key))
  }

  private static func month(of mark: UInt32) -> OrderMonth { OrderMonth(number: Int16(truncatingIfNeeded: mark >> 16)) }

  /// Whether orders are filed under no month, of which there are no marks.
  public var hasUnfiled: Bool { marks.first == OrderMarks.unfiled }

  /// Whether a new order is filed under no month.
  var isFull: Bool { marks.count >= OrderMarks.marksMax }

  /// What a new order is filed under that an event of this moment speaks of.
  func monthOfNew(at instant: Instant) -> OrderMonth { isFull ? .none : OrderMonth(of: instant) }

  /// Whether an order of this key may be filed under a month.
  func mayHold(_ key: Int64) -> Bool {
    let bits = UInt16(truncatingIfNeeded: key)
    return marks.contains { UInt16(truncatingIfNeeded: $0) == bits && $0 != OrderMarks.unfiled }
  }

  /// Everything that an order of this key may be filed under.
  public func months(of key: Int64) -> [OrderMonth] {
    let bits = UInt16(truncatingIfNeeded: key)
    return marks.filter { UInt16(truncatingIfNeeded: $0) == bits || $0 == OrderMarks.unfiled }.map(OrderMarks.month)
  }

  /// Everything that any order is filed under, each once.
  public var months: [OrderMonth] {
    var months: [OrderMonth] = []
    for mark in marks where months.last != OrderMarks.month(of: mark) { months.append(OrderMarks.month(of: mark)) }
    return months
  }

  mutating func insert(_ key: Int64, _ month: OrderMonth) {
    let mark = OrderMarks.mark(key, month)
    // Mostly the newest.
    guard let last = marks.last, last >= mark else { return marks.append(mark) }
    var low = 0, high = marks.count
    while low < high {
      let middle = (low + high) / 2
      if marks[middle] < mark { low = middle + 1 } else { high = middle }
    }
    if marks[low] != mark { marks.insert(mark, at: low) }
  }
}

/// An order with what its row is found by.
public struct StoredOrder: Sendable {
  public let record: OrderRecord
  /// The hash of its source and id; see ``ProfileStore/orderKey(source:orderID:creditNote:)``.
  public let key: Int64
  public let month: OrderMonth

  public init(_ record: OrderRecord, key: Int64, month: OrderMonth) {
    self.record = record
    self.key = key
    self.month = month
  }
}

/// An order that is asked for, and what it may be filed under.
public struct SoughtOrder: Sendable {
  public let reference: OrderReference
  public let key: Int64
  public let months: [OrderMonth]
}

/// An identity whose orders are asked for, and what they may be filed under.
public struct SoughtOrders: Sendable {
  public let identity: CustomerID
  public let months: [OrderMonth]
}
