// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import Testing

@testable import Tunnel

/// Messages that no kernel sends: cut, stretched and turned over.
struct XFRMHostileTests {
    /// A message of each kind that is read, with all attributes that are.
    private static let messages: [[UInt8]] = {
        let info: [224 of UInt8] = {
            var info = xfrm_usersa_info()
            info.family = UInt16(AF_INET)
            info.sel.family = UInt16(AF_INET)
            info.id.proto = UInt8(IPPROTO_ESP)
            return info.octets()
        }()
        let policy: [168 of UInt8] = {
            var info = xfrm_userpolicy_info()
            info.sel.family = UInt16(AF_INET6)
            return info.octets()
        }()
        func array<let size: Int>(_ octets: [size of UInt8]) -> [UInt8] { octets.indices.map { octets[$0] } }
        func attributes(_ message: inout NetlinkMessage) {
            message.put(XFRMA_ALG_AEAD, Array(repeating: 0x41, count: 92))
            message.put(XFRMA_ALG_AUTH, Array(repeating: 0x41, count: 88))
            message.put(XFRMA_ALG_AUTH_TRUNC, Array(repeating: 0x41, count: 92))
            message.put(XFRMA_ENCAP, Array(repeating: 2, count: 24))
            message.put(XFRMA_REPLAY_ESN_VAL, Array(repeating: 0xff, count: 28))
            message.put(XFRMA_REPLAY_VAL, Array(repeating: 0xff, count: 12))
            message.put(XFRMA_MARK, [1, 0, 0, 0, 1, 0, 0, 0])
            message.put(XFRMA_LASTUSED, number: UInt64.max)
            message.put(XFRMA_OFFLOAD_DEV, Array(repeating: 4, count: 8))
            message.put(XFRMA_TMPL, Array(repeating: 2, count: 130))
            message.put(XFRMA_POLICY_TYPE, Array(repeating: 1, count: 6))
            message.put(XFRMA_SA, array(info))
            message.put(XFRMA_POLICY, array(policy))
            message.put(XFRMA_IF_ID, number: UInt32.max)
        }
        func message<let size: Int>(_ type: Int, _ header: [size of UInt8]) -> [UInt8] {
            var message = NetlinkMessage(type: type, flags: 0, header: header)
            attributes(&message)
            return Array(message.bytes)
        }
        let acquire: [280 of UInt8] = {
            var acquire = xfrm_user_acquire()
            acquire.sel.family = UInt16(AF_INET)
            acquire.policy.sel.family = UInt16(AF_INET)
            return acquire.octets()
        }()
        return [
            message(XFRM_MSG_NEWSA, info), message(XFRM_MSG_DELSA, [24 of UInt8](repeating: 0)),
            message(
                XFRM_MSG_EXPIRE,
                {
                    var expire = xfrm_user_expire()
                    expire.state.family = UInt16(AF_INET6)
                    return expire.octets() as [232 of UInt8]
                }()
            ),
            message(XFRM_MSG_NEWPOLICY, policy), message(XFRM_MSG_DELPOLICY, [64 of UInt8](repeating: 0)),
            message(
                XFRM_MSG_POLEXPIRE,
                {
                    var expire = xfrm_user_polexpire()
                    expire.pol.sel.family = UInt16(AF_INET)
                    return expire.octets() as [176 of UInt8]
                }()
            ),
            message(XFRM_MSG_ACQUIRE, acquire), message(XFRM_MSG_MAPPING, [64 of UInt8](repeating: 2)),
            message(XFRM_MSG_FLUSHSA, [4 of UInt8](repeating: 0)),
            message(XFRM_MSG_FLUSHPOLICY, [4 of UInt8](repeating: 0)),
            message(XFRM_MSG_GETDEFAULT, [4 of UInt8](repeating: 1)),
        ]
    }()

    /// Else what follows shows nothing.
    @Test func readsThemWhereTheyAreWhole() {
        let events = Self.messages.flatMap { XFRMEvents.parse($0) }
        #expect(events.count == Self.messages.count - 1, "the mapping is of a family that is unknown: \(events)")
    }

    @Test func readsWhatWasCutWithoutHarm() {
        for whole in Self.messages {
            for count in 16..<whole.count {
                var cut = Array(whole.prefix(count))
                // As if the header's length were that of what is left.
                (cut[0], cut[1]) = (UInt8(truncatingIfNeeded: count), UInt8(truncatingIfNeeded: count >> 8))
                for reply in NetlinkReply.parse(cut) { Self.read(reply) }
            }
        }
    }

    @Test func readsWhatWasTurnedOverWithoutHarm() {
        var seed: UInt64 = 5
        func random(_ limit: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % limit
        }
        for whole in Self.messages {
            for place in whole.indices {
                var crooked = whole
                crooked[place] ^= 0xff
                for reply in NetlinkReply.parse(crooked) { Self.read(reply) }
            }
            for _ in 0..<1_000 {
                var crooked = whole
                for _ in 0..<4 { crooked[random(crooked.count)] = UInt8(random(256)) }
                for reply in NetlinkReply.parse(crooked) { Self.read(reply) }
            }
        }
    }

    private static func read(_ reply: NetlinkReply) {
        _ = (XFRMEvent(reply), AssociationMessages.parse(reply), LinkMessages.parse(reply))
        if let policy = PolicyMessages.parse(reply), let ours = BlockPolicy(policy, among: 0...UInt32.max) {
            #expect(ours.installation.length == 192)
        }
    }
}
