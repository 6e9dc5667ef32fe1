// SPDX-License-Identifier: Apache-2.0

/// Who asks by echo requests: by it the answers to these are told from all others that come to the host.
public struct EchoIdentity: Sendable {
    let identifier: UInt16
    /// Proves that an answer is one to a question of this run.
    let secret: UInt64

    /// Makes one that nobody else has.
    public init() {
        identifier = .random(in: .min ... .max)
        secret = .random(in: .min ... .max)
    }

    func owns(_ packet: EchoPacket) -> Bool { packet.identifier == identifier && packet.secret == secret }
}
