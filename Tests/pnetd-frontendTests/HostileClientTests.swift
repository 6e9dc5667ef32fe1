// SPDX-License-Identifier: Apache-2.0

import CLinux
import NIOCore
import NIOPosix
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd_frontend

/// The web server in this process, with short limits, and clients that do what they should not.
struct HostileClientTests {
    private let endpoint: SocketEndpoint
    private let loop: SystemIO.EventLoop

    init() throws {
        loop = try SystemIO.EventLoop()
        var limits = ConnectionLimits.Limits()
        limits.receiving = .milliseconds(300)
        limits.idle = .milliseconds(600)
        endpoint = try Self.serve(limits)
    }

    /// One thread, as in the process: with more of them connections would be counted out of their order.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private static func serve(_ limits: ConnectionLimits.Limits) throws -> SocketEndpoint {
        let server = WebServer(group: group, limits: limits) {
            $0(.page(metrics: "m 1\n", health: Health(state: "up", reasons: [])))
        }
        let socket = try LoopbackSocket()
        _ = try server.serve(try socket.descriptor.duplicate().release())
        return socket.endpoint
    }

    /// Sends text and reads until the server hangs up.
    private func say(_ text: String, to other: SocketEndpoint? = nil) throws -> String {
        let socket = try LoopbackSocket.connect(to: other ?? endpoint)
        _ = try socket.write(Array(text.utf8).span)
        return try rest(of: socket)
    }

    private func rest(of socket: borrowing SystemIO.FileDescriptor, within limit: Duration = .seconds(5)) throws
        -> String
    {
        var octets: [UInt8] = []
        let deadline = loop.now + limit
        while loop.now < deadline, socket.waitUntilReadable(for: Duration.milliseconds(100)) || loop.now < deadline {
            do throws(SystemError) {
                guard let part = try socket.read(upTo: 4096) else { continue }
                if part.isEmpty { return String(decoding: octets, as: UTF8.self) }
                octets += part
            } catch {
                guard error.code == ECONNRESET else { throw error }
                return String(decoding: octets, as: UTF8.self)
            }
        }
        throw FakeAgent.TimedOut(description: "the server does not hang up: \(String(decoding: octets, as: UTF8.self))")
    }

    @Test(arguments: [
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n\0\0\0\0 /",
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "GET / HTTP/1.1\r\nA: \u{1}\0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ])
    func garbageIsABadRequest(_ text: String) throws {
        let answer = try say(text)
        #expect(answer.hasPrefix("HTTP/1.1 400 ") || answer.hasPrefix("HTTP/1.1 405 "), "\(answer)")
    }

    @Test func randomOctetsEndTheConnection() throws {
        for _ in 0..<50 {
            let octets = (0..<Int.random(in: 1...2_000)).map { _ in UInt8.random(in: 0...255) }
            _ = try say(String(decoding: octets, as: UTF8.self))
        }
        #expect(try say("GET /metrics HTTP/1.0\r\n\r\n").hasSuffix("\r\n\r\nm 1\n"))
    }

    @Test func aRequestIsBounded() throws {
        let long = String(repeating: "a", count: 9_000)
        #expect(try say("GET /\(long) HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 431 "))
        #expect(try say("GET / HTTP/1.1\r\nCookie: \(long)\r\n\r\n").hasPrefix("HTTP/1.1 431 "))
        let many = (0..<500).map { "F\($0): some field or other\r\n" }.joined()
        #expect(try say("GET / HTTP/1.1\r\n\(many)\r\n").hasPrefix("HTTP/1.1 431 "))
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let answer = try say(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
                + "GET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        let statuses = answer.split(separator: "\r\n").compactMap { $0.contains("HTTP/1.1 ") ? $0.suffix(9) : nil }
        #expect(statuses.map { $0.hasSuffix("Found") } == [false, false, true], "\(answer)")
    }

    @Test func aDrippingRequestIsCutOff() throws {
        let socket = try LoopbackSocket.connect(to: endpoint)
        let began = loop.now
        var isCut = false
        for octet in "GET /metrics HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".utf8 where !isCut {
            do {
                _ = try socket.write([octet].span)
                usleep(50_000)
                if let part = try socket.read(upTo: 1), part.isEmpty { isCut = true }
            } catch {
                isCut = true
            }
        }
        #expect(isCut)
        #expect(loop.now - began < .seconds(2))
    }

    @Test func aSilentConnectionIsCutOff() throws {
        let began = loop.now
        #expect(try say("").isEmpty)
        #expect(loop.now - began < .seconds(2))
        // After an answer it may rest longer, for the next scrape.
        #expect(try say("GET / HTTP/1.1\r\nHost: a\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
        #expect(loop.now - began >= .milliseconds(900))
    }

    @Test func connectionsAreBounded() throws {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        let endpoint = try Self.serve(ConnectionLimits.Limits())
        for _ in 0..<WebServer.connectionLimit {
            sockets.append(try LoopbackSocket.connect(to: endpoint).release())
        }
        // Silence is cut off after ten seconds; a connection beyond the bound ends at once.
        let last = try LoopbackSocket.connect(to: endpoint)
        #expect(try rest(of: last).isEmpty)
        for socket in sockets { close(socket) }
        sockets = []
        try loop.turnUntil("there is room again") {
            try say("GET /metrics HTTP/1.0\r\n\r\n", to: endpoint).hasSuffix("m 1\n")
        }
    }
}
