// SPDX-License-Identifier: Apache-2.0

extension WireGuardSecretKey {
    /// The secret as a key file holds it: 44 characters of base64 and a newline. For such a file and for nothing else.
    public var keyFile: [UInt8] { Array(Base64.encode(bytes).utf8) + [UInt8(ascii: "\n")] }
}
