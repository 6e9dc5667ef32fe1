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
    /// The WireGuard side, as last read.
    public var device: WireGuardDevice?
}

/// What a reconcile did.
public struct ReconcileResult: Sendable {
    /// The paths as they are now.
    public var paths: [PathName: PathState] = [:]
    /// What was changed, in words; empty where the kernel was as it should be.
    public var changes: [String] = []
    /// What went wrong; it is tried again.
    public var failures: [String] = []
    /// Local networks that a protected prefix holds, in words.
    public var swallowed: [String] = []
    /// What somebody else has put among our reserved numbers, in words.
    public var collisions: [String] = []
    /// Whether foreign hands cannot touch the guard table.
    public var guardIsOwned = false
}
