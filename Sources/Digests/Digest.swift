// SPDX-License-Identifier: Apache-2.0
// The digests that protocols ask of us, by the host's libcrypto: it is patched with the host, and there is no second
// copy of it in the agent.

import CCrypto

/// A digest of a message (FIPS 180-4), and one with a key (HMAC, RFC 2104).
public enum Digest: String, Hashable, Sendable, CaseIterable {
    /// 20 octets. Only where a protocol knows no better.
    case sha1 = "SHA1"
    /// 32 octets.
    case sha256 = "SHA256"

    /// Its length in octets.
    public var length: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        }
    }

    /// The digest of a message; nil where the library refuses, as one may that is bound to a list of algorithms.
    public func of(_ message: [UInt8]) -> [UInt8]? {
        unsafe made { unsafe pn_digest(rawValue, message, message.count, $0, $1) }
    }

    /// The code that authenticates a message for those who have the key; nil where the library refuses.
    public func code(of message: [UInt8], by key: [UInt8]) -> [UInt8]? {
        unsafe made { unsafe pn_hmac(rawValue, key, key.count, message, message.count, $0, length, $1) }
    }

    private func made(
        by call: (_ room: UnsafeMutablePointer<UInt8>, _ length: UnsafeMutablePointer<Int>) -> Int32
    ) -> [UInt8]? {
        guard pn_crypto_begin() == 1 else { return nil }
        var octets = [UInt8](repeating: 0, count: length)
        var count = 0
        let isMade = unsafe octets.withUnsafeMutableBufferPointer { room in
            guard let start = room.baseAddress else { return false }
            return unsafe call(start, &count) == 1
        }
        return isMade && count == length ? octets : nil
    }
}
