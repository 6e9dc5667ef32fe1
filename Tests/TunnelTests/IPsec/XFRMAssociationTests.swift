// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

@testable import Tunnel

/// Associations as kernels that have ESP tell them, and what a kernel that has none says.
@Suite(.serialized)
struct XFRMAssociationTests {
    /// What Debian's kernel sent when it was asked for two (see Tests/Lab/Guest/capture).
    @Test func readsWhatTheKernelSent() throws {
        let octets = try Self.captured()
        let read = NetlinkReply.parse(octets).compactMap(AssociationMessages.parse)
        #expect(FakeAssociations.comparable(read) == FakeAssociations.expected)
        #expect(read.allSatisfy { $0.traffic.added > 1_600_000_000 && $0.traffic.firstUsed == nil })
    }

    /// The kernel does tell the keys, and nothing of them goes further.
    @Test func holdsNoOctetOfAKey() throws {
        let octets = try Self.captured()
        let text = String(decoding: octets, as: UTF8.self)
        let key = String(FakeAssociations.key.prefix(16))
        #expect(text.contains(key), "else this shows nothing")
        var shown = ""
        for event in XFRMEvents.parse(octets) { dump(event, to: &shown) }
        #expect(shown.contains("rfc4106(gcm(aes))"))
        #expect(
            !shown.contains(key) && !shown.contains("\(Array(key.utf8).prefix(4))")
                && !shown.lowercased().contains("fake")
        )
    }

    @Test func readsWhatWasCutWithoutHarm() throws {
        let whole = try Self.captured()
        for count in 16..<whole.count {
            var cut = Array(whole.prefix(count))
            // As if the header's length were that of what is left.
            for index in 0..<4 { cut[index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
            #expect(NetlinkReply.parse(cut).compactMap(AssociationMessages.parse).count <= 1)
        }
    }

    /// Whether there is ESP is found out as ip(8) would find it, but nothing is left of it and nobody hears of it.
    @Test(arguments: [
        (AddressFamily.ipv4, "src 192.0.2.1 dst 192.0.2.2"), (.ipv6, "src 2001:db8::1 dst 2001:db8::2"),
    ])
    func knowsWhetherThereIsESP(family: AddressFamily, addresses: String) throws {
        try inFreshNamespace {
            let events = try XFRMEvents(hearsAcquires: true)
            let database = try SecurityDatabase()
            let isLacking = try database.lacksESP(family)
            #expect(try database.associations().isEmpty)
            #expect(events.drain() == [])
            let key = FakeAssociations.hexadecimal(16)
            let made = Result {
                try ip("xfrm state add \(addresses) proto esp spi 0x1001 mode tunnel enc cbc(aes) 0x\(key)")
            }
            switch made {
            case .success: #expect(!isLacking)
            case .failure(let error):
                #expect(isLacking && "\(error)".contains("Requested type not found"), "\(error)")
            }
        }
    }

    @Test func saysWhatIsNoAnswerToTheQuestionForESP() throws {
        func answer(_ code: Int32) throws -> Bool {
            try SecurityDatabase(over: ScriptedKernel([ScriptedKernel.acknowledgement(-code, sequence: 1)]))
                .lacksESP(.ipv4)
        }
        #expect(try answer(EPROTONOSUPPORT))
        #expect(try !answer(EINVAL))
        for code in [EPERM, ENOSYS] {
            #expect(throws: NetlinkError.refused(operation: "look for ESP over ipv4", code: code, text: nil)) {
                try answer(code)
            }
        }
    }

    private static func captured() throws -> [UInt8] {
        let tree = #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined()
        return try Files.read("\(tree)/Tests/Lab/Guest/Captured/xfrm-associations.netlink")
    }
}

/// Two associations with keys that protect nothing: one of AES-GCM with ESN, and one of AES-CBC with HMAC in UDP.
enum FakeAssociations {
    static let key = "FAKEfakeFAKEfakeFAKEfakeFAKEfake"

    /// So many octets of the key.
    static func hexadecimal(_ octets: Int) -> String { Hexadecimal.encode(Array(key.utf8.prefix(octets))) }

    /// Lines of ip(8) that make them.
    static let lines = """
        xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1001 reqid 9 mode tunnel if_id 42 \
        replay-window 128 flag esn aead rfc4106(gcm(aes)) 0x\(hexadecimal(20)) 128
        xfrm state add src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x1002 reqid 10 mode tunnel mark 3 mask 7 \
        encap espinudp 4500 50000 0.0.0.0 replay-window 32 enc cbc(aes) 0x\(hexadecimal(16)) \
        auth-trunc hmac(sha256) 0x\(hexadecimal(32)) 128
        """

    /// What is to be read of them, but for when they were made.
    static var expected: [SecurityAssociation] {
        func association(_ source: String, _ destination: String, spi: UInt32) -> SecurityAssociation {
            SecurityAssociation(
                destination: Sample.address("\(destination)/32").address,
                source: Sample.address("\(source)/32").address,
                spi: spi,
                proto: .esp,
                mode: .tunnel,
                requestID: 9,
                interfaceID: 42,
                mark: nil,
                algorithms: [],
                replay: SecurityAssociation.Replay(
                    window: 128,
                    late: 0,
                    repeated: 0,
                    forged: 0,
                    lastSent: 0,
                    highestReceived: 0
                ),
                traffic: SecurityAssociation.Traffic(bytes: 0, packets: 0, added: 0, firstUsed: nil, lastUsed: nil),
                encapsulation: nil,
                offload: nil
            )
        }
        var first = association("192.0.2.1", "192.0.2.2", spi: 0x1001)
        first.algorithms = [.init(purpose: .both, name: "rfc4106(gcm(aes))", keyBits: 160, tagBits: 128)]
        var second = association("192.0.2.2", "192.0.2.1", spi: 0x1002)
        second.algorithms = [
            .init(purpose: .encryption, name: "cbc(aes)", keyBits: 128, tagBits: nil),
            .init(purpose: .authentication, name: "hmac(sha256)", keyBits: 256, tagBits: 128),
        ]
        (second.requestID, second.interfaceID, second.mark) = (10, 0, IPsecMark(value: 3, mask: 7))
        second.replay.window = 32
        second.encapsulation = .init(isTCP: false, sourcePort: 4500, destinationPort: 50_000)
        return [first, second]
    }

    /// In order, and without what the clock makes of them.
    static func comparable(_ associations: [SecurityAssociation]) -> [SecurityAssociation] {
        associations.sorted { $0.spi < $1.spi }.map { association in
            var association = association
            association.traffic.added = 0
            return association
        }
    }
}
