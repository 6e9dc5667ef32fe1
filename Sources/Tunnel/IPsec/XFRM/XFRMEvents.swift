// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Hears what happens to security associations and policies in this network namespace.
///
/// To subscribe before anything is read, as ``KernelModel`` does, leaves nothing in between.
public final class XFRMEvents {
    /// Times that events were lost, for the metric.
    public private(set) var overruns: UInt64 = 0

    private let socket: NetlinkSocket

    /// Subscribes. Needs CAP_NET_ADMIN in the namespace, and throws where the kernel lacks XFRM_USER.
    ///
    /// - Parameter hearsAcquires: who hears of traffic without an association counts as an IKE daemon: the kernel then
    ///   keeps a larval association for each flow (for `net.core.xfrm_acq_expires`, 30 s) and lets nothing through
    ///   meanwhile, where without any daemon it would refuse at once (`xfrm_state_find`, `km_query`).
    public convenience init(hearsAcquires: Bool) throws(NetlinkError) {
        try self.init(hearsAcquires: hearsAcquires, buffer: nil)
    }

    /// - Parameter buffer: octets that may wait to be read; much where nil.
    init(hearsAcquires: Bool, buffer: Int32?) throws(NetlinkError) {
        socket = try NetlinkSocket(bus: NETLINK_XFRM)
        if let buffer { socket.limitBuffer(to: buffer) }
        let groups = [XFRMNLGRP_SA, XFRMNLGRP_POLICY, XFRMNLGRP_EXPIRE, XFRMNLGRP_MAPPING]
        try socket.subscribe(to: (hearsAcquires ? groups + [XFRMNLGRP_ACQUIRE] : groups).map { Int($0.rawValue) })
    }

    /// The descriptor that becomes readable when there are events, borrowed.
    public var descriptor: Int32 { socket.raw }

    /// All events that wait, in order; ``XFRMEvent/overrun`` stands where some were lost, or could not be read.
    public func drain() -> [XFRMNotice] {
        var notices: [XFRMNotice] = []
        while true {
            do {
                guard let datagram = try socket.receive() else { return notices }
                notices += Self.parse(datagram)
            } catch {
                overruns += 1
                notices.append(XFRMNotice(event: .overrun, port: 0))
                guard error == .overrun else { return notices }
            }
        }
    }

    /// Reads the events of one datagram; what is none is left out.
    static func parse(_ datagram: [UInt8]) -> [XFRMNotice] {
        NetlinkReply.parse(datagram).compactMap { reply in
            XFRMEvent(reply).map { XFRMNotice(event: $0, port: reply.port) }
        }
    }
}
