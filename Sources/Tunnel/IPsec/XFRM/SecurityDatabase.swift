// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes

/// The kernel's security associations and policies in this network namespace (RFC 4301 section 4.4).
///
/// Those of others are read and never changed, and neither is what becomes of packets without a policy
/// (XFRM_MSG_SETDEFAULT): that holds for the whole host.
public final class SecurityDatabase {
    /// The port that stands for our own changes in ``XFRMNotice``.
    public let port: UInt32

    private let conversation: NetlinkConversation

    /// Opens a socket of its own. Throws where the kernel gives none, as without XFRM_USER: see ``IPsecLack``.
    public init() throws(NetlinkError) {
        let socket = try NetlinkSocket(bus: NETLINK_XFRM)
        port = socket.port
        conversation = NetlinkConversation(over: SignedRequests(over: socket, port: port))
    }

    init(over transport: any NetlinkTransport, port: UInt32 = 0) {
        self.port = port
        conversation = NetlinkConversation(over: transport)
    }

    /// All associations, also those that are being negotiated. Needs CAP_NET_ADMIN.
    ///
    /// The kernel does not say when they changed meanwhile: events, subscribed to before, tell.
    public func associations() throws(NetlinkError) -> [SecurityAssociation] {
        try conversation.dump(AssociationMessages.dump(), "read the security associations")
            .compactMap(AssociationMessages.parse)
    }

    /// Takes an association away that an IKE daemon left which is no more; one that is gone already is no error.
    public func remove(_ association: SecurityAssociation) throws(NetlinkError) {
        do {
            try conversation.change(AssociationMessages.delete(association), "remove an association that was left")
        } catch  where error.code == ESRCH {
            return
        }
    }

    /// All policies, also those of sockets. Needs CAP_NET_ADMIN.
    public func policies() throws(NetlinkError) -> [SecurityPolicy] {
        try conversation.dump(PolicyMessages.dump(), "read the security policies").compactMap(PolicyMessages.parse)
    }

    /// The ways on which packets for which there is no policy are dropped, as somebody decided for the whole namespace;
    /// none before Linux 5.14. Needs CAP_NET_ADMIN.
    public func blockedDefaults() throws(NetlinkError) -> Set<SecurityPolicy.Direction> {
        do {
            let question = NetlinkMessage(type: XFRM_MSG_GETDEFAULT, flags: 0, header: xfrm_userpolicy_default())
            let answers = try conversation.ask(question, "read what becomes of packets without a policy")
            for case .changedDefaults(let blocked) in answers.compactMap(XFRMEvent.init) { return blocked }
            return []
        } catch  where error.code == EINVAL {
            return []
        }
    }

    /// Makes policies of ours, and takes others of ours away; a policy that is gone already is no error.
    ///
    /// - Throws: the first refusal, after all was tried.
    public func apply(_ difference: BlockPolicy.Difference) throws(NetlinkError) {
        let missing = Array(difference.missing)
        let surplus = Array(difference.surplus)
        let messages = missing.map(\.installation) + surplus.map(\.removal)
        let errors = try conversation.change(messages) { place in
            place < missing.count
                ? "block packets of \(missing[place])" : "remove the block of \(surplus[place - missing.count])"
        }
        let refusals = errors.filter { $0.key < missing.count || $0.value.code != ENOENT }
        if let refusal = refusals.min(by: { $0.key < $1.key })?.value { throw refusal }
    }

    /// Whether this kernel has no ESP for outer packets of a family, built in or as a module that it can load.
    ///
    /// Nothing is changed. Needs CAP_NET_ADMIN.
    /// - Throws: a refusal that says nothing of ESP, as where the kernel lacks AES or the caller the right.
    public func lacksESP(_ family: AddressFamily) throws(NetlinkError) -> Bool {
        do {
            try conversation.change(AssociationMessages.impossible(family), "look for ESP over \(family)")
            // No kernel gets here: AES has no key of eight bits.
            return false
        } catch {
            switch error.code {
            case EPROTONOSUPPORT: return true
            // EINVAL from the cipher, that does not like the key; ENOENT where ESP is there and lacks a part of its own.
            case EINVAL, ENOENT: return false
            default: throw error
            }
        }
    }
}

extension BlockPolicy: CustomStringConvertible {
    /// In words for errors: family, direction and interface number.
    public var description: String { "\(family) \(direction) of xfrm interface \(interfaceID)" }
}
