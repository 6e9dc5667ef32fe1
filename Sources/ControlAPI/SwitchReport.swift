// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The answer to `switch`: `{"network":"azure","path":"vpn-b","preferred":"vpn-b","refusal":null}`.
public struct SwitchReport: Hashable, Sendable, Codable {
    /// The network.
    public var network: NetworkName
    /// The path that carries its traffic now; null where none does.
    @ExplicitNull public var path: PathName?
    /// The path that was put first by hand; null where the file's order holds.
    @ExplicitNull public var preferred: PathName?
    /// Why nothing was changed.
    @ExplicitNull public var refusal: String?

    /// Makes a report.
    public init(network: NetworkName, path: PathName?, preferred: PathName?, refusal: String? = nil) {
        self.network = network
        self.path = path
        self.preferred = preferred
        self.refusal = refusal
    }
}
