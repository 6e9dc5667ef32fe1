// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO

/// Receives webhooks on the test's loop, and answers as the test wants.
final class Receiver {
    private final class Connection {
        let socket: FileDescriptor
        var octets: [UInt8] = []

        init(_ socket: consuming FileDescriptor) { self.socket = socket }
    }

    private let loop: EventLoop
    private let socket: LoopbackSocket
    private var connections: [Int32: Connection] = [:]
    /// The requests that came whole.
    private(set) var requests: [String] = []
    /// What is answered; nil for silence.
    var answer: String? = Receiver.status(204)

    static func status(_ code: Int, _ fields: String = "") -> String {
        "HTTP/1.1 \(code) Whatever\r\n\(fields)Content-Length: 0\r\n\r\n"
    }

    init(on loop: EventLoop) throws {
        self.loop = loop
        socket = try LoopbackSocket()
        let raw = socket.descriptor.raw
        try loop.watch(raw) { [unowned self] _ in
            let connection = pn_accept(raw)
            guard connection >= 0 else { return }
            connections[connection] = Connection(FileDescriptor(owning: connection))
            try? loop.watch(connection) { [unowned self] _ in read(connection) }
        }
    }

    deinit {
        loop.unwatch(socket.descriptor.raw)
        for raw in connections.keys { loop.unwatch(raw) }
    }

    var endpoint: SocketEndpoint { socket.endpoint }
    var url: String { "http://\(endpoint)/hook/s3cret?token=t0ken" }

    private func read(_ raw: Int32) {
        guard let connection = connections[raw] else { return }
        guard let part = try? connection.socket.read(upTo: 1 << 16), !part.isEmpty else {
            loop.unwatch(raw)
            connections[raw] = nil
            return
        }
        connection.octets += part
        // An alert's JSON is an object: its last octet ends the request.
        guard part.last == UInt8(ascii: "}") else { return }
        requests.append(String(decoding: connection.octets, as: UTF8.self))
        if let answer { _ = try? connection.socket.write(Array(answer.utf8).span) }
    }
}
