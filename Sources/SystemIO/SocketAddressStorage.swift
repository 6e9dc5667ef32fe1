// SPDX-License-Identifier: Apache-2.0

public import CLinux
public import NetworkTypes

/// The kernel's form of a socket address: sockaddr_in, sockaddr_in6 or sockaddr_un.
public struct SocketAddressStorage {
    /// Room for any family.
    public var storage = sockaddr_storage()
    /// How much of it counts.
    public var length: socklen_t

    /// Room to be filled by the kernel.
    public init() {
        length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    }

    /// The address of an endpoint.
    public init(_ endpoint: SocketEndpoint) {
        switch endpoint.address {
        case .v4(let address):
            var inet = sockaddr_in()
            inet.sin_family = sa_family_t(AF_INET)
            inet.sin_port = endpoint.port.bigEndian
            inet.sin_addr.s_addr = address.bits.bigEndian
            length = socklen_t(MemoryLayout<sockaddr_in>.size)
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: inet, as: sockaddr_in.self) }
        case .v6(let address):
            var inet = sockaddr_in6()
            inet.sin6_family = sa_family_t(AF_INET6)
            inet.sin6_port = endpoint.port.bigEndian
            unsafe withUnsafeMutableBytes(of: &inet.sin6_addr) { unsafe $0.copyBytes(from: address.bytes) }
            length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: inet, as: sockaddr_in6.self) }
        }
    }

    /// The address of a UNIX socket; nil where the path is longer than sun_path holds. A path that begins with `@` is
    /// one of the abstract namespace (unix(7)).
    public init?(unixPath path: String) {
        var unix = sockaddr_un()
        unix.sun_family = sa_family_t(AF_UNIX)
        var octets = Array(path.utf8)
        guard !octets.isEmpty, octets.count < MemoryLayout.size(ofValue: unix.sun_path) else { return nil }
        length = socklen_t(MemoryLayout<sockaddr_un>.size)
        if octets[0] == UInt8(ascii: "@") {
            octets[0] = 0
            length -= socklen_t(MemoryLayout.size(ofValue: unix.sun_path) - octets.count)
        }
        unsafe withUnsafeMutableBytes(of: &unix.sun_path) { unsafe $0.copyBytes(from: octets) }
        unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: unix, as: sockaddr_un.self) }
    }

    /// The endpoint, where the family is IPv4 or IPv6.
    public var endpoint: SocketEndpoint? {
        unsafe withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let inet = unsafe bytes.load(as: sockaddr_in.self)
                let address = IPv4Address(bits: UInt32(bigEndian: inet.sin_addr.s_addr))
                return SocketEndpoint(address: .v4(address), port: UInt16(bigEndian: inet.sin_port))
            case AF_INET6:
                let inet = unsafe bytes.load(as: sockaddr_in6.self)
                let octets = unsafe withUnsafeBytes(of: inet.sin6_addr) { unsafe Array($0) }
                guard let address = IPAddress(bytes: octets) else { return nil }
                return SocketEndpoint(address: address, port: UInt16(bigEndian: inet.sin6_port))
            default:
                return nil
            }
        }
    }

    /// Calls the body with the kernel's pointer and length.
    public func withPointer<Result>(_ body: (UnsafeRawPointer, socklen_t) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { unsafe body(UnsafeRawPointer($0), length) }
    }

    /// Calls the body with room for the kernel to write an address and its length to.
    public mutating func withMutablePointer<Result>(
        _ body: (UnsafeMutableRawPointer, UnsafeMutablePointer<socklen_t>) -> Result
    ) -> Result {
        unsafe withUnsafeMutablePointer(to: &storage) { address in
            unsafe withUnsafeMutablePointer(to: &length) { unsafe body(UnsafeMutableRawPointer(address), $0) }
        }
    }
}
