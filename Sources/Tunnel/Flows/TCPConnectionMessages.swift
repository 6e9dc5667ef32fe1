// SPDX-License-Identifier: Apache-2.0
// The kernel's list of TCP connections (sock_diag(7), linux/inet_diag.h).

import CLinux
import NetworkTypes

enum TCPConnectionMessages {
    /// The states in which something may wait for the other end's acknowledgement (RFC 9293 section 3.3.2). The kernel's
    /// build checks that these are its own numbers (net/ipv4/tcp.c).
    private static let states = [
        BPF_TCP_ESTABLISHED, BPF_TCP_SYN_SENT, BPF_TCP_FIN_WAIT1, BPF_TCP_CLOSE_WAIT, BPF_TCP_LAST_ACK,
        BPF_TCP_CLOSING,
    ]

    /// Asks for the connections over a family's sockets, as far as a filter lets them through. Those of IPv6 may carry IPv4.
    static func dump(_ family: AddressFamily, through filter: [UInt8]? = nil) -> NetlinkMessage {
        var header = inet_diag_req_v2()
        header.sdiag_family = family.kernelNumber
        header.sdiag_protocol = UInt8(IPPROTO_TCP)
        header.idiag_ext = 1 << (INET_DIAG_INFO - 1)
        header.idiag_states = states.reduce(0) { $0 | 1 << UInt32($1) }
        var message = NetlinkMessage(type: Int(SOCK_DIAG_BY_FAMILY), flags: 0, header: header)
        if let filter { message.put(INET_DIAG_REQ_BYTECODE, filter) }
        return message
    }

    /// Reads a connection; nil where less is told of it than Linux tells since 4.2.
    static func parse(_ reply: NetlinkReply) -> TCPConnection? {
        guard reply.type == SOCK_DIAG_BY_FAMILY, let header = reply.header(inet_diag_msg.self),
            let family = AddressFamily(kernelNumber: header.idiag_family),
            let octets = reply.attributes(after: inet_diag_msg.self)[INET_DIAG_INFO], let info = TCPInfo(octets)
        else { return nil }
        let id = header.id
        return TCPConnection(
            cookie: UInt64(id.idiag_cookie.0) | UInt64(id.idiag_cookie.1) << 32,
            local: endpoint(id.idiag_src, id.idiag_sport, family),
            remote: endpoint(id.idiag_dst, id.idiag_dport, family),
            interface: id.idiag_if == 0 ? nil : Int32(bitPattern: id.idiag_if),
            timeouts: Int(info.timeouts),
            retransmissions: info.retransmissions,
            unacknowledged: info.unacknowledged,
            acknowledged: info.acknowledged,
            received: info.received
        )
    }

    private typealias Words = (UInt32, UInt32, UInt32, UInt32)

    private static func endpoint(_ words: Words, _ port: UInt16, _ family: AddressFamily) -> SocketEndpoint {
        let bits = [words.0, words.1, words.2, words.3].reduce(UInt128(0)) { $0 << 32 | UInt128($1.bigEndian) }
        let isMapped = family == .ipv6 && bits >> 32 == 0xffff
        let address: IPAddress =
            switch family {
            case .ipv4: .v4(IPv4Address(bits: words.0.bigEndian))
            case .ipv6 where isMapped: .v4(IPv4Address(bits: UInt32(truncatingIfNeeded: bits)))
            case .ipv6: .v6(IPv6Address(bits: bits))
            }
        return SocketEndpoint(address: address, port: port.bigEndian)
    }
}

/// What is needed of the kernel's `struct tcp_info` (linux/tcp.h), which grows at its end with each kernel.
private struct TCPInfo {
    private static let offsets = pn_tcp_info_offsets()

    private let octets: ArraySlice<UInt8>

    /// Holds what was told; nil where it is too little.
    init?(_ octets: ArraySlice<UInt8>) {
        guard octets.count >= Self.offsets.segs_in + MemoryLayout<UInt32>.size else { return nil }
        self.octets = octets
    }

    var timeouts: UInt8 { number(at: Self.offsets.retransmits) }
    var unacknowledged: UInt32 { number(at: Self.offsets.unacked) }
    var retransmissions: UInt32 { number(at: Self.offsets.total_retrans) }
    var acknowledged: UInt64 { number(at: Self.offsets.bytes_acked) }
    var received: UInt32 { number(at: Self.offsets.segs_in) }

    private func number<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Number {
        Number(hostOrder: octets.dropFirst(offset))
    }
}
