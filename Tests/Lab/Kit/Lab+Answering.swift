// SPDX-License-Identifier: Apache-2.0

extension Lab {
    /// The site's own addresses, as `source` in its file has them: the only ones that the cloud has a way back to.
    public static let siteSources = "[10.1.0.1, \"fd00:1::1\"]"

    /// Has the cloud answer the site by one link, whichever the question came by: as a gateway with static routes to
    /// several tunnels. Only in a lab whose far end is ``FarEnd/routed``.
    public func answerEverything(by link: String) throws {
        try cloud.ip(["10.1.0.0/16", "fd00:1::/64"].map { "route replace \($0) dev \(link)" }.joined(separator: "\n"))
    }
}
