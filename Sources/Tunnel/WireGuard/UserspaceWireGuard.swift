// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// The userspace implementation over its UAPI socket: text lines, keys in hexadecimal
/// (the cross-platform userspace interface of WireGuard, `get=1` and `set=1`).
struct UserspaceWireGuard: WireGuardControl {
    /// Where the sockets are, as wireguard-go and wg(8) have it.
    static let directory = "/var/run/wireguard"

    static func socketPath(_ interface: InterfaceName) -> String { "\(directory)/\(interface).sock" }

    func read(_ interface: InterfaceName) throws(WireGuardError) -> WireGuardDevice {
        try UserspaceAnswer.parse(exchange(CollectionOfOne("get=1\n\n"), interface))
    }

    func apply(_ change: WireGuardChange, to interface: InterfaceName) throws(WireGuardError) {
        _ = try exchange(Self.request(change), interface)
    }

    private func exchange(_ request: some Sequence<String>, _ interface: InterfaceName) throws(WireGuardError)
        -> [UInt8]
    {
        let answer: [UInt8]
        do throws(SystemError) {
            // The agent's one thread waits meanwhile: a process that lives answers within a millisecond.
            let socket = try UnixSocket.connect(path: Self.socketPath(interface), limit: .milliseconds(200))
            answer = try Self.converse(request, over: socket)
        } catch {
            guard ![ETIMEDOUT, EAGAIN].contains(error.code) else { throw .unresponsive(interface) }
            throw .userspace("userspace WireGuard of \(interface): \(error)")
        }
        // The verdict is the last line, before the empty one.
        let verdict = String(decoding: answer.suffix(32), as: UTF8.self).split(separator: "\n").last ?? ""
        guard verdict.hasPrefix("errno=") else {
            throw .userspace("userspace WireGuard of \(interface) broke its answer off")
        }
        guard verdict == "errno=0" else {
            throw .userspace("userspace WireGuard of \(interface) refused the change (\(verdict))")
        }
        return answer
    }

    /// Sends a request, piece by piece while the other end works on what came before, and reads to the empty line.
    static func converse(
        _ request: some Sequence<String>,
        over socket: borrowing FileDescriptor
    ) throws(SystemError) -> [UInt8] {
        do throws(SystemError) {
            try send(request, to: socket)
        } catch  where [EPIPE, ECONNRESET].contains(error.code) {
            // It has refused what came so far, and says why.
        }
        var answer: [UInt8] = []
        while !answer.suffix(2).elementsEqual([10, 10]) {
            guard let part = try socket.read(upTo: 1 << 16) else {
                throw SystemError(operation: "read", code: ETIMEDOUT)
            }
            guard !part.isEmpty, answer.count < 64 << 20 else { break }
            answer += part
        }
        return answer
    }

    private static func send(
        _ request: some Sequence<String>,
        to socket: borrowing FileDescriptor
    ) throws(SystemError) {
        var waiting: [UInt8] = []
        for piece in request {
            waiting += piece.utf8
            guard waiting.count >= 1 << 14 else { continue }
            try write(waiting, to: socket)
            waiting.removeAll(keepingCapacity: true)
        }
        try write(waiting, to: socket)
    }

    private static func write(_ bytes: [UInt8], to socket: borrowing FileDescriptor) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try socket.write(rest.span)
            guard count > 0 else { throw SystemError(operation: "write", code: ETIMEDOUT) }
            rest = rest.dropFirst(count)
        }
    }

    /// The request for a change, peer by peer.
    static func request(_ change: WireGuardChange) -> some Sequence<String> {
        var head = "set=1\n"
        if let key = change.privateKey { head += "private_key=\(Hexadecimal.encode(key.bytes))\n" }
        if let port = change.listenPort { head += "listen_port=\(port)\n" }
        if let mark = change.mark { head += "fwmark=\(mark)\n" }
        // The last peer, which is none, ends the request.
        return (0...change.peers.count).lazy.map { place in
            (place == 0 ? head : "") + (place == change.peers.count ? "\n" : text(of: change.peers[place]))
        }
    }

    private static func text(of peer: WireGuardChange.Peer) -> String {
        var text = "public_key=\(Hexadecimal.encode(peer.publicKey.bytes))\n"
        if peer.remove { return text + "remove=true\n" }
        if let key = peer.presharedKey { text += "preshared_key=\(Hexadecimal.encode(key.bytes))\n" }
        if let endpoint = peer.endpoint { text += "endpoint=\(endpoint)\n" }
        if let keepalive = peer.keepalive { text += "persistent_keepalive_interval=\(keepalive)\n" }
        if let prefixes = peer.allowedIPs {
            if !peer.keepsAllowedIPs { text += "replace_allowed_ips=true\n" }
            for prefix in prefixes.sorted() { text += "allowed_ip=\(prefix)\n" }
        }
        return text
    }
}
