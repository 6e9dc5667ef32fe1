// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

@testable import PrivateDNS

/// An input as the answer of a server to a question for a name of a network's zone.
///
/// Octets: which type is asked for and whether with DO; two of flags; two each for the counts of the three sections; the
/// records.
struct FuzzedAnswer {
    static let network = AddressSet([IPPrefix("10.20.0.0/16"), IPPrefix("fd00:20::/48")].compactMap(\.self))
    static let name: [UInt8] = [3] + Array("hub".utf8) + [5] + Array("azure".utf8) + [4] + Array("test".utf8) + [0]
    static let apex = Array(name[4...])
    static let route = ForwardRoute(
        scope: 1,
        lineage: 1,
        servers: [],
        label: 0,
        pathBoundTTL: 10,
        apex: apex,
        filter: AnswerFilter(addresses: .within(network))
    )
    private static let types: [RecordType] = [.a, .aaaa, .cname, .https, .mx, .soa, RecordType(rawValue: 16), .ptr]

    let question: UpstreamAnswer.Question
    private let flags: [UInt8]
    private let counts: [UInt8]
    private let records: [UInt8]

    init?(_ input: [UInt8]) {
        guard input.count >= 9 else { return nil }
        question = UpstreamAnswer.Question(
            name: Self.name,
            type: Self.types[Int(input[0] % 8)],
            variant: input[0] & 0x80 != 0 ? .wantsDNSSEC : []
        )
        flags = [input[1] | 0x80, input[2]]
        counts = Array(input[3..<9])
        records = Array(input[9...])
    }

    private var questionOctets: [UInt8] {
        question.name + [UInt8(question.type.rawValue >> 8), UInt8(question.type.rawValue & 255), 0, 1]
    }

    /// What a client asks, with EDNS.
    var query: [UInt8] {
        let flag: UInt8 = question.variant.contains(.wantsDNSSEC) ? 0x80 : 0
        return [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1] + questionOctets + [0, 0, 41, 4, 208, 0, 0, flag, 0, 0, 0]
    }

    /// What the resolver takes it for; nil where it refuses it.
    var answer: UpstreamAnswer? {
        let message = [1, 2] + flags + [0, 1] + counts + questionOctets + records
        let apex = Self.apex
        return try? UpstreamAnswer(
            message.span,
            id: 0x0102,
            question: question,
            route: Self.route,
            isOurs: { $0.suffix(apex.count) == apex[...] }
        )
    }
}
