// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

/// An authority and what it signs, made by openssl, and servers of it.
final class TLSServers {
    let loop: SystemIO.EventLoop
    let folder: String
    private var running: [Errand] = []

    init(on loop: SystemIO.EventLoop) throws {
        self.loop = loop
        folder = "/tmp/pnetd-tls-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        for authority in ["ca", "stranger"] {
            try openssl(
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9"]
                    + ["-subj", "/CN=\(authority)", "-keyout", "\(authority).key", "-out", "\(authority).pem"]
            )
        }
    }

    deinit {
        for errand in running {
            kill(errand.pid, SIGKILL)
            _ = try? ChildProcess.wait(for: errand.pid)
        }
        _ = try? Errand.run(["rm", "-rf", folder])
    }

    /// The authority's certificate.
    var roots: String {
        get throws { String(decoding: try Files.read("\(folder)/ca.pem"), as: UTF8.self) }
    }

    private func openssl(_ arguments: [String]) throws {
        let made = try Errand.run(["env", "-C", folder, "openssl"] + arguments)
        try #require(made.exit == .status(0), "\(made.output)")
    }

    /// Makes a certificate for a name, valid from one day to another, counted from today.
    func certify(
        _ name: String,
        by authority: String = "ca",
        from first: Int = -9,
        until last: Int = 9,
        key kind: String = "ec",
        traditional: Bool = false
    ) throws {
        let configuration = """
            [ca]
            default_ca = it
            [it]
            database = \(folder)/index.txt
            new_certs_dir = \(folder)
            rand_serial = yes
            default_md = sha256
            policy = any
            copy_extensions = copy
            [any]
            commonName = supplied
            """
        try Files.replace("\(folder)/ca.conf", with: Array(configuration.utf8))
        try Files.replace("\(folder)/index.txt", with: [])
        let key = kind == "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] : ["rsa:2048"]
        try openssl(
            ["req", "-newkey"] + key + ["-nodes", "-subj", "/CN=\(name)"]
                + ["-addext", "subjectAltName=DNS:\(name)", "-keyout", "\(name).key", "-out", "\(name).csr"]
        )
        try openssl(
            ["ca", "-batch", "-config", "ca.conf", "-notext", "-in", "\(name).csr", "-out", "\(name).pem"]
                + ["-cert", "\(authority).pem", "-keyfile", "\(authority).key"]
                + ["-startdate", Self.date(in: first), "-enddate", Self.date(in: last)]
        )
        guard traditional else { return }
        try openssl(["pkey", "-in", "\(name).key", "-traditional", "-out", "\(name).old"])
        try Files.replace("\(folder)/\(name).key", with: Files.read("\(folder)/\(name).old"))
    }

    /// What a client shows that has the certificate of a name.
    func identity(_ name: String) throws -> ClientIdentity {
        ClientIdentity(
            certificates: String(decoding: try Files.read("\(folder)/\(name).pem"), as: UTF8.self),
            privateKey: Secret(try Files.read("\(folder)/\(name).key"))
        )
    }

    private static func date(in days: Int) -> String {
        let wall = SystemClock().wallNanoseconds + Int64(days) * 86_400_000_000_000
        return Timestamp.text(wallNanoseconds: wall).filter { $0.isNumber || $0 == "Z" }
    }

    /// Starts a server with the certificate for a name; where it listens.
    func serve(_ name: String, _ options: String...) throws -> SocketEndpoint { try serve(name, options) }

    /// The same.
    func serve(_ name: String, _ options: [String]) throws -> SocketEndpoint {
        let endpoint = try LoopbackSocket().endpoint
        let files = ["-cert", "\(folder)/\(name).pem", "-key", "\(folder)/\(name).key"]
        // With -www it does not end with its standard input.
        try start(["openssl", "s_server", "-www", "-accept", "\(endpoint)"] + files + options, until: "ACCEPT")
        return endpoint
    }

    /// Starts a server, and waits for it to say that it listens.
    func start(_ command: [String], until word: String) throws {
        let server = try Errand(command)
        running.append(server)
        try loop.turnUntil("the server listens") {
            let isOver = try server.isOver()
            try #require(!isOver, "\(server.output)")
            return server.output.contains(word)
        }
    }
}
