// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Tells in the cloud, over UDP and TCP, everyone who asks which address it sees him by.
public final class Mirror {
    /// The port, over UDP and TCP.
    public static let port = 7007

    /// Begins to listen on addresses of the cloud.
    public init(_ lab: Lab, on addresses: String...) throws {
        let script = try lab.cloud.write("mirror.py", Self.script)
        for address in addresses {
            let server = try lab.cloud.start("mirror-\(address)", "python3", "-u", script, address, "\(Self.port)")
            try waitUntil("the mirror listens on \(address)") { server.output.contains("listens") }
        }
    }

    private static let script = """
        import select, socket, sys
        address, port = sys.argv[1], int(sys.argv[2])
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind((address, port))
        tcp = socket.create_server((address, port), family=family)
        print("listens")
        while True:
            for ready in select.select([udp, tcp], [], [])[0]:
                if ready is udp:
                    number, peer = udp.recvfrom(64)
                    udp.sendto(number + b" " + peer[0].encode(), peer)
                else:
                    connection, peer = tcp.accept()
                    connection.sendall(peer[0].encode())
                    connection.close()

        """
}

/// A UDP flow from a host to the mirror: one socket, a numbered datagram every 20 ms for at most five minutes.
public final class Flow {
    private let process: Background
    private static let interval = Duration.milliseconds(20)

    /// Begins to send from an address and a port.
    public init(on host: Host, from source: String, _ port: Int, to target: String, port targetPort: Int = Mirror.port)
        throws
    {
        let script = try host.write("flow.py", Self.script)
        process = try host.start(
            "flow-\(source)-\(port)-\(target)-\(targetPort)",
            "python3",
            "-u",
            script,
            source,
            "\(port)",
            target,
            "\(targetPort)"
        )
    }

    /// The address that the mirror saw last.
    public var seenAs: String? { answers.last.map { String($0.address) } }

    /// How often the mirror's answer came back.
    public var answered: Int { answers.count }

    /// The longest time without an answer, by the times of sending.
    public var longestGap: Duration {
        let numbers = [0] + answers.map(\.number)
        return zip(numbers.dropFirst(), numbers).map { Self.interval * ($0 - $1) }.max() ?? .zero
    }

    /// Waits until the mirror sees the flow by an address.
    @discardableResult
    public func waitUntilSeen(as address: String, within limit: Duration = .seconds(10)) throws -> Duration {
        try waitUntil("\(process.label) is seen as \(address)", within: limit) { seenAs == address }
    }

    private var answers: [(number: Int, address: Substring)] {
        process.output.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count == 2 ? Int(words[0]).map { ($0, words[1]) } : nil
        }
    }

    private static let script = """
        import socket, sys, time
        source, port, target, target_port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
        flow = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM)
        flow.bind((source, port))
        flow.connect((target, target_port))
        flow.setblocking(False)
        start = time.monotonic()
        for number in range(1, 15000):
            time.sleep(max(0, start + number * 0.02 - time.monotonic()))
            try:
                flow.send(b"%d" % number)
            except OSError:
                pass
            try:
                while True:
                    print(flow.recv(100).decode())
            except OSError:
                pass

        """
}
