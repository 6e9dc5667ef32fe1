// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// An answer to `drain` or `undrain`: `{"drained":true,"networks":["azure by vpn-b"],"path":"vpn-a","refusal":null}`.
public struct DrainReport: Hashable, Sendable, Codable {
    /// The path.
    public var path: PathName
    /// Whether it is drained now.
    public var drained: Bool
    /// Why nothing was changed, where it was not.
    @ExplicitNull public var refusal: String?
    /// For how many seconds names are waited for that clients hold from before; then the path is drained, or given back.
    public var waitSeconds: Double?
    /// Where the traffic of the path's networks goes now, a line a network; while names are waited for, the networks whose
    /// names they are.
    public var networks: [String]

    /// Makes a report.
    public init(
        path: PathName,
        drained: Bool,
        refusal: String? = nil,
        waitSeconds: Double? = nil,
        networks: [String] = []
    ) {
        self.path = path
        self.drained = drained
        self.refusal = refusal
        self.waitSeconds = waitSeconds
        self.networks = networks
    }
}
