// SPDX-License-Identifier: Apache-2.0

/// The key exchanges that a charon's plugins have, by its names for them: `CURVE_25519`, `ECP_384`, `ML_KEM_768`.
public struct CharonKeyExchanges: Hashable, Sendable {
    /// charon's names.
    public var names: Set<String>

    /// Takes charon's names.
    public init(names: Set<String> = []) { self.names = names }

    /// Reads the answer to get-algorithms: strongSwan 5 has them in `dh`, later ones in `ke`.
    init(_ message: VICIMessage) {
        names = Set(["dh", "ke"].flatMap { message.section($0).elements.map(\.nameText) })
    }

    /// Whether it has ML-KEM-768 (FIPS 203), for one more key exchange beside the first (RFC 9370). strongSwan has it since
    /// 6.0, by its plugin ml or by OpenSSL 3.5.
    public var hasMLKEM: Bool { names.contains("ML_KEM_768") }
}
