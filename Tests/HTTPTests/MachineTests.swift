// The pure machines: streamed bodies, exchanges, transfers, events and lines.
import Testing

@testable import HTTP

@Suite struct StreamMachineTests {
  private typealias Machine = StreamMachine<Int>
  private let max = StreamMachine<Int>.bufferBytesMax

  private func read(_ machine: inout Machine, _ count: Int) -> (Machine.Reading, Int?, [UInt8]) {
    var room = [UInt8](repeating: 0, count: count)
    let (reading, waiter) = room.withUnsafeMutableBytes { machine.read(into: $0) }
    if case .bytes(let count) = reading { return (reading, waiter, Array(room.prefix(count))) }
    return (reading, waiter, [])
  }

  @Test func aWriterIsHeldAtTheMarkAndGoesOnWhenHalfIsGone() {
    var machine = Machine()
    let bytes = [UInt8](repeating: 1, count: max + 10)
    #expect(machine.begin() == nil)
    #expect(machine.write(bytes[...]) == .took(max, wakes: false))
    #expect(machine.write(bytes[max...]) == .full)
    #expect(machine.wait(7) == nil)
    #expect(read(&machine, max / 4).1 == nil)
    let (reading, waiter, _) = read(&machine, max / 4)
    #expect(reading == .bytes(max / 4))
    #expect(waiter == 7)
    #expect(machine.write(bytes[max...]) == .took(10, wakes: false))
  }

  @Test func aParkedReaderIsWokenOnce() {
    var machine = Machine()
    #expect(read(&machine, 10).0 == .park)
    #expect(machine.write([1]) == .took(1, wakes: true))
    #expect(machine.write([2]) == .took(1, wakes: false))
    #expect(read(&machine, 10).2 == [1, 2])
    #expect(read(&machine, 10).0 == .park)
    #expect(machine.finish().wakes)
    #expect(!machine.finish().wakes)
    #expect(read(&machine, 10).0 == .end)
  }

  @Test func bytesComeOutInOrderHoweverTheyAreCut() {
    var machine = Machine()
    var numbers = SeededNumbers(state: 1)
    var written: [UInt8] = []
    var got: [UInt8] = []
    for _ in 0..<2_000 {
      if numbers.next() % 2 == 0 {
        let piece = (0..<(numbers.next() % 3_000)).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
        if case .took(let count, _) = machine.write(piece[...]) { written += piece.prefix(count) }
      } else {
        got += read(&machine, 1 + Int(numbers.next() % 4_000)).2
      }
    }
    while case (.bytes, _, let bytes) = read(&machine, 4_000) { got += bytes }
    #expect(got == written)
    #expect(machine.bytesSent == written.count)
  }

  @Test func whatWasWrittenGoesOutBeforeTheEnd() {
    var machine = Machine()
    _ = machine.write([1, 2, 3])
    _ = machine.finish()
    #expect(machine.write([4]) == .refused(.closed))
    #expect(read(&machine, 2).2 == [1, 2])
    #expect(read(&machine, 2).2 == [3])
    #expect(read(&machine, 2).0 == .end)
  }

  @Test func aFailureCutsAtOnceEvenAfterAnEndThatHasNotGoneOut() {
    var machine = Machine()
    _ = machine.write([1])
    _ = machine.finish()
    _ = machine.fail(.clientGone)
    #expect(read(&machine, 2).0 == .cut)
    #expect(machine.write([4]) == .refused(.clientGone))
    #expect(machine.wait(1) != nil)
  }

  @Test func aFailureWakesWriterAndReader() {
    var machine = Machine()
    _ = machine.write([UInt8](repeating: 0, count: max)[...])
    #expect(machine.wait(7) == nil)
    let effects = machine.fail(.serverStopping)
    #expect(effects.waiter == 7)
    #expect(effects.failure == .serverStopping)
    var parked = Machine()
    _ = read(&parked, 1)
    #expect(parked.fail(.clientGone).wakes)
  }

  @Test func aCancelledWriteLosesTheBodyUnlessItHadEnded() {
    var machine = Machine()
    _ = machine.giveUp(.cancelled)
    #expect(read(&machine, 1).0 == .cut)
    var stopped = Machine()
    _ = stopped.stop()
    // What a writer does that was told of the stop or cancelled.
    _ = stopped.giveUp(.cancelled)
    _ = stopped.giveUp(.closed)
    #expect(read(&stopped, 1).0 == .end)
    #expect(stopped.write([1]) == .refused(.serverStopping))
  }

  @Test func aSignOfLifeNeverComesInsideAPiece() {
    var machine = Machine()
    _ = read(&machine, 1)
    _ = machine.begin()
    #expect(machine.heartbeat([58]) == false)
    machine.endWrite()
    #expect(machine.heartbeat([58]) == true)
    #expect(machine.heartbeat([58]) == false)
    #expect(read(&machine, 10).2 == [58])
  }

  @Test func twoWritersAtOnceAreRefused() {
    var machine = Machine()
    #expect(machine.begin() == nil)
    #expect(machine.begin() == .twoWriters)
    machine.endWrite()
    #expect(machine.begin() == nil)
  }
}

@Suite struct ExchangeMachineTests {
  private func take(_ machine: inout ExchangeMachine, _ bytes: [UInt8], fits: Bool = true) -> ExchangeMachine.Taking {
    bytes.withUnsafeBytes { machine.take($0, fits: fits) }
  }

  private func status(_ step: ExchangeMachine.Step) -> Int? {
    switch step {
    case .send(let reply): reply.response.status.rawValue
    case .refuse(let problem): problem.status.rawValue
    case .handle, .cut: nil
    }
  }

  @Test func theFirstAnswerCounts() {
    var machine = ExchangeMachine()
    machine.accept(bodyBytesMax: 10, expecting: 0)
    _ = machine.next()
    #expect(machine.answer(Reply(response: .text("before it was suspended"))) == false)
    machine.suspended()
    #expect(machine.answer(Reply(response: Response(.serviceUnavailable))) == true)
    #expect(machine.answer(Reply(response: .text("too late"))) == false)
    #expect(status(machine.next()) == 503)
    #expect(machine.status == .serviceUnavailable)
    #expect(machine.answer(Reply(response: .text("much too late"))) == false)
  }

  @Test func aBodyBeyondItsLimitIsDroppedUpToABoundAndThenCut() {
    var machine = ExchangeMachine()
    machine.accept(bodyBytesMax: 3, expecting: 0)
    #expect(take(&machine, [1, 2, 3]) == .kept)
    #expect(take(&machine, [4]) == .dropped)
    #expect(take(&machine, [UInt8](repeating: 0, count: ExchangeMachine.discardBytesMax - 1)) == .dropped)
    #expect(status(machine.next()) == 413)
    var endless = ExchangeMachine()
    endless.accept(bodyBytesMax: 0, expecting: 0)
    #expect(take(&endless, [1]) == .dropped)
    #expect(take(&endless, [UInt8](repeating: 0, count: ExchangeMachine.discardBytesMax)) == .cut)
  }

  @Test func aBodyTheServerHasNoRoomForIsRefused() {
    var machine = ExchangeMachine()
    machine.accept(bodyBytesMax: 3, expecting: 3)
    #expect(take(&machine, [1], fits: false) == .dropped)
    #expect(status(machine.next()) == 503)
  }

  @Test func anEndWhileHandlingMeansThatThePeerIsGone() {
    var machine = ExchangeMachine()
    machine.accept(bodyBytesMax: 3, expecting: 0)
    _ = machine.next()
    machine.suspended()
    _ = machine.complete()
    #expect(machine.isPeerGone)
    #expect(machine.answer(Reply(response: .text("late"))) == false)
    #expect(machine.keep(Task {}) == false)
  }
}

@Suite struct EventTests {
  @Test(arguments: [
    ("a", nil, nil, nil, "data: a\n\n"), ("", nil, nil, nil, "data: \n\n"), ("a\nb", nil, nil, nil, "data: a\ndata: b\n\n"),
    ("a\r\nb\rc", nil, nil, nil, "data: a\ndata: b\ndata: c\n\n"), ("a\n", nil, nil, nil, "data: a\ndata: \n\n"),
    ("a", "e", "1", 500, "event: e\nid: 1\nretry: 500\ndata: a\n\n"), ("a", "e\ndata: x", nil, nil, nil), ("a", nil, "1\r", nil, nil),
    ("a", nil, "1\0", nil, nil), ("a", nil, nil, -1, "data: a\n\n"),
  ] as [(String, String?, String?, Int?, String?)])
  func eventsAreWrittenAsTheStandardSays(data: String, event: String?, id: String?, retry: Int?, expected: String?) {
    let bytes = EventStream.encode(data, event: event, id: id, retryMilliseconds: retry)
    #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == expected)
  }
}

@Suite struct LineCutterTests {
  @Test(arguments: [1, 2, 3, 5, 100]) func linesAreTheSameHoweverPiecesAreCut(size: Int) {
    let text = Array("one\ntwo\r\n\n{\"客\":1}\nlast".utf8)
    var cutter = LineCutter(lineBytesMax: 100)
    var lines: [String] = []
    var place = 0
    while place < text.count {
      cutter.add(Array(text[place..<min(place + size, text.count)]))
      place += size
      while let line = cutter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
    }
    if let last = cutter.last() { lines.append(String(decoding: last, as: UTF8.self)) }
    #expect(lines == ["one", "two", "", "{\"客\":1}", "last"])
    #expect(cutter.last() == nil)
  }

  @Test func aLineTooLongIsNotGivenOut() {
    var cutter = LineCutter(lineBytesMax: 3)
    cutter.add(Array("abc\r\nabcd\n".utf8))
    #expect(cutter.next() == Array("abc".utf8))
    #expect(cutter.next() == nil)
    #expect(cutter.pendingBytes > 4)
  }
}

@Suite struct TransferMachineTests {
  private func header(_ machine: inout TransferMachine<Int>, _ lines: [String]) -> [TransferMachine<Int>.Taking] {
    lines.map { machine.header(Array("\($0)\r\n".utf8)).0 }
  }

  @Test func anInterimResponseIsSkipped() throws {
    var machine = TransferMachine<Int>(isStreamed: false, limits: HTTPClientLimits())
    _ = header(&machine, ["HTTP/1.1 103 Early Hints", "Link: x", "", "HTTP/1.1 201 Created", "X-A:  b ", "", "X-Trailer: no", ""])
    _ = machine.finish(.success(()))
    let response = try machine.response()?.get()
    #expect(response == ClientResponse(status: .created, headers: ["X-A": "b"], body: []))
  }

  @Test(arguments: ["HTTP/1.1", "HTTP/1.1 abc", "HTTP/1.1 99", "HTTP/1.1 1000"]) func aStatusThatIsNoneAborts(line: String) {
    var machine = TransferMachine<Int>(isStreamed: false, limits: HTTPClientLimits())
    #expect(header(&machine, [line]) == [.abort])
    _ = machine.finish(.success(()))
    #expect(throws: HTTPClientFailure.self) { try machine.response()?.get() }
  }

  @Test func aStreamPausesAtItsBoundAndGoesOnWhenRead() {
    var limits = HTTPClientLimits()
    limits.streamBufferBytesMax = 4
    var machine = TransferMachine<Int>(isStreamed: true, limits: limits)
    func piece(_ bytes: [UInt8]) -> (TransferMachine<Int>.Taking, Int?) { bytes.withUnsafeBytes { machine.piece($0) } }
    #expect(machine.wait(1, forHead: false) == true)
    #expect(machine.wait(2, forHead: false) == false)
    #expect(piece([1, 2, 3]) == (.kept, 1))
    #expect(piece([4, 5]) == (.pause, nil))
    #expect(machine.read() == .piece([1, 2, 3], goesOn: true))
    // Larger than the bound: passes when nothing else is held.
    #expect(piece([4, 5, 6, 7, 8]) == (.kept, nil))
    #expect(machine.read() == .piece([4, 5, 6, 7, 8], goesOn: false))
    #expect(machine.read() == .none)
    #expect(machine.finish(.success(())) == nil)
    #expect(machine.read() == .end)
  }

  @Test func theFirstOutcomeCountsAndWakesTheWaiter() {
    var machine = TransferMachine<Int>(isStreamed: false, limits: HTTPClientLimits())
    #expect(machine.wait(9, forHead: true) == true)
    let cancelled = HTTPClientFailure(.cancelled, "")
    #expect(machine.finish(.failure(cancelled)) == 9)
    #expect(machine.finish(.success(())) == nil)
    #expect(machine.read() == .failed(cancelled))
    #expect([1].withUnsafeBytes { machine.piece($0).0 } == .abort)
  }
}
