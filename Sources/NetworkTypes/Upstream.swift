// SPDX-License-Identifier: Apache-2.0

/// A server that is asked for names, and how.
public struct Upstream: Hashable, Sendable, Codable {
    /// How questions are hidden from those on the way.
    public enum Encryption: String, Hashable, Sendable, Codable, CaseIterable {
        /// DNS over TLS (RFC 7858).
        case tls
        /// DNS over HTTPS (RFC 8484).
        case https
    }

    /// Where it is.
    public var endpoint: SocketEndpoint
    /// How it is asked; nil: in the clear, over UDP and TCP.
    public var encryption: Encryption?

    /// Names a server.
    public init(_ endpoint: SocketEndpoint, _ encryption: Encryption? = nil) {
        (self.endpoint, self.encryption) = (endpoint, encryption)
    }
}
