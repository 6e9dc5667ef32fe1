// SPDX-License-Identifier: Apache-2.0

public import PathHealth

extension IKEFailure {
    /// The failure, as our own certificates explain it: an end that refuses one does not say that it is not valid.
    /// - Parameter seconds: now, since 1970-01-01T00:00:00Z.
    public func considering(
        own certificates: [CertificateFacts],
        at seconds: Int64
    ) -> IKEFailure {
        guard self == .authenticationRefused, certificates.contains(where: { !$0.isValid(at: seconds) }) else {
            return self
        }
        return .ownCertificateExpired
    }
}
