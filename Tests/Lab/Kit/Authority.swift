// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// A certification authority, made by openssl(1) for one lab: what it certifies it can revoke.
public final class Authority {
    /// When a certificate is good.
    public enum Validity: Sendable {
        /// From now on.
        case current
        /// In the year 2020.
        case past

        fileprivate var words: [String] {
            switch self {
            case .current: ["-days", "30"]
            case .past: ["-startdate", "200101000000Z", "-enddate", "210101000000Z"]
            }
        }
    }

    /// A certificate and its key, in PEM files.
    public struct Certified: Sendable {
        /// The certificate's file.
        public let certificate: String
        /// The private key's file.
        public let key: String
    }

    /// The authority's own certificate.
    public let certificate: String
    private let folder: String
    private var count = 0

    /// Makes an authority of that name.
    init(_ lab: Lab, _ name: String) throws {
        folder = "\(lab.folder)/\(name)"
        certificate = "\(folder)/ca.pem"
        try Files.makeDirectory(folder)
        try Files.replace("\(folder)/index", with: [])
        for number in ["serial", "crlnumber"] { try Files.replace("\(folder)/\(number)", with: Array("01\n".utf8)) }
        try Files.replace("\(folder)/ca.conf", with: Array(configuration.utf8))
        try Program.must(
            ["openssl", "req", "-x509", "-days", "30", "-subj", "/CN=\(name)", "-out", certificate]
                + Self.newKey("\(folder)/ca.key")
                + ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        )
    }

    /// Certifies a name.
    /// - Parameter responder: where to ask whether it was revoked (OCSP).
    public func certify(
        _ name: String,
        _ validity: Validity = .current,
        responder: String? = nil
    ) throws -> Certified {
        count += 1
        let stem = "\(folder)/\(name)-\(count)"
        let made = Certified(certificate: "\(stem).pem", key: "\(stem).key")
        try Program.must(
            ["openssl", "req", "-new", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)"]
                + (responder.map { ["-addext", "authorityInfoAccess=OCSP;URI:\($0)"] } ?? [])
                + Self.newKey(made.key) + ["-out", "\(stem).csr"]
        )
        try run(["-in", "\(stem).csr", "-out", made.certificate] + validity.words)
        return made
    }

    /// Takes a certificate back; whoever has an older list does not know.
    public func revoke(_ certified: Certified) throws {
        try run(["-revoke", certified.certificate])
    }

    /// Issues a list of all that is revoked by now.
    /// - Returns: its file.
    public func issueRevocationList() throws -> String {
        count += 1
        let file = "\(folder)/\(count).crl"
        try run(["-gencrl", "-out", file])
        return file
    }

    private func run(_ words: [String]) throws {
        try Program.must(["openssl", "ca", "-batch", "-notext", "-config", "\(folder)/ca.conf"] + words)
    }

    private static func newKey(_ file: String) -> [String] {
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file]
    }

    private var configuration: String {
        """
        [ca]
        default_ca = lab
        [lab]
        database = \(folder)/index
        serial = \(folder)/serial
        crlnumber = \(folder)/crlnumber
        new_certs_dir = \(folder)
        certificate = \(certificate)
        private_key = \(folder)/ca.key
        default_md = sha256
        default_crl_days = 30
        unique_subject = no
        copy_extensions = copy
        policy = anybody
        x509_extensions = end
        crl_extensions = list
        [anybody]
        commonName = supplied
        [end]
        authorityKeyIdentifier = keyid
        [list]
        authorityKeyIdentifier = keyid

        """
    }
}
