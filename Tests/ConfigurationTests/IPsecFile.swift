// SPDX-License-Identifier: Apache-2.0

import Configuration
import SystemIO
import Testing

/// The example with its second path as an IPsec tunnel, and the files that such a path names.
enum IPsecFile {
    static let certificate = "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n"
    static let key = "-----BEGIN PRIVATE KEY-----\nTUlJ\n-----END PRIVATE KEY-----\n"
    static let shared = "underlay: {interface: eth1}, preshared-key-file: keys/tunnel.psk"
    /// All that a path with a shared key has to say.
    static let least = "\(shared), local: {}, remote: {endpoint: 198.51.100.1}"

    static func with(_ tunnel: String, addresses: String = "[10.98.0.2/30]") throws -> TemporaryFile {
        let start = try #require(Example.text.firstRange(of: "  vpn-b:\n"))
        let end = try #require(Example.text.firstRange(of: "networks:\n"))
        let path = "  vpn-b: {kind: ipsec, interface: pn-b, addresses: \(addresses), \(tunnel)}\n"
        let text = Example.text[..<start.lowerBound] + path + Example.text[end.lowerBound...]
        let file = try TemporaryFile(Array(text.utf8))
        for (name, octets) in [
            ("edge.pem", certificate + certificate), ("ca.pem", certificate), ("edge.key", key),
            ("list.crl", "-----BEGIN X509 CRL-----\nTUlJ\n-----END X509 CRL-----\n"),
            ("tunnel.psk", "0123456789abcdef\n"), ("short.psk", "0123456789abcde\n"),
            ("tunnel.ppk", "0123456789abcdef0123456789abcdef\r\n"), ("short.ppk", "0123456789abcdef0123456789abcde\n"),
        ] { try Files.replace(file.directory + "/keys/\(name)", with: Array(octets.utf8)) }
        return file
    }

    static func path(_ tunnel: String, addresses: String = "[10.98.0.2/30]") throws -> PathConfiguration {
        let file = try with(tunnel, addresses: addresses)
        defer { try? file.remove() }
        return try Configuration.load(path: file.path).configuration.paths[1]
    }
}
