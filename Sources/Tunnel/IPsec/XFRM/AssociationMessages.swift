// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

enum AssociationMessages {
    /// Asks for all associations. Behind the netlink header of a dump come attributes at once, no fixed header
    /// (`xfrm_dump_sa`).
    static func dump() -> NetlinkMessage { NetlinkMessage(type: XFRM_MSG_GETSA, flags: 0) }

    /// Reads what a dump or the making of one tells; nil for other messages.
    static func parse(_ reply: NetlinkReply) -> SecurityAssociation? {
        switch reply.type {
        case XFRM_MSG_NEWSA, XFRM_MSG_UPDSA:
            reply.parts(xfrm_usersa_info.self).flatMap { association($0.header, $0.attributes) }
        default: nil
        }
    }

    /// Takes an association away.
    static func delete(_ association: SecurityAssociation) -> NetlinkMessage {
        var id = xfrm_usersa_id()
        id.spi = association.spi.bigEndian
        id.family = UInt16(association.family.kernelNumber)
        id.proto = association.proto.rawValue
        unsafe withUnsafeMutableBytes(of: &id.daddr) { unsafe $0.copyBytes(from: association.destination.bytes) }
        let header: [24 of UInt8] = id.octets()
        var message = NetlinkMessage(type: XFRM_MSG_DELSA, flags: 0, header: header)
        if let mark = association.mark {
            message.put(
                XFRMA_MARK,
                [mark.value, mark.mask].flatMap { unsafe withUnsafeBytes(of: $0) { unsafe Array($0) } }
            )
        }
        return message
    }

    /// Reads struct xfrm_usersa_info and the attributes beside it.
    static func association(_ info: xfrm_usersa_info, _ attributes: NetlinkAttributes) -> SecurityAssociation? {
        guard let destination = IPAddress(info.id.daddr, info.family),
            let source = IPAddress(info.saddr, info.family)
        else { return nil }
        return SecurityAssociation(
            destination: destination,
            source: source,
            spi: UInt32(bigEndian: info.id.spi),
            proto: IPsecProtocol(rawValue: info.id.proto),
            mode: IPsecMode(rawValue: info.mode),
            requestID: info.reqid,
            interfaceID: attributes.interfaceID,
            mark: IPsecMark(attributes),
            algorithms: algorithms(attributes),
            replay: replay(info, attributes),
            traffic: SecurityAssociation.Traffic(
                bytes: info.curlft.bytes,
                packets: info.curlft.packets,
                added: info.curlft.add_time,
                firstUsed: info.curlft.use_time == 0 ? nil : info.curlft.use_time,
                lastUsed: attributes.number(XFRMA_LASTUSED, as: UInt64.self).flatMap { $0 == 0 ? nil : $0 }
            ),
            encapsulation: attributes[XFRMA_ENCAP]?.structure(xfrm_encap_tmpl.self).map {
                SecurityAssociation.Encapsulation(
                    isTCP: Int32($0.encap_type) == TCP_ENCAP_ESPINTCP,
                    sourcePort: UInt16(bigEndian: $0.encap_sport),
                    destinationPort: UInt16(bigEndian: $0.encap_dport)
                )
            },
            offload: attributes[XFRMA_OFFLOAD_DEV]?.structure(xfrm_user_offload.self).map {
                SecurityAssociation.Offload(link: $0.ifindex, isWhole: Int32($0.flags) & XFRM_OFFLOAD_PACKET != 0)
            }
        )
    }

    /// Reads names and lengths, and no octet behind them: there are the keys.
    private static func algorithms(_ attributes: NetlinkAttributes) -> [SecurityAssociation.Algorithm] {
        // char name[64], u32 bits of the key; struct xfrm_algo_aead and xfrm_algo_auth have u32 bits of the tag next.
        func algorithm(
            _ type: xfrm_attr_type_t,
            _ purpose: SecurityAssociation.Algorithm.Purpose,
            saysTag: Bool = false
        ) -> SecurityAssociation.Algorithm? {
            guard let value = attributes[type], value.count >= (saysTag ? 72 : 68) else { return nil }
            return SecurityAssociation.Algorithm(
                purpose: purpose,
                name: String(decoding: value.prefix(64).prefix { $0 != 0 }, as: UTF8.self),
                keyBits: Int(UInt32(hostOrder: value.dropFirst(64))),
                tagBits: saysTag ? Int(UInt32(hostOrder: value.dropFirst(68))) : nil
            )
        }
        // One that authenticates is told twice, the second time without its tag, for programs of old.
        let authentication =
            algorithm(XFRMA_ALG_AUTH_TRUNC, .authentication, saysTag: true)
            ?? algorithm(XFRMA_ALG_AUTH, .authentication)
        return [
            algorithm(XFRMA_ALG_AEAD, .both, saysTag: true), algorithm(XFRMA_ALG_CRYPT, .encryption), authentication,
            algorithm(XFRMA_ALG_COMP, .compression),
        ].compactMap(\.self)
    }

    private static func replay(
        _ info: xfrm_usersa_info,
        _ attributes: NetlinkAttributes
    ) -> SecurityAssociation.Replay {
        var replay = SecurityAssociation.Replay(
            window: UInt32(info.replay_window),
            late: info.stats.replay_window,
            repeated: info.stats.replay,
            forged: info.stats.integrity_failed,
            lastSent: 0,
            highestReceived: 0
        )
        // struct xfrm_replay_state_esn: u32 bmp_len, oseq, seq, oseq_hi, seq_hi, replay_window; then the bitmap. It also
        // stands for windows beyond 32 without ESN, whose high halves are 0.
        if let value = attributes[XFRMA_REPLAY_ESN_VAL], value.count >= 24 {
            func field(_ place: Int) -> UInt64 { UInt64(UInt32(hostOrder: value.dropFirst(4 * place))) }
            replay.lastSent = field(3) << 32 | field(1)
            replay.highestReceived = field(4) << 32 | field(2)
            replay.window = UInt32(truncatingIfNeeded: field(5))
        } else if let state = attributes[XFRMA_REPLAY_VAL]?.structure(xfrm_replay_state.self) {
            (replay.lastSent, replay.highestReceived) = (UInt64(state.oseq), UInt64(state.seq))
        }
        return replay
    }

    /// Asks for an association of ESP that no kernel can make: the key of its cipher has eight bits.
    ///
    /// The kernel looks for the cipher first, then for ESP, and only ESP looks at the key (`xfrm_state_construct`,
    /// `esp_init_state`). It is refused either way, before anything is kept or told of.
    static func impossible(_ family: AddressFamily) -> NetlinkMessage {
        var info = xfrm_usersa_info()
        info.family = UInt16(family.kernelNumber)
        info.sel.family = info.family
        info.id.proto = IPsecProtocol.esp.rawValue
        info.id.spi = UInt32(0x100).bigEndian
        info.mode = IPsecMode.tunnel.rawValue
        let header: [224 of UInt8] = info.octets()
        var message = NetlinkMessage(type: XFRM_MSG_NEWSA, flags: NLM_F_CREATE | NLM_F_EXCL, header: header)
        let name = Array("cbc(aes)".utf8)
        // struct xfrm_algo: char name[64], u32 bits of the key, the key.
        let keyBits: [UInt8] = unsafe withUnsafeBytes(of: UInt32(8)) { unsafe Array($0) }
        message.put(XFRMA_ALG_CRYPT, name + Array(repeating: 0, count: 64 - name.count) + keyBits + [0])
        return message
    }
}
