// SPDX-License-Identifier: Apache-2.0
// Fuzzes what others can send to a STAMP sender and to a reflector.

import NetworkTypes
import PathHealth

@testable import Tunnel

/// The input is cut into packets of 48 octets and what is left of them; time goes by between them. Each other answer is made
/// one to the last question, or nothing would come behind that check.
@c(LLVMFuzzerTestOneInput)
public func fuzzSTAMP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    var now = Instant(nanoseconds: 1 << 40)
    var sender = STAMPSender(every: .milliseconds(100), sessionID: 1, at: now)
    var reflector = STAMPReflector()
    for (index, start) in stride(from: 0, to: input.count, by: 48).enumerated() {
        let octets = input[start..<min(start + 48, input.count)]
        reflect(octets, &reflector, now)
        let wall = now.nanoseconds
        let question = sender.advance(to: now, wallNanoseconds: wall, isSynchronised: true)
        now = now + .milliseconds(100)
        guard var answer = try? STAMPAnswer(octets) else { continue }
        let again = try? STAMPAnswer(answer.octets[...])
        precondition(again == answer, "what was understood is written as it was")
        if let question, index % 2 == 0 {
            (answer.senderSequence, answer.senderTimestamp) = (question.sequence, question.timestamp)
            answer.sessionID = 0
        }
        try? sender.receive(answer, at: now, wallNanoseconds: now.nanoseconds)
        check(sender)
        precondition(sender.nextDeadline <= now, "one question a turn")
    }
    return 0
}

private func reflect(_ octets: ArraySlice<UInt8>, _ reflector: inout STAMPReflector, _ now: Instant) {
    guard let question = try? STAMPQuestion(octets) else { return }
    let source = SocketEndpoint(address: .v4(IPv4Address(bits: 1)), port: question.sessionID)
    guard let number = try? reflector.number(of: question, from: source, at: now) else { return }
    let time = STAMPTimestamp(wallNanoseconds: now.nanoseconds)
    let answer = STAMPAnswer(
        to: question,
        sequence: number,
        received: time,
        ttl: 255,
        sent: time,
        errorEstimate: STAMPErrorEstimate(isSynchronised: false)
    )
    precondition(answer.octets.count == octets.count, "an answer is as long as its question")
    precondition(reflector.sessionCount <= STAMPReflector.sessionLimit)
}

private func check(_ sender: borrowing STAMPSender) {
    let trip = sender.roundTrips.smoothed ?? .zero
    precondition(trip >= .zero && trip <= .milliseconds(100))
    guard let loss = sender.recentLoss else { return }
    precondition((0...1).contains(loss.there.ratio) && (0...1).contains(loss.back.ratio))
}
