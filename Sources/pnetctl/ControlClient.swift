// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import SystemIO

/// Asks one pnetd.
struct ControlClient {
    /// The control socket.
    let socket: String

    /// Asks for something that has one answer.
    func ask<Result>(
        _ command: ControlCommand,
        for type: Result.Type,
        within limit: Duration = .seconds(5)
    ) throws(ControlFailure) -> Result where Result: Hashable & Sendable & Codable {
        try ask(ControlRequest(command), for: type, within: limit)
    }

    /// Asks once, with what the command needs.
    func ask<Result>(
        _ request: ControlRequest,
        for type: Result.Type,
        within limit: Duration
    ) throws(ControlFailure) -> Result where Result: Hashable & Sendable & Codable {
        var connection = try open(request)
        guard let answer = try connection.next(type, within: limit) else { throw .silent(socket: socket, limit) }
        return answer
    }

    /// Asks for something that has many answers.
    func open(_ request: ControlRequest) throws(ControlFailure) -> ControlConnection {
        let descriptor: FileDescriptor
        do {
            descriptor = try UnixSocket.connect(path: socket)
        } catch {
            throw ControlFailure(connectingTo: socket, error)
        }
        do {
            let line = try ControlLine.encode(request)
            guard try descriptor.write(line.span) == line.count else { throw ControlFailure.broken("it was cut short") }
        } catch {
            throw .broken("\(error)")
        }
        return ControlConnection(descriptor)
    }
}

/// The answers to one question, in the order in which they come.
struct ControlConnection: ~Copyable {
    private let descriptor: FileDescriptor
    private var unread: [UInt8] = []

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// The next answer; nil where none came in time.
    mutating func next<Result>(
        _ type: Result.Type,
        within limit: Duration
    ) throws(ControlFailure) -> Result? where Result: Hashable & Sendable & Codable {
        guard let line = try line(within: limit) else { return nil }
        let response: ControlResponse<Result>
        do {
            response = try ControlLine.decode(ControlResponse<Result>.self, from: line)
        } catch {
            throw .broken(error.description)
        }
        do {
            return try response.get()
        } catch {
            throw .refused(error)
        }
    }

    /// The next line without its line feed. Each piece of it may take the whole time.
    private mutating func line(within limit: Duration) throws(ControlFailure) -> [UInt8]? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(unread[..<end])
                unread.removeFirst(end + 1)
                return line
            }
            guard unread.count <= ControlLine.responseLimit else { throw .broken("a line without end") }
            guard descriptor.waitUntilReadable(for: limit) else { return nil }
            let part: [UInt8]?
            do {
                part = try descriptor.read(upTo: 1 << 16)
            } catch {
                throw .broken(error.description)
            }
            guard let part else { continue }
            guard !part.isEmpty else { throw .ended }
            unread += part
        }
    }
}
