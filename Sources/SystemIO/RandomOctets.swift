// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Octets that nobody can guess, of the kernel's generator (getrandom(2)).
public enum RandomOctets {
    /// Makes so many; waits where the kernel has not gathered enough yet, as just after boot.
    public static func make(_ count: Int) throws(SystemError) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: count)
        var made = 0
        while made < count {
            let got = unsafe octets.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[made...])
                return retryingInterrupted { unsafe getrandom(rest.baseAddress, rest.count, 0) }
            }
            guard let got else { throw .last("make random octets") }
            made += got
        }
        return octets
    }
}
