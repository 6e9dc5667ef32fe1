// SPDX-License-Identifier: Apache-2.0

import SystemIO

extension Lab {
    /// The interface of the lab's own IPsec tunnel, on both hosts.
    public static let espInterface = "esp-a"
    /// The cloud's address inside of it.
    public static let espTarget = "10.97.0.1"

    /// Joins site and cloud by the kernel's ESP over the first underlay, with an xfrm interface at each end and keys of
    /// this run: AES-256-GCM, tunnel mode, nobody who negotiates.
    public func raiseESP() throws {
        let (atSite, atCloud) = ("192.0.2.2", "192.0.2.1")
        let (outward, inward) = (try Self.espKey(), try Self.espKey())
        let states = """
            xfrm state add src \(atSite) dst \(atCloud) proto esp spi 0x1001 mode tunnel if_id 42 \
            aead rfc4106(gcm(aes)) \(outward) 128
            xfrm state add src \(atCloud) dst \(atSite) proto esp spi 0x1002 mode tunnel if_id 42 \
            aead rfc4106(gcm(aes)) \(inward) 128
            """
        let ends = [
            (host: site, link: Tunnel.a.underlay, own: atSite, far: atCloud, address: "10.97.0.2/30"),
            (host: cloud, link: Tunnel.a.uplink, own: atCloud, far: atSite, address: "\(Self.espTarget)/30"),
        ]
        for end in ends {
            // From standard input: a key in an argument list could be read by anybody.
            try end.host.run(
                "ip",
                "-batch",
                "-",
                input: """
                    link add \(Self.espInterface) type xfrm dev \(end.link) if_id 42
                    link set \(Self.espInterface) up
                    address add \(end.address) dev \(Self.espInterface)
                    \(states)
                    xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out if_id 42 \
                    tmpl src \(end.own) dst \(end.far) proto esp mode tunnel
                    xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir in if_id 42 \
                    tmpl src \(end.far) dst \(end.own) proto esp mode tunnel

                    """
            )
        }
    }

    /// 256 bits of key and 32 of salt (RFC 4106 section 8.1), in hexadecimal.
    private static func espKey() throws -> String {
        let hex = try Program.must(["od", "-An", "-v", "-tx1", "-N36", "/dev/urandom"])
        return "0x" + hex.filter(\.isHexDigit)
    }
}
