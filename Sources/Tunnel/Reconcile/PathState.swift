// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth

/// What the kernel shows of a path after a reconcile.
public struct PathState: Hashable, Sendable {
    /// Who encrypts.
    public enum Implementation: String, Hashable, Sendable, Codable {
        case kernel
        case userspace
    }

    /// Whether the path can carry anything; nil while its interface is being made.
    public var condition: PathCondition?
    /// Who encrypts; nil before the interface was seen.
    public var implementation: Implementation?
    /// The interface; nil where it is not there.
    public var link: Link?
    /// Its addresses but those in doubt.
    public var addresses: [InterfaceAddress] = []
    /// The WireGuard side, as last read; nil where it has none.
    public var device: WireGuardDevice?

    /// Its address for speaking with another host on its link; nil where it has none.
    public func address(towards peer: IPAddress) -> IPAddress? {
        let near = addresses.first { $0.prefix.contains(peer) }
        return (near ?? addresses.first { $0.address.family == peer.family })?.address
    }

    /// Whether the interface stands and was not found to be somebody else's.
    var isOurs: Bool {
        if case .unusable(.interfaceForeign) = condition { return false }
        return implementation != nil && (device != nil || link?.vlan != nil || link?.xfrmInterfaceID != nil)
    }
}

/// What a reconcile did.
public struct ReconcileResult: Sendable {
    /// The paths as they are now.
    public var paths: [PathName: PathState] = [:]
    /// What was changed, in words, many alike in one line; empty where the kernel was as it should be.
    public var changes: [String] = []
    /// How many changes that were.
    public var changeCount = 0
    /// What went wrong; it is tried again.
    public var failures: [String] = []
    /// What stands in the way of the file and is not ours to change, in words: local networks that a protected prefix
    /// holds, addresses of underlays that another host has as well, ways that are too narrow.
    public var hindrances: [String] = []
    /// What somebody else has put among our reserved numbers, in words.
    public var collisions: [String] = []
    /// What somebody else has put before pnetd's rules, and takes traffic away by, in words.
    public var precedences: [String] = []
    /// The prefixes that no path leads to, though their network has one: the guard answers there.
    public var unrouted: [IPPrefix] = []
    /// What others had changed of ours and was put right, each with who it was.
    public var repairs: [Repair] = []
    /// What somebody else changes again and again, and is put right at a slower pace.
    public var disputes: [Repair] = []
    /// When the next thing in dispute may be put right.
    public var pause: Duration?
    /// How much was different from what the kernel had told of, at the last whole reading.
    public var untold: [String] = []
    /// Whether foreign hands cannot touch the guard table.
    public var guardIsOwned = false
}

/// A thing of ours that somebody else had changed.
public struct Repair: Hashable, Sendable {
    /// The thing, in words.
    public var object: String
    /// The netlink port of whoever did it, most often the number of its process; 0 where the kernel does not say.
    public var port: UInt32
}
