// SPDX-License-Identifier: Apache-2.0
// Files that may be links, mounts of their own, or in folders that are closed: as /etc/resolv.conf.

public import CLinux

extension Files {
    /// What lstat(2) says of a name, as far as we care.
    public struct LinkStatus: Hashable, Sendable {
        /// Whether it is a symbolic link.
        public let isLink: Bool
        /// Whether it is a regular file.
        public let isRegular: Bool
        /// Permission bits.
        public let permissions: mode_t
    }

    /// Asks for the status of a name itself, not of what a link leads to; nil where there is nothing of that name.
    public static func statusOfLink(_ path: String) throws(SystemError) -> LinkStatus? {
        var info = stat()
        guard unsafe lstat(path, &info) == 0 else {
            if pn_errno() == ENOENT { return nil }
            throw .last("look at \(path)")
        }
        let kind = info.st_mode & UInt32(S_IFMT)
        return LinkStatus(
            isLink: kind == UInt32(S_IFLNK),
            isRegular: kind == UInt32(S_IFREG),
            permissions: info.st_mode & 0o7777
        )
    }

    /// Puts a link in the place of what is at a path, whole or not at all.
    public static func replaceByLink(_ path: String, to target: String) throws(SystemError) {
        let temporary = path + ".new"
        try remove(temporary)
        guard unsafe symlink(target, temporary) == 0 else { throw .last("create \(temporary)") }
        guard unsafe rename(temporary, path) == 0 else {
            let error = SystemError.last("put \(path) in place")
            try? remove(temporary)
            throw error
        }
    }

    /// Puts a file in the place of what is at a path: whole by a rename; where the path is a mount of its own (EBUSY), or
    /// its folder is closed, a file that is there is written over. The mode holds whatever the umask.
    public static func rewrite(_ path: String, with contents: [UInt8], mode: mode_t) throws(SystemError) {
        do throws(SystemError) {
            try replaceKeepingMode(path, with: contents, mode: mode)
        } catch {
            guard [EBUSY, EROFS, EACCES, EPERM, EXDEV].contains(error.code), let there = try statusOfLink(path),
                there.isRegular
            else { throw error }
            try overwrite(path, with: contents)
        }
    }

    private static func replaceKeepingMode(
        _ path: String,
        with contents: [UInt8],
        mode: mode_t
    ) throws(SystemError) {
        let temporary = path + ".new"
        try remove(temporary)
        try create(temporary, with: contents, mode: mode)
        do throws(SystemError) {
            guard unsafe chmod(temporary, mode) == 0 else { throw .last("set the mode of \(temporary)") }
            guard unsafe rename(temporary, path) == 0 else { throw .last("put \(path) in place") }
        } catch {
            try? remove(temporary)
            throw error
        }
    }

    /// Whoever reads meanwhile finds the new text's beginning and perhaps the old one's rest, never nothing.
    private static func overwrite(_ path: String, with contents: [UInt8]) throws(SystemError) {
        let flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC
        let file = unsafe try FileDescriptor(pn_open(path, flags, 0), from: "open \(path)")
        var written = 0
        while written < contents.count {
            let rest = contents[written...]
            let count = unsafe rest.withUnsafeBytes { bytes in
                retryingInterrupted { unsafe pwrite(file.raw, bytes.baseAddress, bytes.count, written) }
            }
            guard let count else { throw .last("write \(path)") }
            written += count
        }
        guard ftruncate(file.raw, contents.count) == 0 else { throw .last("write \(path)") }
        guard fsync(file.raw) == 0 else { throw .last("sync \(path)") }
    }
}
