// SPDX-License-Identifier: Apache-2.0

/// An address and a port: `192.0.2.1:53` or `[2001:db8::1]:53` (RFC 5952 section 6).
public struct SocketEndpoint: Hashable, Sendable {
    /// The address.
    public var address: IPAddress
    /// The port, in host byte order.
    public var port: UInt16

    /// Makes an endpoint of an address and a port in host byte order.
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }
}

extension SocketEndpoint: TextValue {
    /// `192.0.2.1:53` or `[2001:db8::1]:53`.
    public var description: String {
        switch address {
        case .v4(let address): "\(address):\(port)"
        case .v6(let address): "[\(address)]:\(port)"
        }
    }

    /// Parses an address and a port; a bare address is refused, see ``init(_:defaultPort:)``.
    public init?(_ description: String) {
        guard let host = HostEndpoint(description), case .address(let address) = host.host else { return nil }
        self.init(address: address, port: host.port)
    }

    /// Parses an address with or without a port.
    public init?(_ text: String, defaultPort: UInt16) {
        if let address = IPAddress(text) {
            self.init(address: address, port: defaultPort)
        } else {
            self.init(text)
        }
    }
}

/// A host, by address or by name, and a port.
public struct HostEndpoint: Hashable, Sendable {
    /// What stands before the port.
    public enum Host: Hashable, Sendable {
        case address(IPAddress)
        case name(DomainName)
    }

    /// The host.
    public var host: Host
    /// The port, in host byte order.
    public var port: UInt16

    /// Joins both.
    public init(host: Host, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// The host's address; nil where it is given by name.
    public var address: IPAddress? { if case .address(let address) = host { address } else { nil } }
    /// The host's name; nil where it is given by address.
    public var name: DomainName? { if case .name(let name) = host { name } else { nil } }
}

extension HostEndpoint: CustomStringConvertible, LosslessStringConvertible {
    /// `host:port`, an IPv6 address in brackets.
    public var description: String {
        switch host {
        case .address(let address): SocketEndpoint(address: address, port: port).description
        case .name(let name): "\(name.withoutRootDot):\(port)"
        }
    }

    /// Parses `192.0.2.1:51820`, `[2001:db8::1]:51820` or `name.example:51820`.
    public init?(_ description: String) {
        guard let colon = description.lastIndex(of: ":"),
            let port = Decimal.number(description[description.index(after: colon)...].utf8, upTo: 65535), port > 0
        else { return nil }
        let text = description[..<colon]
        if text.hasPrefix("["), text.hasSuffix("]") {
            guard let address = IPv6Address(text.dropFirst().dropLast()) else { return nil }
            self.init(host: .address(.v6(address)), port: UInt16(port))
        } else if let address = IPv4Address(text) {
            self.init(host: .address(.v4(address)), port: UInt16(port))
        } else if !text.contains(":"), text.utf8.contains(where: { $0 > UInt8(ascii: "9") }),
            let name = DomainName(String(text))
        {
            self.init(host: .name(name), port: UInt16(port))
        } else {
            return nil
        }
    }
}
