// SPDX-License-Identifier: Apache-2.0
// What a hostile message of 64 KiB costs: as a server's answer, checked and made ready to be kept, and as a query; beside
// libldns, which only reads it, in turns. Prints a RESULT line for each, in microseconds. An argument chooses the messages
// whose name holds it.

import CLdns
import NetworkTypes
import SystemIO

@testable import PrivateDNS

private let rounds = 201
private let clock = SystemClock()
private let question = UpstreamAnswer.Question(name: HostileMessages.name, type: .a, variant: [.wantsDNSSEC])
private let network = AddressSet([IPPrefix("10.20.0.0/16"), IPPrefix("fd00:20::/48")].compactMap(\.self))
private let route = ForwardRoute(
    scope: 1,
    lineage: 1,
    servers: [],
    label: 0,
    pathBoundTTL: 10,
    filter: AnswerFilter(addresses: .within(network))
)

/// Takes an answer as the resolver does; true where it is one.
@inline(never)
private func takesAnswer(_ message: [UInt8]) -> Bool {
    guard
        let answer = try? UpstreamAnswer(
            message.span,
            id: 0x0102,
            question: question,
            route: route,
            isOurs: { _ in true }
        )
    else { return false }
    return answer.entry(for: question, route: route).lifetime > 0
}

@inline(never)
private func takesQuery(_ message: [UInt8]) -> Bool { (try? QueryHead(scanning: message.span)) != nil }

/// Reads it as libldns does.
@inline(never)
private func readsByLibldns(_ message: [UInt8]) -> Bool {
    var packet: UnsafeMutablePointer<ldns_pkt>?
    defer { unsafe ldns_pkt_free(packet) }
    return unsafe ldns_wire2pkt(&packet, message, message.count) == LDNS_STATUS_OK
}

private func microseconds(_ work: ([UInt8]) -> Bool, _ message: [UInt8]) -> Double {
    let start = clock.now
    _ = work(message)
    return Double((clock.now - start).nanoseconds) / 1000
}

private func text(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

private func measure(_ kind: String, _ name: String, _ message: [UInt8], _ work: ([UInt8]) -> Bool) {
    var own: [Double] = []
    var peer: [Double] = []
    for _ in 0..<rounds {
        own.append(microseconds(work, message))
        peer.append(microseconds(readsByLibldns, message))
    }
    own.sort()
    peer.sort()
    let (median, other) = (own[rounds / 2], peer[rounds / 2])
    StandardStream.output.write(
        "RESULT hostile-\(kind)-\(name) octets=\(message.count) taken=\(work(message)) us-median=\(text(median)) "
            + "us-min=\(text(own[0])) ldns-us-median=\(text(other)) ratio=\((median / other * 1000).rounded() / 1000)\n"
    )
}

private let chosen = CommandLine.arguments.dropFirst().first ?? ""
private func isChosen(_ name: String) -> Bool { chosen.isEmpty || name.contains(chosen) }
for (name, message) in HostileMessages.answers where isChosen(name) { measure("answer", name, message, takesAnswer) }
for (name, message) in HostileMessages.queries where isChosen(name) { measure("query", name, message, takesQuery) }
