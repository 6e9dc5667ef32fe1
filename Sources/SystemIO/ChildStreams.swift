// SPDX-License-Identifier: Apache-2.0
// What a child process is given to read, and how it is heard.

import CLinux

extension Files {
    /// A file that is nowhere but in memory, holding these octets, to be read from its start.
    public static func inMemory(_ name: String, holding contents: [UInt8]) throws(SystemError) -> FileDescriptor {
        // Hosts may insist that such files are never run (vm.memfd_noexec); kernels before 6.3 do not know the flag.
        var raw = unsafe memfd_create(name, UInt32(MFD_CLOEXEC) | UInt32(MFD_NOEXEC_SEAL))
        if raw < 0, pn_errno() == EINVAL { raw = unsafe memfd_create(name, UInt32(MFD_CLOEXEC)) }
        let file = try FileDescriptor(raw, from: "make a file in memory")
        var rest = contents[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in
                retryingInterrupted { unsafe CLinux.write(file.raw, bytes.baseAddress, bytes.count) }
            }
            guard let count else { throw .last("write a file in memory") }
            rest = rest.dropFirst(count)
        }
        guard lseek(file.raw, 0, SEEK_SET) == 0 else { throw .last("rewind a file in memory") }
        return file
    }
}

/// Both ends of a pipe: what is written to one is read from the other, without blocking.
public struct Pipe: ~Copyable {
    /// Where it is read; non-blocking.
    public let reader: FileDescriptor
    /// Where it is written; for a child.
    public let writer: FileDescriptor

    /// Opens a pipe.
    public init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw .last("make a pipe") }
        reader = FileDescriptor(owning: ends[0])
        writer = FileDescriptor(owning: ends[1])
        pn_set_nonblocking(reader.raw)
    }
}
