// SPDX-License-Identifier: Apache-2.0

public import CLinux

/// Small whole files: configuration, keys, state.
public enum Files {
    /// What stat(2) says of a file, as far as we care.
    public struct Status: Hashable, Sendable {
        /// Permission bits.
        public let permissions: mode_t
        /// The owner.
        public let owner: uid_t
        /// The group.
        public let group: gid_t
        /// Whether it is a regular file.
        public let isRegular: Bool
        /// Its size in octets.
        public let size: Int
        /// Its number on its file system.
        public let inode: UInt64
        /// When it was written last, in nanoseconds since 1970.
        public let modified: Int64

        fileprivate init(_ info: stat) {
            permissions = info.st_mode & 0o7777
            owner = info.st_uid
            group = info.st_gid
            isRegular = info.st_mode & UInt32(S_IFMT) == UInt32(S_IFREG)
            size = Int(info.st_size)
            inode = UInt64(info.st_ino)
            modified = Int64(info.st_mtim.tv_sec) * 1_000_000_000 + Int64(info.st_mtim.tv_nsec)
        }
    }

    /// Asks for a file's status, following links.
    public static func status(of path: String) throws(SystemError) -> Status {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else { throw .last("look at \(path)") }
        return Status(info)
    }

    /// Asks for the status of an open file, which is that of what is read from it whatever happens to its name.
    public static func status(of file: borrowing FileDescriptor) throws(SystemError) -> Status {
        var info = stat()
        guard unsafe fstat(file.raw, &info) == 0 else { throw .last("look at a file") }
        return Status(info)
    }

    /// Opens a file for reading, following links; one that is a pipe or a device does not hold us up.
    public static func open(_ path: String) throws(SystemError) -> FileDescriptor {
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        return unsafe try FileDescriptor(pn_open(path, flags, 0), from: "open \(path)")
    }

    /// Reads a whole file. Throws EFBIG where it is longer than the limit.
    public static func read(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> [UInt8] {
        let file = unsafe try FileDescriptor(pn_open(path, O_RDONLY | O_CLOEXEC, 0), from: "open \(path)")
        return try read(file, limit: limit)
    }

    /// Reads an open file to its end. Throws EFBIG where it is longer than the limit.
    public static func read(_ file: borrowing FileDescriptor, limit: Int = 1 << 20) throws(SystemError) -> [UInt8] {
        var contents: [UInt8] = []
        while let part = try file.read(upTo: 1 << 16), !part.isEmpty {
            contents += part
            guard contents.count <= limit else { throw SystemError(operation: "read a file", code: EFBIG) }
        }
        return contents
    }

    /// Puts a file in place as a whole or not at all: a temporary file beside it, synced, then renamed over it. Nothing
    /// is left beside it where that fails.
    public static func replace(_ path: String, with contents: [UInt8], mode: mode_t = 0o600) throws(SystemError) {
        let temporary = path + ".new"
        do throws(SystemError) {
            try remove(temporary)
            // Nobody else's file, with modes or links of its own, is written to.
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
            let file = unsafe try FileDescriptor(pn_open(temporary, flags, mode), from: "create \(temporary)")
            var rest = contents[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes { bytes in
                    retryingInterrupted { unsafe CLinux.write(file.raw, bytes.baseAddress, bytes.count) }
                }
                guard let count else { throw SystemError.last("write \(temporary)") }
                rest = rest.dropFirst(count)
            }
            guard fsync(file.raw) == 0 else { throw SystemError.last("sync \(temporary)") }
            guard unsafe rename(temporary, path) == 0 else { throw SystemError.last("put \(path) in place") }
        } catch {
            try? remove(temporary)
            throw error
        }
    }

    /// Makes a directory and those above it where they are missing.
    public static func makeDirectory(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
        if unsafe mkdir(path, mode) == 0 || pn_errno() == EEXIST { return }
        guard pn_errno() == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw .last("make directory \(path)")
        }
        try makeDirectory(String(path[..<slash]), mode: mode)
        guard unsafe mkdir(path, mode) == 0 || pn_errno() == EEXIST else { throw .last("make directory \(path)") }
    }

    /// Removes a file; one that is not there is no error.
    public static func remove(_ path: String) throws(SystemError) {
        guard unsafe unlink(path) == 0 || pn_errno() == ENOENT else { throw .last("remove \(path)") }
    }
}

extension Files {
    /// Where a symbolic link points.
    public static func linkTarget(_ path: String) throws(SystemError) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe pn_readlink(path, buffer.baseAddress, buffer.count)
        }
        guard count >= 0 else { throw .last("read link \(path)") }
        bytes.removeLast(bytes.count - count)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The names in a directory, without `.` and `..`, in no order.
    public static func names(in directory: String) throws(SystemError) -> [String] {
        guard let stream = unsafe opendir(directory) else { throw .last("open \(directory)") }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Takes the lock of a file that stays locked while the descriptor is open, or until the process ends.
    ///
    /// Throws EWOULDBLOCK where another process has it.
    public static func lock(_ path: String) throws(SystemError) -> FileDescriptor {
        let file = unsafe try FileDescriptor(pn_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600), from: "open \(path)")
        guard flock(file.raw, LOCK_EX | LOCK_NB) == 0 else { throw .last("lock \(path)") }
        return file
    }
}

extension Files {
    /// Whether a process has the lock of a file. Throws where there is no such file.
    public static func isLocked(_ path: String) throws(SystemError) -> Bool {
        let file = unsafe try FileDescriptor(pn_open(path, O_RDONLY | O_CLOEXEC, 0), from: "open \(path)")
        return flock(file.raw, LOCK_SH | LOCK_NB) != 0
    }
}

extension SystemError {
    /// Whether there was no such file (ENOENT).
    public var isNotFound: Bool { code == ENOENT }
    /// Whether the caller may not do this (EACCES, EPERM).
    public var isPermissionDenied: Bool { code == EACCES || code == EPERM }
    /// Whether somebody else is at it (EWOULDBLOCK, EADDRINUSE).
    public var isTaken: Bool { code == EWOULDBLOCK || code == EADDRINUSE }
}
