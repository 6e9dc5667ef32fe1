// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// A routing policy rule (RTM_NEWRULE, linux/fib_rules.h).
public struct Rule: Hashable, Sendable {
    /// What it holds for.
    public enum Selector: Hashable, Sendable {
        /// Every packet.
        case all
        /// Packets bound to an interface, as by SO_BINDTODEVICE.
        case output(InterfaceName)
        /// Packets whose mark, under the mask, is this.
        case mark(UInt32, mask: UInt32)
        /// UDP datagrams from an address and a port to a host.
        case datagrams(from: IPAddress, port: UInt16, to: IPAddress)
    }

    /// What it does.
    public enum Action: Hashable, Sendable {
        /// Looks the destination up in a table; goes on where that has no route.
        case lookup(UInt32)
        /// Ends here.
        case unreachable
    }

    /// The family.
    public var family: AddressFamily
    /// Rules are asked in the order of their priorities.
    public var priority: UInt32
    /// What it holds for.
    public var selector: Selector
    /// What it does.
    public var action: Action
}

enum RuleMessages {
    static func dump(_ family: AddressFamily) -> NetlinkMessage {
        var header = fib_rule_hdr()
        header.family = family.kernelNumber
        return NetlinkMessage(type: RTM_GETRULE, flags: 0, header: header)
    }

    /// Reads a rule of ours; nil for any other.
    static func parse(_ reply: NetlinkReply, _ reserved: ReservedNumbers) -> Rule? {
        guard let header = reply.header(fib_rule_hdr.self),
            let family = AddressFamily(kernelNumber: header.family)
        else { return nil }
        let attributes = reply.attributes(after: fib_rule_hdr.self)
        guard attributes.number(Int(FRA_PROTOCOL), as: UInt8.self) == reserved.routeProtocol else { return nil }
        var selector = Rule.Selector.all
        if let name = attributes.text(Int(FRA_OIFNAME)).flatMap({ InterfaceName($0) }) {
            selector = .output(name)
        } else if let mark = attributes.number(Int(FRA_FWMARK), as: UInt32.self), mark != 0 {
            selector = .mark(mark, mask: attributes.number(Int(FRA_FWMASK), as: UInt32.self) ?? .max)
        } else if let source = attributes.address(Int(FRA_SRC)), header.src_len == family.width,
            let host = attributes.address(Int(FRA_DST)), header.dst_len == family.width,
            attributes.number(Int(FRA_IP_PROTO), as: UInt8.self) == UInt8(IPPROTO_UDP),
            let ports = attributes[Int(FRA_SPORT_RANGE)], ports.count >= 4
        {
            // struct fib_rule_port_range: u16 start, end.
            selector = .datagrams(from: source, port: UInt16(hostOrder: ports), to: host)
        }
        let table = attributes.number(Int(FRA_TABLE), as: UInt32.self) ?? UInt32(header.table)
        return Rule(
            family: family,
            priority: attributes.number(Int(FRA_PRIORITY), as: UInt32.self) ?? 0,
            selector: selector,
            action: Int(header.action) == Int(FR_ACT_UNREACHABLE) ? .unreachable : .lookup(table)
        )
    }

    /// How a rule of somebody else's meets ours.
    enum ForeignKind {
        /// It is asked before the networks' rule and holds for packets of any kind, as wg-quick's.
        case overtaker
        /// It is asked before, and holds for whatever comes from a network, or in by an interface. One for a single
        /// source is most often an uplink's own address, which is no business of the networks'.
        case bypass
        /// It is among our reserved priorities.
        case stranger
    }

    /// The place of a rule of somebody else's that meets ours.
    static func foreign(
        _ reply: NetlinkReply,
        _ reserved: ReservedNumbers
    ) -> (family: AddressFamily, priority: UInt32, kind: ForeignKind)? {
        guard let header = reply.header(fib_rule_hdr.self), let family = AddressFamily(kernelNumber: header.family)
        else { return nil }
        let attributes = reply.attributes(after: fib_rule_hdr.self)
        guard attributes.number(Int(FRA_PROTOCOL), as: UInt8.self) != reserved.routeProtocol,
            let priority = attributes.number(Int(FRA_PRIORITY), as: UInt32.self)
        else { return nil }
        let isNarrow =
            header.dst_len != 0 || header.src_len != 0 || header.tos != 0
            || narrowing.contains { attributes[Int($0)] != nil }
        let isInverted = header.flags & UInt32(FIB_RULE_INVERT) != 0
        // The kernel's own first rule, which some move, leads to the host itself.
        let table = attributes.number(Int(FRA_TABLE), as: UInt32.self) ?? UInt32(header.table)
        let isAskedFirst = priority < reserved.networkPriority && table != UInt32(RT_TABLE_LOCAL.rawValue)
        if isAskedFirst, isInverted || !isNarrow { return (family, priority, .overtaker) }
        if reserved.priorities.contains(priority) { return (family, priority, .stranger) }
        let isOfNetwork = (1..<(family == .ipv4 ? 32 : 128)).contains(Int(header.src_len))
        let isOfInterface = attributes.text(Int(FRA_IIFNAME)).map { $0 != "lo" } ?? false
        let hasOtherConditions =
            header.dst_len != 0 || header.tos != 0
            || narrowing.contains { $0 != FRA_IIFNAME && attributes[Int($0)] != nil }
        let isBypass = isAskedFirst && (isOfNetwork || isOfInterface) && !hasOtherConditions
        return isBypass ? (family, priority, .bypass) : nil
    }

    /// What a rule that has it asks of a packet.
    private static let narrowing = [
        FRA_IIFNAME, FRA_OIFNAME, FRA_FWMARK, FRA_TUN_ID, FRA_L3MDEV, FRA_UID_RANGE, FRA_IP_PROTO, FRA_SPORT_RANGE,
        FRA_DPORT_RANGE,
    ]

    static func add(_ rule: Rule, _ reserved: ReservedNumbers) -> NetlinkMessage {
        message(RTM_NEWRULE, flags: NLM_F_CREATE | NLM_F_EXCL, rule, reserved)
    }

    static func delete(_ rule: Rule, _ reserved: ReservedNumbers) -> NetlinkMessage {
        message(RTM_DELRULE, flags: 0, rule, reserved)
    }

    private static func message(_ type: Int, flags: Int32, _ rule: Rule, _ reserved: ReservedNumbers) -> NetlinkMessage
    {
        var header = fib_rule_hdr()
        header.family = rule.family.kernelNumber
        header.action = UInt8(FR_ACT_TO_TBL)
        if case .datagrams = rule.selector {
            (header.src_len, header.dst_len) = (UInt8(rule.family.width), UInt8(rule.family.width))
        }
        if case .unreachable = rule.action { header.action = UInt8(FR_ACT_UNREACHABLE) }
        var message = NetlinkMessage(type: type, flags: flags, header: header)
        message.put(Int(FRA_PRIORITY), number: rule.priority)
        message.put(Int(FRA_PROTOCOL), number: reserved.routeProtocol)
        switch rule.selector {
        case .all: break
        case .output(let name): message.put(Int(FRA_OIFNAME), text: name.text)
        case .mark(let mark, let mask):
            message.put(Int(FRA_FWMARK), number: mark)
            message.put(Int(FRA_FWMASK), number: mask)
        case .datagrams(let source, let port, let host):
            message.put(Int(FRA_SRC), source.bytes)
            message.put(Int(FRA_DST), host.bytes)
            message.put(Int(FRA_IP_PROTO), number: UInt8(IPPROTO_UDP))
            message.put(
                Int(FRA_SPORT_RANGE),
                [port, port].flatMap { unsafe withUnsafeBytes(of: $0) { unsafe Array($0) } }
            )
        }
        if case .lookup(let table) = rule.action { message.put(Int(FRA_TABLE), number: table) }
        return message
    }
}
