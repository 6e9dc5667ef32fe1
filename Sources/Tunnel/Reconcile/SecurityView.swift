// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// What the kernel has of IPsec, as far as it concerns us: read whole, again where events tell that something changed.
final class SecurityView {
    private let database: SecurityDatabase
    private let events: XFRMEvents
    private let ids: ClosedRange<UInt32>
    private var isStale = true
    private var lacks: [AddressFamily: IPsecLack?] = [:]
    /// Whether somebody else changed something since last asked.
    private(set) var wasTouched = false

    /// Throws where the kernel knows of no IPsec: see ``IPsecLack``.
    init(_ reserved: ReservedNumbers) throws(NetlinkError) {
        // Before anything is read, so that nothing falls between.
        events = try XFRMEvents(hearsAcquires: false)
        database = try SecurityDatabase()
        ids = reserved.xfrmInterfaceIDs
    }

    /// The descriptor that becomes readable when something happens.
    var descriptor: Int32 { events.descriptor }

    /// Times that events were lost.
    var overruns: UInt64 { events.overruns }

    /// Takes in the events that wait.
    func drain() {
        for notice in events.drain() {
            if case .overrun = notice.event {} else if !concernsUs(notice) { continue }
            isStale = true
            if notice.port != database.port { wasTouched = true }
        }
    }

    /// Whether there was news since this was last asked.
    func takeTouch() -> Bool {
        defer { wasTouched = false }
        return wasTouched
    }

    private func concernsUs(_ notice: XFRMNotice) -> Bool {
        switch notice.event {
        case .newAssociation(let association), .deletedAssociation(let association), .expired(let association, _):
            ids.contains(association.interfaceID)
        case .newPolicy(let policy), .deletedPolicy(let policy), .policyExpired(let policy, _):
            ids.contains(policy.interfaceID)
        case .acquire, .mapping, .changedDefaults: false
        case .flushedAssociations, .flushedPolicies, .overrun: true
        }
    }

    /// Brings a view of the kernel up to now, where something changed or is to be seen as it is at this moment.
    ///
    /// - Parameter addresses: this host's own: what is for one of them comes in.
    func refresh(_ observed: inout Observed, _ addresses: Set<IPAddress>, always: Bool) throws(NetlinkError) {
        drain()
        guard isStale || always || observed.blocks == nil else { return }
        let associations = try database.associations()
        let policies = try database.policies()
        isStale = false
        observed.blocks = Set(policies.compactMap { BlockPolicy($0, among: ids) })
        observed.security = [:]
        for association in associations where isOurs(association) {
            let isInbound = addresses.contains(association.destination)
            if isInbound {
                observed.security[association.interfaceID, default: SecurityFacts()].inbound.append(association)
            } else {
                observed.security[association.interfaceID, default: SecurityFacts()].outbound.append(association)
            }
        }
        for policy in policies where ids.contains(policy.interfaceID) && policy.action == .allow && !policy.isOfSocket {
            observed.security[policy.interfaceID, default: SecurityFacts()].directions.insert(policy.direction)
        }
    }

    /// Whether an association is for one of our interfaces, and was given by charon as it was told: with the interface's
    /// number for both. A larval one carries nothing.
    private func isOurs(_ association: SecurityAssociation) -> Bool {
        ids.contains(association.interfaceID) && association.requestID == association.interfaceID
            && !association.isLarval
    }

    func remove(_ association: SecurityAssociation) throws(NetlinkError) { try database.remove(association) }

    func apply(_ difference: BlockPolicy.Difference) throws(NetlinkError) { try database.apply(difference) }

    /// What of IPsec this kernel lacks for tunnels over a family; nil where nothing is known to be missing.
    func lack(_ family: AddressFamily) -> IPsecLack? {
        if let known = lacks[family] { return known }
        let lack: IPsecLack? = (try? database.lacksESP(family)) == true ? .esp(family) : nil
        lacks[family] = lack
        return lack
    }
}
