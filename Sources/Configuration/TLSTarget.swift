// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// A server that is asked by a TLS handshake (RFC 8446), and whose certificate is checked.
public struct TLSTarget: Hashable, Sendable {
    /// Where it is.
    public let endpoint: SocketEndpoint
    /// The name that it is told (RFC 6066 section 3), and that its certificate must be of (RFC 9525).
    public let name: DomainName
    /// The certificates that its own must lead to, as PEM; nil: those that the system trusts.
    public let roots: String?
    /// Whom it is shown that we are, if it asks; nil: nobody.
    public let identity: ClientIdentity?
    /// What it is asked then; nil: nothing.
    public let request: HTTPRequest?
    /// Between two questions through one path.
    public let interval: Duration

    /// How many such questions may be asked in a second, of all targets and through all paths.
    public static let mostASecond = 20
    /// Between two handshakes where the file does not say.
    static let usualInterval = Duration.seconds(15)
    /// Between two requests where the file does not say.
    static let usualRequestInterval = Duration.seconds(30)
    /// What the file may say.
    static let intervals = Duration.seconds(5) ... .seconds(3_600)
    /// The longest file of certificates, in octets.
    static let longestCertificates = 64 << 10
}

/// A GET (RFC 9110 section 9.3.1) of one resource of a server.
public struct HTTPRequest: Hashable, Sendable {
    /// The resource's path, with its query if it has one.
    public let path: String
    /// The statuses that are good.
    public let statuses: ClosedRange<Int>
    /// What gives us the right to ask; nil: nothing.
    public let access: SharedAccess?

    /// The statuses that are good where the file does not say: also a redirection, which is not followed.
    static let usualStatuses = 200...399
    /// What the file may say; before the final one come those of 1xx.
    static let possibleStatuses = 200...599
    /// The longest path, in octets.
    static let longestPath = 512
}

/// The right to a resource of Azure IoT, for whoever has its key: a token is signed with it, and the key itself is
/// never sent.
public struct SharedAccess: Hashable, Sendable {
    /// The resource that the token is for, as `hub1.azure-devices.net/devices/edge-1`.
    public let resource: String
    /// The key.
    public let key: Secret
    /// The name of the policy whose key it is; nil: it is a device's own.
    public let policy: String?
    /// How long a token is valid.
    public let validity: Duration

    /// How long a token is valid where the file does not say.
    static let usualValidity = Duration.seconds(3_600)
    /// What the file may say.
    static let validities = Duration.seconds(60) ... .seconds(86_400)
}
