// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A file of wg-quick(8), as far as pnetd has a place for it.
struct WgQuickFile {
    /// A value and the line that it is on.
    struct Placed<Value> {
        let value: Value
        let line: Int
    }

    struct Peer {
        /// The line that begins the section.
        let line: Int
        var publicKey: Placed<WireGuardPublicKey>?
        var presharedKey: Placed<WireGuardSecretKey>?
        var endpoint: HostEndpoint?
        var keepalive = 0
        var allowedIPs: [Placed<IPPrefix>] = []
        /// Whether anything in the section was wrong: what is missing then may have been meant to be there.
        var isBroken = false
    }

    var privateKey: Placed<WireGuardSecretKey>?
    var addresses: [InterfaceAddress] = []
    var listenPort: UInt16?
    var mtu: Int?
    var peers: [Peer] = []
    /// Errors and notes, in the order of the lines.
    var notes: [ImportNote] = []

    var hasErrors: Bool { notes.contains { $0.severity == .error } }

    /// Reads the text of a file.
    init(_ text: String) {
        var reading = WgQuickReading()
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isLineEnd).enumerated() {
            reading.take(line, number: index + 1)
        }
        reading.finish()
        self = reading.file
        notes.sort { $0.line < $1.line }
    }

    /// An empty one, to be filled.
    init() {}
}
