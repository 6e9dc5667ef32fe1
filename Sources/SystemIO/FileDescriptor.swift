// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes

/// An open file descriptor with one owner; closed when the owner lets go.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, borrowed: it must not outlive the owner.
    public let raw: Int32

    /// Takes ownership of an open descriptor.
    public init(owning raw: Int32) {
        self.raw = raw
    }

    /// Takes ownership of what a call returned. Throws the last error where the call failed.
    public init(_ raw: Int32, from operation: @autoclosure () -> String) throws(SystemError) {
        guard raw >= 0 else { throw .last(operation()) }
        self.raw = raw
    }

    deinit {
        close(raw)
    }

    /// Gives the descriptor away; the caller closes it.
    public consuming func release() -> Int32 {
        let raw = raw
        discard self
        return raw
    }

    /// A second descriptor for the same open file.
    public func duplicate() throws(SystemError) -> FileDescriptor {
        try FileDescriptor(pn_duplicate(raw), from: "duplicate descriptor")
    }

    /// A descriptor of our own for an open file that somebody else closes.
    public static func duplicating(_ raw: Int32) throws(SystemError) -> FileDescriptor {
        try FileDescriptor(pn_duplicate(raw), from: "duplicate descriptor")
    }

    /// Reads what is there, at most `limit` octets; empty at end of file, nil where reading would block.
    public func read(upTo limit: Int) throws(SystemError) -> [UInt8]? {
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            guard let got = retryingInterrupted({ unsafe CLinux.read(raw, buffer.baseAddress, limit) }) else {
                failure = .last("read")
                return
            }
            count = got
        }
        if let failure {
            if failure.code == EAGAIN { return nil }
            throw failure
        }
        return bytes
    }

    /// Lets reads and writes of a blocking socket give up after a time, as if it were not blocking.
    public func setTimeouts(_ limit: Duration) throws(SystemError) {
        var time = timeval(tv_sec: Int(limit.components.seconds), tv_usec: Int(limit.nanoseconds / 1_000 % 1_000_000))
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            guard unsafe setsockopt(raw, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size)) == 0 else {
                throw .last("set a socket's timeouts")
            }
        }
    }

    /// Writes as much as goes without blocking; 0 where nothing went.
    public func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int {
        let count = unsafe bytes.withUnsafeBufferPointer { buffer in
            retryingInterrupted { unsafe send(raw, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL)) }
        }
        guard let count else {
            if pn_errno() == EAGAIN { return 0 }
            throw .last("write")
        }
        return count
    }

    /// Receives one datagram, or what a stream holds, into room that is used again.
    /// - Returns: octets received; nil where nothing waits; 0 at the end of a stream.
    public func receive(into room: inout [UInt8]) throws(SystemError) -> Int? {
        let count = unsafe room.withUnsafeMutableBufferPointer { buffer in
            retryingInterrupted { unsafe recv(raw, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) }
        }
        guard let count else {
            if pn_errno() == EAGAIN { return nil }
            throw .last("receive")
        }
        return count
    }
}
