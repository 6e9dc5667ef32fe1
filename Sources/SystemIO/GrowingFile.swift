// SPDX-License-Identifier: Apache-2.0

public import CLinux

/// A file that is written behind its end, piece by piece, each piece as a whole or not at all.
public struct GrowingFile: ~Copyable {
    private let file: FileDescriptor
    /// Its octets so far.
    public private(set) var size = 0

    /// Makes a file that is not there yet. Throws EEXIST where there is anything by that name.
    public init(creating path: String, mode: mode_t = 0o600) throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND
        file = unsafe try FileDescriptor(pn_open(path, flags, mode), from: "create \(path)")
    }

    /// Writes a piece. It is in the page cache then, which a crash of ours does not touch, and on the disk when the
    /// kernel sees fit. Where it does not fit, what of it was written is taken back.
    public mutating func append(_ piece: Span<UInt8>) throws(SystemError) {
        var written = 0
        while written < piece.count {
            let count = unsafe piece.extracting(written...).withUnsafeBufferPointer { bytes in
                retryingInterrupted { unsafe CLinux.write(file.raw, bytes.baseAddress, bytes.count) }
            }
            guard let count, count > 0 else {
                let failure = SystemError.last("write")
                _ = ftruncate(file.raw, off_t(size))
                throw failure
            }
            written += count
        }
        size += written
    }
}
