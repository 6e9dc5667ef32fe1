// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

extension XFRMEvent {
    /// Reads an event; nil for messages of other kinds, and for those that are too short or of a family that is unknown.
    init?(_ reply: NetlinkReply) {
        let event: XFRMEvent? =
            switch reply.type {
            case XFRM_MSG_NEWSA, XFRM_MSG_UPDSA:
                AssociationMessages.parse(reply).map(XFRMEvent.newAssociation)
            case XFRM_MSG_DELSA: Self.deletedAssociation(reply)
            case XFRM_MSG_FLUSHSA:
                reply.header(xfrm_usersa_flush.self).map { .flushedAssociations(IPsecProtocol(rawValue: $0.proto)) }
            case XFRM_MSG_EXPIRE: Self.expired(reply)
            case XFRM_MSG_NEWPOLICY, XFRM_MSG_UPDPOLICY: PolicyMessages.parse(reply).map(XFRMEvent.newPolicy)
            case XFRM_MSG_DELPOLICY: Self.deletedPolicy(reply)
            case XFRM_MSG_FLUSHPOLICY: .flushedPolicies
            case XFRM_MSG_POLEXPIRE: Self.policyExpired(reply)
            case XFRM_MSG_ACQUIRE: Self.acquire(reply)
            case XFRM_MSG_MAPPING:
                reply.payload.structure(xfrm_user_mapping.self).flatMap(Mapping.init).map(XFRMEvent.mapping)
            case XFRM_MSG_GETDEFAULT: reply.header(xfrm_userpolicy_default.self).map(Self.defaults)
            default: nil
            }
        guard let event else { return nil }
        self = event
    }

    /// The header names the association; the whole of it is an attribute (`xfrm_notify_sa`).
    private static func deletedAssociation(_ reply: NetlinkReply) -> XFRMEvent? {
        guard let (_, attributes) = reply.parts(xfrm_usersa_id.self),
            let info = attributes[XFRMA_SA]?.structure(xfrm_usersa_info.self)
        else { return nil }
        return AssociationMessages.association(info, attributes).map(XFRMEvent.deletedAssociation)
    }

    private static func expired(_ reply: NetlinkReply) -> XFRMEvent? {
        guard let (header, attributes) = reply.parts(xfrm_user_expire.self),
            let association = AssociationMessages.association(header.state, attributes)
        else { return nil }
        return .expired(association, isHard: header.hard != 0)
    }

    /// As with associations (`xfrm_notify_policy`).
    private static func deletedPolicy(_ reply: NetlinkReply) -> XFRMEvent? {
        guard let (_, attributes) = reply.parts(xfrm_userpolicy_id.self),
            let info = attributes[XFRMA_POLICY]?.structure(xfrm_userpolicy_info.self)
        else { return nil }
        return PolicyMessages.policy(info, attributes).map(XFRMEvent.deletedPolicy)
    }

    private static func policyExpired(_ reply: NetlinkReply) -> XFRMEvent? {
        guard let (header, attributes) = reply.parts(xfrm_user_polexpire.self),
            let policy = PolicyMessages.policy(header.pol, attributes)
        else { return nil }
        return .policyExpired(policy, isHard: header.hard != 0)
    }

    private static func acquire(_ reply: NetlinkReply) -> XFRMEvent? {
        guard let (header, attributes) = reply.parts(xfrm_user_acquire.self),
            let traffic = TrafficSelector(header.sel),
            let policy = PolicyMessages.policy(header.policy, attributes)
        else { return nil }
        // The outer addresses are of the template's family, which may be another than that of the packets.
        let family = policy.templates.lazy.compactMap { $0.destination ?? $0.source }.first?.family
        let number = UInt16((family ?? traffic.family).kernelNumber)
        func given(_ address: xfrm_address_t) -> IPAddress? {
            IPAddress(address, number).flatMap { $0.bits == 0 ? nil : $0 }
        }
        return .acquire(
            Acquire(
                policy: policy,
                traffic: traffic,
                source: given(header.saddr),
                destination: given(header.id.daddr),
                proto: IPsecProtocol(rawValue: header.id.proto)
            )
        )
    }

    private static func defaults(_ defaults: xfrm_userpolicy_default) -> XFRMEvent {
        let actions: [(SecurityPolicy.Direction, UInt8)] = [
            (.input, defaults.in), (.forward, defaults.fwd), (.output, defaults.out),
        ]
        return .changedDefaults(blocked: Set(actions.filter { $0.1 == UInt8(XFRM_USERPOLICY_BLOCK) }.map(\.0)))
    }
}

extension XFRMEvent.Mapping {
    /// Reads struct xfrm_user_mapping. The mark is not told.
    init?(_ header: xfrm_user_mapping) {
        guard let destination = IPAddress(header.id.daddr, header.id.family),
            let before = IPAddress(header.old_saddr, header.id.family),
            let now = IPAddress(header.new_saddr, header.id.family)
        else { return nil }
        self.init(
            id: SecurityAssociation.ID(
                destination: destination,
                spi: UInt32(bigEndian: header.id.spi),
                proto: IPsecProtocol(rawValue: header.id.proto),
                mark: nil
            ),
            requestID: header.reqid,
            old: SocketEndpoint(address: before, port: UInt16(bigEndian: header.old_sport)),
            new: SocketEndpoint(address: now, port: UInt16(bigEndian: header.new_sport))
        )
    }
}
