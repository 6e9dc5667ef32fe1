// SPDX-License-Identifier: Apache-2.0

public import CLinux

/// Who is at the other end of a UNIX socket, as the kernel tells (SO_PEERCRED, unix(7)).
public struct PeerCredentials: Hashable, Sendable {
    /// The process that connected.
    public let process: pid_t
    /// Its user.
    public let user: uid_t
    /// Its group.
    public let group: gid_t

    /// Asks the kernel for the peer of a connected socket.
    public init(of descriptor: Int32) throws(SystemError) {
        var credentials = ucred()
        var length = socklen_t(MemoryLayout<ucred>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            throw .last("ask for peer credentials")
        }
        process = credentials.pid
        user = credentials.uid
        group = credentials.gid
    }
}

/// A UNIX stream socket that waits for connections; its file goes when the owner lets go.
public struct UnixListener: ~Copyable {
    private let descriptor: FileDescriptor
    private let path: String

    /// Binds the path with the given mode and group. A socket file that nobody listens to any more is replaced.
    ///
    /// Throws EADDRINUSE where another process answers on it, ENAMETOOLONG where sun_path cannot hold it.
    public init(path: String, mode: mode_t, group: gid_t?) throws(SystemError) {
        if (try? UnixSocket.connect(path: path)) != nil {
            throw SystemError(operation: "bind \(path)", code: EADDRINUSE)
        }
        unsafe unlink(path)
        guard let address = SocketAddressStorage(unixPath: path) else {
            throw SystemError(operation: "bind \(path)", code: ENAMETOOLONG)
        }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = try FileDescriptor(socket(AF_UNIX, type, 0), from: "open a UNIX socket")
        let raw = descriptor.raw
        // The file gets the socket's own mode (unix_bind_bsd in net/unix/af_unix.c): closed to all until it is set up.
        // Not by umask(2), which is every thread's.
        guard fchmod(raw, 0) == 0 else { throw .last("close \(path) to others") }
        let bound = unsafe address.withPointer { unsafe pn_bind(raw, $0, $1) }
        guard bound == 0 else { throw .last("bind \(path)") }
        if let group {
            try Privileges.raising(.changeOwner) { () throws(SystemError) in
                guard unsafe chown(path, uid_t.max, group) == 0 else { throw .last("chown \(path)") }
            }
        }
        guard unsafe chmod(path, mode) == 0 else { throw .last("chmod \(path)") }
        guard listen(raw, 64) == 0 else { throw .last("listen on \(path)") }
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        unsafe unlink(path)
    }

    /// The descriptor, borrowed, for ``EventLoop/watch(_:for:handler:)``.
    public var raw: Int32 { descriptor.raw }

    /// Takes one waiting connection, non-blocking; nil where none waits.
    public func accept() throws(SystemError) -> FileDescriptor? {
        let raw = pn_accept(descriptor.raw)
        guard raw >= 0 else {
            let code = pn_errno()
            if code == EAGAIN || code == EINTR || code == ECONNABORTED { return nil }
            throw SystemError(operation: "accept on \(path)", code: code)
        }
        return FileDescriptor(owning: raw)
    }
}

/// The calling side of UNIX stream sockets.
public enum UnixSocket {
    /// Connects to a path; the descriptor blocks, for at most `limit` a call where one is given.
    ///
    /// Throws EAGAIN where the listener's queue stayed full for so long.
    public static func connect(path: String, limit: Duration? = nil) throws(SystemError) -> FileDescriptor {
        guard let address = SocketAddressStorage(unixPath: path) else {
            throw SystemError(operation: "connect to \(path)", code: ENAMETOOLONG)
        }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try FileDescriptor(socket(AF_UNIX, type, 0), from: "open a UNIX socket")
        // Before connecting: a listener that no longer accepts would hold us for ever once its queue is full.
        if let limit { try descriptor.setTimeouts(limit) }
        guard unsafe address.withPointer({ unsafe pn_connect(descriptor.raw, $0, $1) }) == 0 else {
            throw .last("connect to \(path)")
        }
        return descriptor
    }

    /// Connects without waiting; the descriptor does not block. Throws ENOENT and ECONNREFUSED where nobody listens, EAGAIN
    /// where the listener's queue is full.
    public static func connectAtOnce(path: String) throws(SystemError) -> FileDescriptor {
        guard let address = SocketAddressStorage(unixPath: path) else {
            throw SystemError(operation: "connect to \(path)", code: ENAMETOOLONG)
        }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = try FileDescriptor(socket(AF_UNIX, type, 0), from: "open a UNIX socket")
        guard unsafe address.withPointer({ unsafe pn_connect(descriptor.raw, $0, $1) }) == 0 else {
            throw .last("connect to \(path)")
        }
        return descriptor
    }
}

/// Two UNIX stream sockets that are connected to each other.
public struct UnixPair: ~Copyable {
    private let one: FileDescriptor
    private let other: FileDescriptor

    /// Makes them; neither blocks.
    public init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw .last("make a pair of UNIX sockets") }
        one = FileDescriptor(owning: ends[0])
        other = FileDescriptor(owning: ends[1])
    }

    /// Gives both away; the caller closes them.
    public consuming func release() -> (Int32, Int32) {
        (one.release(), other.release())
    }
}
