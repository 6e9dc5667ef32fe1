// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// Packets that come in by the tunnel and are not what the site is to believe.
extension IPsec {
    /// Gives the gateway's outbound association another key behind both charons' backs: what it sends has the right SPI,
    /// numbers that are new to the site, and is sealed otherwise than the site expects.
    public func spoilGatewayKey() throws {
        let states = try lab.cloud.run("ip", "xfrm", "state").split(separator: "\nsrc ").map(String.init)
        guard
            let state = states.first(where: { $0.contains("src \(path.gateway) ") || $0.hasPrefix("\(path.gateway) ") }
            ),
            let place = state.firstMatch(of: #/dst (\S+)\s+proto esp spi (0x[0-9a-f]+) reqid (\d+)/#),
            let algorithm = state.firstMatch(of: #/aead (\S+) 0x([0-9a-f]+) (\d+)/#)
        else { throw TimedOut(description: "the gateway has no association towards the site") }
        let name = "src \(path.gateway) dst \(place.1) proto esp spi \(place.2)"
        let key = try Program.must(["od", "-An", "-v", "-tx1", "-N\(algorithm.2.count / 2)", "/dev/urandom"])
        let commands = """
            xfrm state delete \(name)
            xfrm state add \(name) reqid \(place.3) mode tunnel flag af-unspec replay-oseq 0x10000 \
            if_id \(Self.gatewayInterfaceID) aead \(algorithm.1) 0x\(key.filter(\.isHexDigit)) \(algorithm.3)

            """
        // A packet that leaves between the two has the kernel keep the SPI's place for a negotiation.
        for _ in 0..<20 {
            // From standard input: a key in an argument list could be read by anybody.
            if (try? lab.cloud.run("ip", "-batch", "-", input: commands)) != nil { return }
        }
        throw TimedOut(description: "the gateway's association could not be replaced")
    }

    /// Sends the site one of the gateway's ESP packets again: half of the times at once, half a moment later.
    public func replay(times: Int) throws {
        let script = try lab.cloud.write("replay.py", Self.replayer)
        try lab.cloud.run("python3", script, path.underlay.uplink, "\(times)", "\(2 * Stage.here.patience)")
    }

    /// Takes a frame of ESP over IPv4 as it leaves by a link.
    private static let replayer = """
        import socket, sys, time
        link, times, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        wire.bind((link, 3))
        while True:
            frame, place = wire.recvfrom(65535)
            if place[2] == socket.PACKET_OUTGOING and frame[12:14] == b"\\x08\\x00" and frame[23] == 50:
                break
        for half in range(2):
            for _ in range(times // 2):
                wire.send(frame)
            time.sleep(pause)

        """
}
