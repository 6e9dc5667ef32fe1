// SPDX-License-Identifier: Apache-2.0

extension Lab {
    /// Where a public resolver is that is asked over TLS and HTTPS, and never in the clear.
    public static let secureResolver = "203.0.113.54"

    /// Makes an authority of that name.
    public func makeAuthority(_ name: String) throws -> Authority { try Authority(self, name) }

    /// Starts the public resolver that is asked over TLS, on port 853, and over HTTPS, on port 443. It would answer in
    /// the clear as well.
    public func startSecureResolver(_ certified: Authority.Certified) throws -> Background {
        try cloud.run("ip", "address", "replace", "\(Self.secureResolver)/32", "dev", "lo")
        let address = Self.secureResolver
        let server = try startUnbound(
            "secure-\(certified.certificate.hashValue)",
            listen: ["\(address)@53", "\(address)@853", "\(address)@443"],
            data: (0..<100).map { "w\($0).example.net. 1 IN A 203.0.113.85" },
            more: [
                "tls-service-pem: \"\(certified.certificate)\"", "tls-service-key: \"\(certified.key)\"",
                "tls-port: 853", "https-port: 443", "http-endpoint: \"/dns-query\"",
            ]
        )
        try waitUntil("\(server.label) answers") { server.output.contains("start of service") }
        return server
    }
}
