// SPDX-License-Identifier: Apache-2.0

extension XFRMCounter {
    /// What has to be the case for its growth to be worth a look.
    public enum Weight: Hashable, Sendable {
        /// Nothing: something is wrong.
        case fault
        /// A tunnel does not carry. While tunnels do, it comes with new keys, and with whatever strangers send.
        case unsettled
        /// Nothing, but nothing is wrong either: what no tunnel is up for was kept in, or out.
        case kept
    }

    /// What has to be the case for its growth to be worth a look; one that is unknown always is.
    public var weight: Weight { Self.weights[rawValue] ?? .fault }

    private static let weights: [String: Weight] = [
        "XfrmInNoStates": .unsettled,
        "XfrmInStateExpired": .unsettled,
        "XfrmInStateInvalid": .unsettled,
        "XfrmOutBundleCheckError": .unsettled,
        "XfrmOutNoStates": .unsettled,
        "XfrmOutStateExpired": .unsettled,
        "XfrmOutPolDead": .unsettled,
        "XfrmOutStateInvalid": .unsettled,
        "XfrmAcquireError": .unsettled,
        "XfrmInPolBlock": .kept,
        "XfrmOutPolBlock": .kept,
    ]
}
