// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

enum PolicyMessages {
    /// Asks for all policies; as with associations, without a fixed header (`xfrm_dump_policy`).
    static func dump() -> NetlinkMessage { NetlinkMessage(type: XFRM_MSG_GETPOLICY, flags: 0) }

    /// Reads what a dump or the making of one tells; nil for other messages.
    static func parse(_ reply: NetlinkReply) -> SecurityPolicy? {
        switch reply.type {
        case XFRM_MSG_NEWPOLICY, XFRM_MSG_UPDPOLICY:
            reply.parts(xfrm_userpolicy_info.self).flatMap { policy($0.header, $0.attributes) }
        default: nil
        }
    }

    /// Reads struct xfrm_userpolicy_info and the attributes beside it.
    static func policy(_ info: xfrm_userpolicy_info, _ attributes: NetlinkAttributes) -> SecurityPolicy? {
        let directions = UInt8(SecurityPolicy.Direction.allCases.count)
        // Beyond those that are known come the same again, for policies of sockets.
        guard let selector = TrafficSelector(info.sel), info.dir < 2 * directions,
            let direction = SecurityPolicy.Direction(rawValue: info.dir % directions)
        else { return nil }
        let kind = attributes[XFRMA_POLICY_TYPE]?.structure(xfrm_userpolicy_type.self)?.type
        return SecurityPolicy(
            selector: selector,
            direction: direction,
            isOfSocket: info.dir >= directions,
            index: info.index,
            priority: info.priority,
            action: Int32(info.action) == XFRM_POLICY_BLOCK ? .block : .allow,
            interfaceID: attributes.interfaceID,
            mark: IPsecMark(attributes),
            templates: templates(attributes[XFRMA_TMPL] ?? []),
            isSubPolicy: kind == UInt8(XFRM_POLICY_TYPE_SUB)
        )
    }

    /// Reads XFRMA_TMPL, one struct xfrm_user_tmpl after the other. The kernel takes six (XFRM_MAX_DEPTH).
    private static func templates(_ octets: ArraySlice<UInt8>) -> [SecurityPolicy.Template] {
        var templates: [SecurityPolicy.Template] = []
        var rest = octets
        while let template = rest.structure(xfrm_user_tmpl.self) {
            rest = rest.dropFirst(MemoryLayout<xfrm_user_tmpl>.stride)
            templates.append(
                SecurityPolicy.Template(
                    source: given(template.saddr, template.family),
                    destination: given(template.id.daddr, template.family),
                    spi: UInt32(bigEndian: template.id.spi),
                    proto: IPsecProtocol(rawValue: template.id.proto),
                    mode: IPsecMode(rawValue: template.mode),
                    requestID: template.reqid,
                    isOptional: template.optional != 0
                )
            )
        }
        return templates
    }

    /// An address; nil for the one that stands for any.
    private static func given(_ address: xfrm_address_t, _ family: UInt16) -> IPAddress? {
        IPAddress(address, family).flatMap { $0.bits == 0 ? nil : $0 }
    }
}
