// SPDX-License-Identifier: Apache-2.0

import CLinux
public import NetworkTypes
import PathHealth
import SystemIO

/// All that the guard needs to stand at boot: before the first link is up, and whatever has become of the file since.
/// It holds no key and no endpoint.
public struct GuardCopy: Codable, Hashable, Sendable {
    private let reserved: ReservedNumbers
    private let `guard`: Guard

    /// Takes from a wish what its guard needs.
    public init(of desired: Desired) {
        reserved = desired.reserved
        `guard` = desired.guard
    }

    /// Whether its numbers are such as pnetd writes: arithmetic on others would end the process.
    public var isPlausible: Bool {
        reserved.isPlausible && `guard`.markMask == reserved.markMask
            && `guard`.networks.allSatisfy { (1...ReservedNumbers.networkLimit).contains($0.slot) }
            && Set(`guard`.networks.map(\.slot)).count == `guard`.networks.count
    }

    /// The protected prefixes.
    public var prefixes: [IPPrefix] { `guard`.networks.flatMap(\.prefixes) }

    /// Puts in place what is missing of guard table and guard routes. Throws where the kernel gives no socket, as
    /// without CAP_NET_ADMIN.
    /// - Parameter replacing: whether a table of our name that holds something else is replaced, as one that a saved
    ///   ruleset brought along; not while an agent is at work, whose table may be newer than the copy.
    /// - Returns: what was done and what the kernel refused, in words.
    public func putInPlace(replacing: Bool) throws(NetlinkError) -> (changes: [String], failures: [String]) {
        var changes: [String] = []
        var failures: [String] = []
        func attempt(_ what: String, _ step: () throws(NetlinkError) -> Bool) {
            do throws(NetlinkError) { if try step() { changes.append(what) } } catch {
                failures.append("\(what): \(error)")
            }
        }
        let firewall = Firewall(over: NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_NETFILTER)))
        attempt("put the guard table in place") { () throws(NetlinkError) in
            try replacing ? firewall.reconcile(`guard`.table) : firewall.putInPlaceIfMissing(`guard`.table)
        }
        let routing = NetlinkConversation(over: try NetlinkSocket(bus: NETLINK_ROUTE))
        let model = try KernelModel(reserved: reserved)
        _ = try model.refresh(now: SystemClock().now, auditAfter: .zero)
        for step in plan(blocked, model.observed) where step.onlyAdds {
            guard let message = step.message(reserved) else { continue }
            attempt("\(step)") { () throws(NetlinkError) in
                do throws(NetlinkError) {
                    try routing.change(message, "\(step)")
                } catch {
                    guard step.isFulfilled(by: error.code) else { throw error }
                }
                return true
            }
        }
        return (changes, failures)
    }

    /// The networks without a path: guard routes, and the rule that leads to them.
    private var blocked: Desired {
        Desired(
            reserved: reserved,
            paths: [],
            networks: `guard`.networks.map {
                Desired.Network(name: $0.name, slot: $0.slot, prefixes: $0.prefixes, paths: [], outcome: .blocked)
            }
        )
    }
}

extension Step {
    fileprivate var onlyAdds: Bool {
        switch self {
        case .addAddress, .putNexthop, .putRoute, .addRule: true
        default: false
        }
    }
}
