// SPDX-License-Identifier: Apache-2.0
// The parts of which the kernel's messages on IPsec are made (linux/xfrm.h).

import CLinux
import NetworkTypes

extension xfrm_attr_type_t: AttributeCode {}

/// A structure of the kernel's, of plain octets, with xfrm_address_t in it: Swift does not take a union for
/// `BitwiseCopyable`, nor what it is a part of.
protocol XFRMStructure {
    /// All zeros.
    init()
}

extension xfrm_usersa_info: XFRMStructure {}
extension xfrm_usersa_id: XFRMStructure {}
extension xfrm_userpolicy_info: XFRMStructure {}
extension xfrm_userpolicy_id: XFRMStructure {}
extension xfrm_user_tmpl: XFRMStructure {}
extension xfrm_encap_tmpl: XFRMStructure {}
extension xfrm_user_expire: XFRMStructure {}
extension xfrm_user_polexpire: XFRMStructure {}
extension xfrm_user_acquire: XFRMStructure {}
extension xfrm_user_mapping: XFRMStructure {}
extension xfrm_mark: XFRMStructure {}
extension xfrm_replay_state: XFRMStructure {}
extension xfrm_user_offload: XFRMStructure {}
extension xfrm_userpolicy_type: XFRMStructure {}

extension XFRMStructure {
    /// Its octets, to begin a message with; as many as it has, or they are cut or filled with zeros.
    func octets<let size: Int>() -> [size of UInt8] {
        var octets = [size of UInt8](repeating: 0)
        unsafe withUnsafeMutableBytes(of: &octets) { target in
            unsafe withUnsafeBytes(of: self) { unsafe target.copyBytes(from: $0.prefix(target.count)) }
        }
        return octets
    }
}

extension ArraySlice<UInt8> {
    /// The kernel's structure at the beginning; nil where the octets are too few for it.
    func structure<Structure: XFRMStructure>(_ type: Structure.Type) -> Structure? {
        let size = MemoryLayout<Structure>.size
        guard count >= size else { return nil }
        var structure = Structure()
        unsafe Swift.withUnsafeMutableBytes(of: &structure) { unsafe $0.copyBytes(from: prefix(size)) }
        return structure
    }
}

extension NetlinkReply {
    /// The fixed header and the attributes behind it; nil where the message is too short for the header.
    func parts<Header: XFRMStructure>(_ type: Header.Type) -> (header: Header, attributes: NetlinkAttributes)? {
        payload.structure(type).map { header in
            (header, NetlinkAttributes(payload.dropFirst((MemoryLayout<Header>.size + 3) & ~3)))
        }
    }
}

extension IPAddress {
    /// Reads xfrm_address_t: 16 octets, of which IPv4 uses the first four.
    init?(_ address: xfrm_address_t, _ family: UInt16) {
        guard let family = AddressFamily(kernelNumber: UInt8(exactly: family) ?? 0) else { return nil }
        let octets = unsafe withUnsafeBytes(of: address) { unsafe Array($0) }
        self.init(bytes: octets.prefix(family.width / 8))
    }
}

extension IPsecMark {
    /// Reads XFRMA_MARK; nil for none, which the kernel may also tell as zeros.
    init?(_ attributes: NetlinkAttributes) {
        guard let mark = attributes[XFRMA_MARK]?.structure(xfrm_mark.self), mark.m != 0 || mark.v != 0 else {
            return nil
        }
        self.init(value: mark.v, mask: mark.m)
    }
}

extension NetlinkAttributes {
    /// The number that ties associations, policies and an xfrm interface together; 0 for none.
    var interfaceID: UInt32 { number(XFRMA_IF_ID, as: UInt32.self) ?? 0 }
}

extension TrafficSelector {
    /// Reads struct xfrm_selector; nil where it is of no family that is known, as with associations for both.
    init?(_ selector: xfrm_selector) {
        guard let source = IPAddress(selector.saddr, selector.family),
            let destination = IPAddress(selector.daddr, selector.family),
            let from = IPPrefix(holding: source, length: Int(selector.prefixlen_s)),
            let to = IPPrefix(holding: destination, length: Int(selector.prefixlen_d))
        else { return nil }
        self.init(
            source: from,
            destination: to,
            sourcePort: Port(
                number: UInt16(bigEndian: selector.sport),
                mask: UInt16(bigEndian: selector.sport_mask)
            ),
            destinationPort: Port(
                number: UInt16(bigEndian: selector.dport),
                mask: UInt16(bigEndian: selector.dport_mask)
            ),
            proto: selector.proto,
            link: selector.ifindex
        )
    }
}
