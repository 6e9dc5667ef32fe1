// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// A certification authority by openssl(1), with files in a directory of its own.
struct TestAuthority {
    /// From when to when a certificate is valid, as `openssl ca` takes it.
    struct Validity {
        var from: String
        var to: String
        static let now = Validity(from: "20200101000000Z", to: "20991231235959Z")
        static let past = Validity(from: "20200101000000Z", to: "20210203040506Z")
    }

    let directory: String
    /// PEM.
    let certificate: [UInt8]

    /// - Parameters:
    ///   - directory: one that there is not yet.
    ///   - parent: who vouches for it; nil: it does itself.
    init(in directory: String, name: String = "C=CH, O=Plant 7, CN=ca", under parent: TestAuthority? = nil) throws {
        self.directory = directory
        try run("/bin/mkdir", directory)
        let configuration = """
            [ca]
            default_ca = here
            [here]
            dir = \(directory)
            database = $dir/index
            serial = $dir/serial
            crlnumber = $dir/crlnumber
            new_certs_dir = $dir
            certificate = $dir/ca.pem
            private_key = $dir/ca.key
            default_md = sha256
            default_crl_days = 30
            policy = any
            copy_extensions = copy
            unique_subject = no
            crl_extensions = list
            [list]
            # charon finds the list by this.
            authorityKeyIdentifier = keyid:always
            [any]
            countryName = optional
            organizationName = optional
            commonName = supplied
            """
        try Files.replace("\(directory)/cnf", with: Array(configuration.utf8))
        try Files.replace("\(directory)/index", with: [])
        for file in ["serial", "crlnumber"] { try Files.replace("\(directory)/\(file)", with: Array("0a01\n".utf8)) }
        let subject = "/" + name.split(separator: ", ").joined(separator: "/")
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "\(directory)/ca.key"]
        let signer =
            parent.map { ["-CA", "\($0.directory)/ca.pem", "-CAkey", "\($0.directory)/ca.key"] } ?? []
        try run(
            "/usr/bin/openssl",
            ["req", "-utf8", "-x509"] + key + signer + [
                "-out", "\(directory)/ca.pem", "-subj", subject, "-days", "30", "-addext",
                "basicConstraints=critical,CA:TRUE",
            ]
        )
        certificate = try Files.read("\(directory)/ca.pem")
    }

    /// A certificate and its private key, both PEM.
    /// - Parameter responder: where to ask whether it was revoked (OCSP, RFC 6960).
    func issue(
        _ name: String,
        alternativeNames: String? = nil,
        responder: String? = nil,
        _ validity: Validity = .now
    ) throws -> (certificate: [UInt8], key: [UInt8]) {
        let file = "\(directory)/\(name)"
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "\(file).key"]
        let subject = ["-out", "\(file).csr", "-subj", "/C=CH/O=Plant 7/CN=\(name)"]
        let extensions =
            ["subjectAltName=\(alternativeNames ?? "DNS:\(name)")"]
            + (responder.map { ["authorityInfoAccess=OCSP;URI:\($0)"] } ?? [])
        try run("/usr/bin/openssl", ["req", "-new"] + key + subject + extensions.flatMap { ["-addext", $0] })
        try run(
            "/usr/bin/openssl",
            "ca",
            "-config",
            "\(directory)/cnf",
            "-batch",
            "-notext",
            "-startdate",
            validity.from,
            "-enddate",
            validity.to,
            "-in",
            "\(file).csr",
            "-out",
            "\(file).pem"
        )
        return (try Files.read("\(file).pem"), try Files.read("\(file).key"))
    }

    /// Answers who asks for certificates, as they are revoked by now, until it is killed.
    func respond(onPort port: Int) throws -> pid_t {
        let null = try unsafe FileDescriptor(pn_open("/dev/null", O_WRONLY, 0), from: "open /dev/null")
        return try ChildProcess.spawn(
            "/usr/bin/openssl",
            arguments: [
                "ocsp", "-port", "\(port)", "-index", "\(directory)/index", "-CA", "\(directory)/ca.pem", "-rkey",
                "\(directory)/ca.key", "-rsigner", "\(directory)/ca.pem", "-nmin", "5",
            ],
            environment: [:],
            output: null.raw,
            error: null.raw
        )
    }

    /// Revokes a certificate, and returns the list (PEM) that says so.
    func revoke(_ name: String) throws -> [UInt8] {
        let common = ["ca", "-config", "\(directory)/cnf"]
        try run("/usr/bin/openssl", common + ["-revoke", "\(directory)/\(name).pem", "-crl_reason", "keyCompromise"])
        try run("/usr/bin/openssl", common + ["-gencrl", "-out", "\(directory)/crl.pem"])
        return try Files.read("\(directory)/crl.pem")
    }
}
