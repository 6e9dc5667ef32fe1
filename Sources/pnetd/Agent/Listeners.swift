// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO

/// The sockets that the agent opens for the processes without privilege. It keeps a copy of each: a process that dies
/// loses no question that waits in one, and a new one gets the same.
final class Listeners {
    private var open: [ListenerDescription: Int32] = [:]

    deinit {
        for descriptor in open.values { close(descriptor) }
    }

    /// What is held now.
    var descriptions: Set<ListenerDescription> { Set(open.keys) }

    /// Takes sockets over from a process that outlived an earlier agent. A second set bound to the same address would
    /// get a share of the questions that nobody reads, so one of our own goes: it was opened because that process was
    /// late, and who else serves it is about to end.
    func adopt(_ descriptions: [ListenerDescription], _ descriptors: [Int32]) {
        for (description, descriptor) in zip(descriptions, descriptors) {
            if let own = open.updateValue(descriptor, forKey: description) { close(own) }
        }
        for descriptor in descriptors.dropFirst(descriptions.count) { close(descriptor) }
    }

    /// Opens what is wanted and not there, closes what is there and not wanted; says what could not be opened.
    func serve(_ wanted: [ListenerDescription]) -> [String] {
        for (description, descriptor) in open where !wanted.contains(description) {
            close(descriptor)
            open[description] = nil
        }
        var failures: [String] = []
        for description in wanted where open[description] == nil {
            do {
                open[description] = try Self.open(description).release()
            } catch {
                failures.append("\(error)")
            }
        }
        return failures
    }

    /// The descriptor of a listener; the receiver gets a copy.
    subscript(_ description: ListenerDescription) -> Int32? { open[description] }

    private static func open(_ description: ListenerDescription) throws(SystemError) -> FileDescriptor {
        let family = description.endpoint.address.family == .ipv4 ? AF_INET : AF_INET6
        let isStream = description.kind != .dnsUDP
        let kind = isStream ? SOCK_STREAM : SOCK_DGRAM
        let type = Int32(kind.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let place = "\(description.kind) \(description.endpoint)"
        let descriptor = try FileDescriptor(socket(family, type, 0), from: "open \(place)")
        let raw = descriptor.raw
        func set(_ level: Int32, _ option: Int32) throws(SystemError) {
            var on: Int32 = 1
            guard unsafe setsockopt(raw, level, option, &on, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
                throw .last("set up \(place)")
            }
        }
        if isStream { try set(SOL_SOCKET, SO_REUSEADDR) }
        if description.kind != .http { try set(SOL_SOCKET, SO_REUSEPORT) }
        if family == AF_INET6 { try set(Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        // The address may come later than we do, as that of a plant network does at boot.
        try family == AF_INET ? set(Int32(IPPROTO_IP), IP_FREEBIND) : set(Int32(IPPROTO_IPV6), IPV6_FREEBIND)
        let address = SocketAddressStorage(description.endpoint)
        guard unsafe address.withPointer({ unsafe pn_bind(raw, $0, $1) }) == 0 else {
            throw .last("bind \(place)")
        }
        if isStream, listen(raw, 1024) != 0 { throw .last("listen on \(place)") }
        return descriptor
    }
}
