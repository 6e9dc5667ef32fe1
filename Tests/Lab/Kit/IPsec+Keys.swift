// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// The keys of what stands, whoever began it.
extension IPsec {
    /// What keys are renewed of.
    public enum Rekeyed: String, Sendable {
        /// The IKE_SA.
        case ike
        /// The CHILD_SA.
        case child
    }

    /// Has the site's charon renew keys; it does so in its own time.
    public func rekey(_ what: Rekeyed) throws {
        let numbers = try numbers()
        guard numbers.count >= 2 else { throw TimedOut(description: "there is nothing to renew the keys of") }
        let result = try site.swanctl("--rekey", "--\(what)-id", numbers[what == .ike ? 0 : 1])
        guard result.status == 0 else {
            throw Program.Failure(command: ["swanctl", "--rekey"], exit: result.exit, output: result.output)
        }
    }

    /// The numbers that the site's charon gave its IKE_SA and the children of it, in this order. They are others after each
    /// handshake.
    ///
    /// - Parameter path: whose; nil for whichever stands.
    public func numbers(of path: IPsecPath? = nil) throws -> [String] {
        let name = path.map { "{pnetd-\($0.name) {" } ?? ""
        let stands = try site.associations.first {
            $0.contains("state=ESTABLISHED") && (name.isEmpty || $0.contains(name))
        }
        return (stands ?? "").matches(of: #/uniqueid=(\d+)/#).map { String($0.1) }
    }

    /// The SPIs of the associations in the site's kernel.
    public func spis() throws -> Set<String> {
        let states = try lab.site.run("ip", "xfrm", "state")
        return Set(states.matches(of: #/spi (0x[0-9a-f]+)/#).map { String($0.1) })
    }
}
