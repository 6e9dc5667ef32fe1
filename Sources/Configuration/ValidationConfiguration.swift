// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// How the upstreams' answers are validated (DNSSEC).
public struct ValidationConfiguration: Hashable, Sendable {
    /// A domain whose names are not validated for a while (RFC 7646): its signatures are known to be wrong.
    public struct NegativeTrustAnchor: Hashable, Sendable {
        /// The domain, with all below it.
        public var name: DomainName
        /// The last day, as the file has it.
        public var lastDay: String
        /// Seconds since 1970 at the end of that day (UTC).
        public var end: Int64

        /// What is to be known of it at a time, in seconds since 1970; nil for nothing.
        public func warning(at time: Int64) -> String? {
            guard end <= time else { return nil }
            return "negative trust anchor '\(name.withoutRootDot)' ended with \(lastDay): its names are validated again"
        }
    }

    /// DS records of the root, as text; nil for those that IANA publishes.
    public var anchors: String?
    /// Domains whose names are not validated for a while.
    public var negative: [NegativeTrustAnchor]
}
