// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// One thing that the resolver and the frontend say to each other. Each number is the asking side's own.
public enum RelayMessage: Hashable, Sendable {
    /// The resolver asks a server by the frontend.
    case ask(UInt64, of: Upstream, message: [UInt8])
    /// The server's answer to that.
    case answered(UInt64, message: [UInt8])
    /// The server cannot be asked, or its answer did not come.
    case failed(UInt64)
    /// The frontend passes on what a client asks, and by the interface of which index it came; 0 where that is not known.
    case query(UInt64, from: IPAddress, on: UInt32, message: [UInt8])
    /// The resolver's answer to that; empty: the client gets none.
    case reply(UInt64, message: [UInt8])

    private enum Kind: UInt8 {
        case ask = 1
        case answered
        case failed
        // 4 was a query that told no interface.
        case reply = 5
        case query
    }

    /// The message as a frame: its length in four octets, its kind in one, its number in eight, what it is about, and the
    /// DNS message to the end. All numbers begin with their highest octet.
    ///
    /// An address stands behind its length in octets. Behind a server's stands its port, and before it how it is asked: 1
    /// for TLS, 2 for HTTPS. Behind a client's stands its interface's index in four octets.
    public var frame: [UInt8] {
        var content: [UInt8]
        switch self {
        case .ask(let number, let upstream, let message):
            content = Self.head(.ask, number)
            content.append(upstream.encryption.code)
            content += Self.octets(of: upstream.endpoint.address)
            content += [UInt8(upstream.endpoint.port >> 8), UInt8(truncatingIfNeeded: upstream.endpoint.port)]
            content += message
        case .answered(let number, let message): content = Self.head(.answered, number) + message
        case .failed(let number): content = Self.head(.failed, number)
        case .query(let number, let client, let interface, let message):
            content = Self.head(.query, number) + Self.octets(of: client)
            content += Self.octets(of: interface)
            content += message
        case .reply(let number, let message): content = Self.head(.reply, number) + message
        }
        return Self.octets(of: UInt32(content.count)) + content
    }

    private static func head(_ kind: Kind, _ number: UInt64) -> [UInt8] {
        [kind.rawValue] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
    }

    private static func octets(of number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
    }

    private static func octets(of address: IPAddress) -> [UInt8] {
        let octets = address.bytes
        return [UInt8(octets.count)] + octets
    }

    /// Reads what a frame holds behind its length; nil where that is no message.
    init?(_ content: ArraySlice<UInt8>) {
        var rest = content
        func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard rest.count >= count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func takeAddress() -> IPAddress? {
            take(1)?.first.flatMap { take(Int($0)) }.flatMap { IPAddress(bytes: $0) }
        }
        guard let kind = take(1)?.first.flatMap({ Kind(rawValue: $0) }),
            let number = take(8)?.reduce(0, { $0 << 8 | UInt64($1) })
        else { return nil }
        switch kind {
        case .ask:
            guard let code = take(1)?.first, let encryption = Upstream.Encryption?(code: code),
                let address = takeAddress(), let port = take(2)?.reduce(0, { $0 << 8 | UInt16($1) })
            else { return nil }
            let upstream = Upstream(SocketEndpoint(address: address, port: port), encryption)
            self = .ask(number, of: upstream, message: Array(rest))
        case .answered: self = .answered(number, message: Array(rest))
        case .failed:
            guard rest.isEmpty else { return nil }
            self = .failed(number)
        case .query:
            guard let client = takeAddress(), let interface = take(4)?.reduce(0, { $0 << 8 | UInt32($1) }) else {
                return nil
            }
            self = .query(number, from: client, on: interface, message: Array(rest))
        case .reply: self = .reply(number, message: Array(rest))
        }
    }
}

extension Upstream.Encryption? {
    fileprivate var code: UInt8 {
        switch self {
        case nil: 0
        case .tls: 1
        case .https: 2
        }
    }

    /// Nobody is asked in the clear by the frontend.
    fileprivate init?(code: UInt8) {
        switch code {
        case 1: self = .tls
        case 2: self = .https
        default: return nil
        }
    }
}
