// SPDX-License-Identifier: Apache-2.0

import CLinux

/// The nf_tables expressions that the guard needs (linux/netfilter/nf_tables.h); data goes through register 1.
enum NftExpression: Hashable, Sendable {
    /// Loads what is known of the packet, as the name of its interface.
    case meta(nft_meta_keys)
    /// Sets the packet's mark to the register.
    case setMark
    /// Loads octets of a header.
    case payload(nft_payload_bases, offset: UInt32, length: UInt32)
    /// Goes on only if the register equals the value, or does not.
    case compare(nft_cmp_ops, [UInt8])
    /// Goes on only if the register is in the set, or is not.
    case lookup(set: String, inverted: Bool)
    /// Register = register & mask ^ xor.
    case bitwise(mask: [UInt8], xor: [UInt8])
    /// Loads the request id of the outbound security association that is about to protect the packet (host order); goes no
    /// further where there is none.
    case outboundRequestID
    /// Counts.
    case counter
    /// Lets the packet pass this chain.
    case accept
    /// Drops the packet.
    case drop
    /// Translates the connection's source to the address of the interface that it leaves by; the kernel forgets the
    /// connection when a packet of it leaves by another, or when the address goes.
    case masquerade
    /// Loads what is known of the connection.
    case connection(nft_ct_keys)
    /// Sets the connection's mark to the register.
    case setConnectionMark
    /// Loads the MSS that the routes there and back allow (host order).
    case routeMSS
    /// Turns a 16-bit number to network order.
    case toNetworkOrder16
    /// Lowers the MSS option of a TCP SYN to the register (RFC 9293 section 3.7.1); never raises it.
    case clampMSS

    private var name: String {
        switch self {
        case .meta, .setMark: "meta"
        case .payload: "payload"
        case .compare: "cmp"
        case .lookup: "lookup"
        case .bitwise: "bitwise"
        case .counter: "counter"
        case .accept, .drop: "immediate"
        case .outboundRequestID: "xfrm"
        case .masquerade: "masq"
        case .connection, .setConnectionMark: "ct"
        case .routeMSS: "rt"
        case .toNetworkOrder16: "byteorder"
        case .clampMSS: "exthdr"
        }
    }

    /// Appends the expression to a rule's list.
    func put(into list: inout NetlinkMessage) {
        list.nest(NFTA_LIST_ELEM) { element in
            element.put(NFTA_EXPR_NAME, text: name)
            element.nest(NFTA_EXPR_DATA, putData)
        }
    }

    private func putData(_ data: inout NetlinkMessage) {
        let register = NFT_REG_1.rawValue
        switch self {
        case .meta(let key):
            data.put(NFTA_META_DREG, bigEndian: register)
            data.put(NFTA_META_KEY, bigEndian: key.rawValue)
        case .setMark:
            data.put(NFTA_META_SREG, bigEndian: register)
            data.put(NFTA_META_KEY, bigEndian: NFT_META_MARK.rawValue)
        case .payload(let base, let offset, let length):
            data.put(NFTA_PAYLOAD_DREG, bigEndian: register)
            data.put(NFTA_PAYLOAD_BASE, bigEndian: base.rawValue)
            data.put(NFTA_PAYLOAD_OFFSET, bigEndian: offset)
            data.put(NFTA_PAYLOAD_LEN, bigEndian: length)
        case .compare(let operation, let value):
            data.put(NFTA_CMP_SREG, bigEndian: register)
            data.put(NFTA_CMP_OP, bigEndian: operation.rawValue)
            data.nest(NFTA_CMP_DATA) { $0.put(NFTA_DATA_VALUE, value) }
        case .lookup(let set, let inverted):
            data.put(NFTA_LOOKUP_SET, text: set)
            data.put(NFTA_LOOKUP_SREG, bigEndian: register)
            if inverted { data.put(NFTA_LOOKUP_FLAGS, bigEndian: NFT_LOOKUP_F_INV.rawValue) }
        case .bitwise(let mask, let xor):
            data.put(NFTA_BITWISE_SREG, bigEndian: register)
            data.put(NFTA_BITWISE_DREG, bigEndian: register)
            data.put(NFTA_BITWISE_LEN, bigEndian: UInt32(mask.count))
            data.nest(NFTA_BITWISE_MASK) { $0.put(NFTA_DATA_VALUE, mask) }
            data.nest(NFTA_BITWISE_XOR) { $0.put(NFTA_DATA_VALUE, xor) }
        case .outboundRequestID:
            data.put(NFTA_XFRM_DREG, bigEndian: register)
            data.put(NFTA_XFRM_KEY, bigEndian: NFT_XFRM_KEY_REQID.rawValue)
            data.put(NFTA_XFRM_DIR, number: UInt8(XFRM_POLICY_OUT))
        case .counter, .masquerade:
            break
        case .accept: Self.put(verdict: NF_ACCEPT, into: &data)
        case .drop: Self.put(verdict: NF_DROP, into: &data)
        case .connection(let key):
            data.put(NFTA_CT_DREG, bigEndian: register)
            data.put(NFTA_CT_KEY, bigEndian: key.rawValue)
        case .setConnectionMark:
            data.put(NFTA_CT_SREG, bigEndian: register)
            data.put(NFTA_CT_KEY, bigEndian: NFT_CT_MARK.rawValue)
        case .routeMSS:
            data.put(NFTA_RT_DREG, bigEndian: register)
            data.put(NFTA_RT_KEY, bigEndian: NFT_RT_TCPMSS.rawValue)
        case .toNetworkOrder16:
            data.put(NFTA_BYTEORDER_SREG, bigEndian: register)
            data.put(NFTA_BYTEORDER_DREG, bigEndian: register)
            data.put(NFTA_BYTEORDER_OP, bigEndian: NFT_BYTEORDER_HTON.rawValue)
            data.put(NFTA_BYTEORDER_LEN, bigEndian: UInt32(2))
            data.put(NFTA_BYTEORDER_SIZE, bigEndian: UInt32(2))
        case .clampMSS:
            // The option of kind 2 (maximum segment size), its value 2 octets behind the option's start.
            data.put(NFTA_EXTHDR_SREG, bigEndian: register)
            data.put(NFTA_EXTHDR_TYPE, number: UInt8(2))
            data.put(NFTA_EXTHDR_OFFSET, bigEndian: UInt32(2))
            data.put(NFTA_EXTHDR_LEN, bigEndian: UInt32(2))
            data.put(NFTA_EXTHDR_OP, bigEndian: NFT_EXTHDR_OP_TCPOPT.rawValue)
        }
    }

    private static func put(verdict: Int32, into data: inout NetlinkMessage) {
        data.put(NFTA_IMMEDIATE_DREG, bigEndian: NFT_REG_VERDICT.rawValue)
        data.nest(NFTA_IMMEDIATE_DATA) { value in
            value.nest(NFTA_DATA_VERDICT) { $0.put(NFTA_VERDICT_CODE, bigEndian: UInt32(verdict)) }
        }
    }
}
