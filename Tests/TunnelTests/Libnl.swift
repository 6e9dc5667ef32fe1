// SPDX-License-Identifier: Apache-2.0

import CLinux
import CNl
import NetworkTypes

@testable import Tunnel

/// A second reader of the kernel, to compare ours with.
enum Libnl {
    struct Failure: Error {
        let code: Int32
    }

    private static func withCache(
        _ allocate: (OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>) -> Int32,
        _ body: (OpaquePointer) -> Void
    ) throws {
        let socket = unsafe nl_socket_alloc()
        defer { unsafe nl_socket_free(socket) }
        let connected = unsafe nl_connect(socket, NETLINK_ROUTE)
        guard connected == 0 else { throw Failure(code: connected) }
        var cache: OpaquePointer?
        let code = unsafe allocate(socket, &cache)
        guard code == 0, let cache = unsafe cache else { throw Failure(code: code) }
        unsafe body(cache)
        unsafe nl_cache_free(cache)
    }

    static func addresses() throws -> Set<LinkAddress> {
        var found: Set<LinkAddress> = []
        unsafe try withCache({ unsafe rtnl_addr_alloc_cache($0, $1) }) { cache in
            var object = unsafe nl_cache_get_first(cache)
            while let address = unsafe object {
                if let local = unsafe rtnl_addr_get_local(address) {
                    let count = unsafe Int(nl_addr_get_len(local))
                    let octets = unsafe UnsafeRawBufferPointer(start: nl_addr_get_binary_addr(local), count: count)
                    let length = unsafe Int(rtnl_addr_get_prefixlen(address))
                    if let parsed = unsafe IPAddress(bytes: Array(octets)),
                        let onLink = InterfaceAddress(address: parsed, length: length)
                    {
                        found.insert(LinkAddress(link: unsafe rtnl_addr_get_ifindex(address), address: onLink))
                    }
                }
                unsafe object = nl_cache_get_next(address)
            }
        }
        return found
    }

    /// How many rules carry the protocol.
    static func rules(protocol number: UInt8) throws -> Int {
        var count = 0
        unsafe try withCache({ unsafe rtnl_rule_alloc_cache($0, AF_UNSPEC, $1) }) { cache in
            var object = unsafe nl_cache_get_first(cache)
            while let rule = unsafe object {
                var found: UInt8 = 0
                if unsafe rtnl_rule_get_protocol(rule, &found) == 0, found == number { count += 1 }
                unsafe object = nl_cache_get_next(rule)
            }
        }
        return count
    }
}
