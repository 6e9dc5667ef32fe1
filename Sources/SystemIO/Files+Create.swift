// SPDX-License-Identifier: Apache-2.0

public import CLinux

extension Files {
    /// Makes a file that is not there yet, whole and synced. Throws EEXIST where there is anything by that name, and
    /// leaves nothing behind where it fails.
    public static func create(_ path: String, with contents: [UInt8], mode: mode_t = 0o600) throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
        let file = unsafe try FileDescriptor(pn_open(path, flags, mode), from: "create \(path)")
        do throws(SystemError) {
            var rest = contents[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes { bytes in
                    retryingInterrupted { unsafe CLinux.write(file.raw, bytes.baseAddress, bytes.count) }
                }
                guard let count else { throw .last("write \(path)") }
                rest = rest.dropFirst(count)
            }
            guard fsync(file.raw) == 0 else { throw .last("sync \(path)") }
        } catch {
            try? remove(path)
            throw error
        }
    }
}
