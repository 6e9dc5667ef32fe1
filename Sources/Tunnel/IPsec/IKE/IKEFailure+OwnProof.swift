// SPDX-License-Identifier: Apache-2.0

public import PathHealth

extension IKEFailure {
    /// The failure, as what we prove ourselves by explains it: an end that refuses it says no more than that.
    /// - Parameters:
    ///   - certificates: ours.
    ///   - hasPostQuantumKey: whether a post-quantum key is part of the proof (RFC 8784 section 3).
    ///   - seconds: now, since 1970-01-01T00:00:00Z.
    public func considering(
        own certificates: [CertificateFacts],
        hasPostQuantumKey: Bool = false,
        at seconds: Int64
    ) -> IKEFailure {
        guard self == .authenticationRefused else { return self }
        if certificates.contains(where: { !$0.isValid(at: seconds) }) { return .ownCertificateExpired }
        return hasPostQuantumKey ? .postQuantumKeyRefused : self
    }
}
