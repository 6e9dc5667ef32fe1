// SPDX-License-Identifier: Apache-2.0

import Configuration
import Digests
import NetworkTypes

extension SharedAccess {
    /// A token of Azure IoT ("security tokens"), as the Authorization field has it: the resource, an end, and the code
    /// of both by the key (HMAC-SHA256), so that the key itself goes nowhere. Nil where the host's library makes none.
    /// - Parameter now: the wall clock, in seconds since 1970.
    func token(at now: Int64) -> Secret? {
        let resource = resource.percentEncoded
        let expiry = now + validity.components.seconds
        guard let code = Digest.sha256.code(of: Array("\(resource)\n\(expiry)".utf8), by: key.bytes) else { return nil }
        let signature = Base64.encode(code).percentEncoded
        let name = policy.map { "&skn=\($0.percentEncoded)" } ?? ""
        return Secret("SharedAccessSignature sr=\(resource)&sig=\(signature)&se=\(expiry)\(name)".utf8)
    }
}

extension String {
    /// The text with all but the unreserved characters escaped (RFC 3986 section 2.1).
    fileprivate var percentEncoded: String {
        utf8.reduce(into: "") { text, octet in
            let character = Character(UnicodeScalar(octet))
            let isUnreserved =
                character.isASCII && (character.isLetter || character.isNumber || "-._~".contains(character))
            text +=
                isUnreserved
                ? String(character) : "%" + (octet < 16 ? "0" : "") + String(octet, radix: 16, uppercase: true)
        }
    }
}
