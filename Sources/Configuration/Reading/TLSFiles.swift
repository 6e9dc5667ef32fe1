// SPDX-License-Identifier: Apache-2.0
// Certificates and keys as TLS and Azure IoT have them. Nothing of what stands in a key's file is ever
// repeated.

import NetworkTypes
import SystemIO

extension Reading {
    /// The certificates in a file, as they stand there and without what is around them.
    func certificates(_ node: YAMLNode, _ what: String) -> String? {
        guard let name = text(node, what) else { return nil }
        guard readsNamedFiles else { return "" }
        guard let octets = publicFile(name, limit: TLSTarget.longestCertificates, node, what) else { return nil }
        guard let certificates = PEMText(octets).certificates, !certificates.isEmpty else {
            let hint = "PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, one or more"
            error(node.mark, "\(what): '\(name)' holds no certificate, or half of one", hint: hint)
            return nil
        }
        return certificates
    }

    /// The lists of revoked certificates that stand in a file: one of DER, or some of PEM, each by itself.
    func revocationLists(_ node: YAMLNode, _ what: String) -> [[UInt8]]? {
        guard let name = text(node, what) else { return nil }
        guard readsNamedFiles else { return [] }
        guard let octets = publicFile(name, limit: 1 << 20, node, what) else { return nil }
        let lists = octets.isWholeSequence ? [octets] : PEMText(octets).revocationLists
        guard !lists.isEmpty else {
            let hint = "X.509 CRL, PEM or DER, as the authority publishes it"
            error(node.mark, "\(what): '\(name)' holds no list of revoked certificates, or half of one", hint: hint)
            return nil
        }
        // Four characters of PEM are three octets of DER.
        guard lists.allSatisfy({ ($0.first == 0x30 ? $0.count : $0.count * 3 / 4) <= Self.longestList }) else {
            let hint = "smaller lists (partitioned ones), or OCSP, which charon asks by itself"
            let message = "\(what): a list in '\(name)' is longer than the \(Self.longestList) octets that charon takes"
            error(node.mark, message, hint: hint)
            return nil
        }
        return lists
    }

    /// A value of VICI, less what PEM has around it.
    private static let longestList = 65_000

    /// A file that is no secret, and that is watched from now on.
    private func publicFile(_ name: String, limit: Int, _ node: YAMLNode, _ what: String) -> [UInt8]? {
        do throws(SystemError) {
            let file = try Files.open(pathOfKey(name))
            let status = try Files.status(of: file)
            guard status.isRegular, status.size <= limit else {
                let problem = status.isRegular ? "is longer than \(limit) octets" : "is not a file"
                self.error(node.mark, "\(what): '\(name)' \(problem)")
                return nil
            }
            declared.credentialFiles[pathOfKey(name)] = status
            return try Files.read(file, limit: limit)
        } catch {
            self.error(node.mark, "\(what): cannot read '\(name)': \(SystemError.text(of: error.code))")
            return nil
        }
    }

    /// The private key of a certificate, in a file that nobody else can open.
    func certificateKey(_ node: YAMLNode, _ what: String) -> Secret? {
        secret(node, what, limit: 16 << 10) { octets, name in
            let text = PEMText(octets)
            if let key = text.privateKey { return Secret(key.utf8) }
            let problem =
                text.isEncrypted ? "holds a key that asks for a passphrase" : "holds no private key, or several"
            let hint =
                text.isEncrypted
                ? "openssl pkey -in \(name) -out NEW" : "PEM, from -----BEGIN PRIVATE KEY----- to its END, or EC or RSA"
            self.error(node.mark, "\(what): '\(name)' \(problem)", hint: hint)
            return nil
        }
    }

    /// A key that is shared with a service, in a file that nobody else can open.
    func sharedKey(_ node: YAMLNode, _ what: String) -> Secret? {
        secret(node, what, limit: 4_096) { octets, name in
            if let key = Secret(base64: octets) { return key }
            let hint = "one line, as the portal shows the primary key"
            self.error(node.mark, "\(what): '\(name)' holds no base64", hint: hint)
            return nil
        }
    }

    private func secret(
        _ node: YAMLNode,
        _ what: String,
        limit: Int,
        from read: ([UInt8], _ name: String) -> Secret?
    ) -> Secret? {
        guard let name = text(node, what) else { return nil }
        guard !name.contains("-----"), !name.hasSuffix("=") else {
            error(node.mark, "\(what) must name a file, not hold the key", hint: "move the key to a file of its own")
            return nil
        }
        guard readsNamedFiles else { return Secret([]) }
        do throws(KeyFile.Fault) {
            let (octets, status) = try KeyFile.contents(of: pathOfKey(name), limit: limit)
            declared.credentialFiles[pathOfKey(name)] = status
            return read(octets, name)
        } catch {
            self.error(node.mark, "\(what): \(error.description(of: name))", hint: error.remedy)
            return nil
        }
    }
}

/// The lines of a PEM file (RFC 7468).
private struct PEMText {
    private static let keyLabels = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"]

    private let lines: [Substring]

    init(_ octets: [UInt8]) {
        lines = String(decoding: octets, as: UTF8.self).split(whereSeparator: \.isNewline)
    }

    /// The lines of its certificates alone: a private key that stands beside them goes nowhere. Nil where one does not
    /// end, or holds what is not base64.
    var certificates: String? { blocks(of: ["CERTIFICATE"])?.joined() }

    /// The lines of its one private key.
    var privateKey: String? {
        guard let keys = blocks(of: Self.keyLabels), keys.count == 1 else { return nil }
        return keys[0]
    }

    /// The whole lists of revoked certificates that are in it; none where one of them is not whole.
    var revocationLists: [[UInt8]] { (blocks(of: ["X509 CRL"]) ?? []).map { Array($0.utf8) } }

    /// Whether a key in it is of no use without a passphrase (PKCS#8, or RFC 1421 section 4.6.1.1).
    var isEncrypted: Bool {
        lines.contains { $0 == "-----BEGIN ENCRYPTED PRIVATE KEY-----" || $0.hasPrefix("Proc-Type: 4,ENCRYPTED") }
    }

    /// What stands under some labels, each block by itself.
    private func blocks(of labels: [String]) -> [String]? {
        var blocks: [String] = []
        var open: String?
        for line in lines {
            let begun = labels.first { line == "-----BEGIN \($0)-----" }
            guard begun != nil || open != nil else { continue }
            let isEnd = open.map { line == "-----END \($0)-----" } ?? false
            guard (begun == nil) != (open == nil), begun != nil || isEnd || line.utf8.allSatisfy(\.isBase64) else {
                return nil
            }
            if let begun {
                open = begun
                blocks.append("")
            }
            blocks[blocks.count - 1] += line + "\n"
            if isEnd { open = nil }
        }
        return open == nil ? blocks : nil
    }
}

extension [UInt8] {
    /// Whether it is one SEQUENCE of DER (X.690 section 8.1.3) from the first octet to the last.
    fileprivate var isWholeSequence: Bool {
        guard count >= 2, self[0] == 0x30 else { return false }
        guard self[1] >= 0x80 else { return count == 2 + Int(self[1]) }
        let digits = Int(self[1] & 0x7f)
        guard (1...4).contains(digits), count >= 2 + digits else { return false }
        let length = self[2..<(2 + digits)].reduce(0) { $0 << 8 | Int($1) }
        return count == 2 + digits + length
    }
}

extension UInt8 {
    fileprivate var isBase64: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
