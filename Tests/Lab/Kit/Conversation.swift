// SPDX-License-Identifier: Apache-2.0

/// A TCP connection from the site's own address to a server in the cloud, over which something is said and answered ten
/// times a second, for at most ten minutes.
public final class Conversation {
    /// The server's port.
    public static let port = 7010

    private let client: Background

    /// Begins to listen, and to speak.
    public init(_ lab: Lab, with address: String) throws {
        let script = try lab.cloud.write("answer.py", Self.server)
        let server = try lab.cloud.start("answer-\(address)", "python3", "-u", script, address, "\(Self.port)")
        try waitUntil("\(server.label) listens") { server.output.contains("listens") }
        let source = address.contains(":") ? "fd00:1::1" : "10.1.0.1"
        let speaker = try lab.site.write("speak.py", Self.speaker)
        client = try lab.site.start("speak-\(address)", "python3", "-u", speaker, source, address, "\(Self.port)")
        try waitUntil("\(client.label) is answered") { answers > 0 }
    }

    /// How often it was answered so far.
    public var answers: Int { client.output.count { $0 == "\n" } }

    private static let server = """
        import socket, sys
        address, port = sys.argv[1], int(sys.argv[2])
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.create_server((address, port), family=family)
        print("listens")
        connection, _ = server.accept()
        while data := connection.recv(1024):
            connection.sendall(data)

        """

    /// What stays unanswered is said again by TCP alone.
    private static let speaker = """
        import socket, sys, time
        source, target, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
        connection = socket.create_connection((target, port), source_address=(source, 0))
        for number in range(6000):
            connection.sendall(b"%d" % number)
            connection.recv(1024)
            print(number)
            time.sleep(0.1)

        """
}
