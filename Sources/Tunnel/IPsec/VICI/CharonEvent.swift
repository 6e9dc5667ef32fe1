// SPDX-License-Identifier: Apache-2.0

/// What charon raises by itself. Events are hints: what is missed is found by list-sas.
public enum CharonEvent: Hashable, Sendable {
    /// ike-updown: an IKE_SA was established or goes.
    case association(IKEAssociation, isUp: Bool)
    /// child-updown: the one CHILD_SA among the children was installed or goes.
    case child(IKEAssociation, isUp: Bool)
    /// ike-rekey: one IKE_SA took the place of another.
    case associationRekeyed(old: IKEAssociation, new: IKEAssociation)
    /// child-rekey: one CHILD_SA took the place of another. The IKE_SA tells of neither as its child.
    case childRekeyed(IKEAssociation, old: ChildAssociation, new: ChildAssociation)
    /// ike-update: an end has another address or port; the IKE_SA is as it was before.
    case associationMoved(IKEAssociation, local: IKEEnd, remote: IKEEnd)
    /// alert (≥ 6.0.3): something went wrong, by charon's word for it; the IKE_SA where it is about one.
    case alert(kind: String, IKEAssociation?)
    /// An event that says less than it must, or one that was not asked for.
    case other(name: String)

    init(name: String, _ message: VICIMessage) {
        self = Self.read(name, message) ?? .other(name: name)
    }

    private static func read(_ name: String, _ message: VICIMessage) -> CharonEvent? {
        if name == "alert" {
            return message.text("type").map { .alert(kind: $0, subject(of: message)) }
        }
        guard let (connection, section) = message.sections.first else { return nil }
        // The key is only there when it is `yes`.
        let isUp = message.flag("up")
        let association = IKEAssociation(name: connection, section)
        switch name {
        case "ike-updown": return .association(association, isUp: isUp)
        case "child-updown": return .child(association, isUp: isUp)
        case "ike-rekey":
            return .associationRekeyed(
                old: IKEAssociation(name: connection, section.section("old")),
                new: IKEAssociation(name: connection, section.section("new"))
            )
        case "child-rekey":
            guard let (key, pair) = section.section("child-sas").sections.first else { return nil }
            var parent = association
            parent.children = []
            return .childRekeyed(
                parent,
                old: ChildAssociation(key: key, pair.section("old")),
                new: ChildAssociation(key: key, pair.section("new"))
            )
        case "ike-update":
            var local = IKEAssociation.end(message, "local")
            var remote = IKEAssociation.end(message, "remote")
            (local.identity, remote.identity) = (association.local.identity, association.remote.identity)
            return .associationMoved(association, local: local, remote: remote)
        default: return nil
        }
    }

    /// An alert has its IKE_SA in a section of its own (strongswan#2894), within which the connection's name may stand.
    private static func subject(of alert: VICIMessage) -> IKEAssociation? {
        let found = alert.sections.flatMap { [$0] + $0.section.sections }.first { $0.section.text("uniqueid") != nil }
        return found.map { IKEAssociation(name: $0.section.text("name") ?? $0.name, $0.section) }
    }
}
