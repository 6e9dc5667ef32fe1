// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

extension TLSServers {
    /// How a server of names answers.
    enum Manner: String {
        /// Each question as it comes.
        case inTurn
        /// Two at a time, the second one first.
        case backwards
        /// One, and then it hangs up.
        case once
        /// One, and then none.
        case stuck
    }

    /// Starts a server of DNS over TLS with the certificate for a name: it gives each question back as its answer.
    func serveNames(_ name: String, as manner: Manner = .inTurn) throws -> SocketEndpoint {
        let endpoint = try LoopbackSocket().endpoint
        let program = """
            import socket, ssl, sys, threading
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain("\(folder)/\(name).pem", "\(folder)/\(name).key")
            context.set_alpn_protocols(["dot"])
            def serve(plain):
                held = []
                try:
                    with context.wrap_socket(plain, server_side=True) as client:
                        while True:
                            head = client.recv(2)
                            if len(head) < 2: return
                            count = int.from_bytes(head, "big")
                            message = b""
                            while len(message) < count: message += client.recv(count - len(message))
                            held.insert(0, head + message[:2] + bytes([message[2] | 0x80]) + message[3:])
                            if "\(manner.rawValue)" == "backwards" and len(held) < 2: continue
                            client.sendall(b"".join(held))
                            held = []
                            if "\(manner.rawValue)" == "stuck": client.recv(1 << 16); client.recv(1)
                            if "\(manner.rawValue)" == "once": return
                except (OSError, ssl.SSLError): pass
            listener = socket.create_server(("127.0.0.1", \(endpoint.port)))
            print("listening", flush=True)
            while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
            """
        try start(["python3", "-c", program], until: "listening")
        return endpoint
    }
}
