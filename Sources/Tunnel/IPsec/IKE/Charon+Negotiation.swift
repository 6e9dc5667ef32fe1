// SPDX-License-Identifier: Apache-2.0

public import PathHealth

extension Charon {
    /// Lets charon build a child, and its IKE_SA where there is none, and tells how it ended: the CHILD_SA is there, or why
    /// it is not. An IKE_SA that is up without the child tells by this why.
    ///
    /// It has a connection to charon of its own, which logs about that very IKE_SA there (control-log), so that no command
    /// waits. There is one at a time for each connection, and four for all, or one where charon is older than 5.9.11, which
    /// several might lock up (strongswan#566): the others wait for their turn. Each takes one of charon's threads until it
    /// is done or its time is over, also where it was cancelled, and its turn as long: the time should be short.
    ///
    /// What charon began goes on after a failure where its connection says so (keyingtries 0), as does what is cancelled or
    /// not done in time.
    /// - Parameters:
    ///   - child: the child's name.
    ///   - connection: the connection's name.
    ///   - limit: how long it may take, once it is its turn.
    ///   - certificates: those that we prove ourselves by: a peer that refuses one does not say why.
    ///   - hasPostQuantumKey: whether the connection has one, which a peer that refuses it does not say either.
    ///   - completion: called once, on the loop, and not from within this call; never after ``IKENegotiation/cancel()``.
    @discardableResult
    public func negotiate(
        child: String,
        of connection: String,
        within limit: Duration,
        ownCertificates certificates: [CertificateFacts] = [],
        hasPostQuantumKey: Bool = false,
        _ completion: @escaping (Result<Void, IKEFailure>) -> Void
    ) -> IKENegotiation {
        let negotiation = IKENegotiation(
            child: child,
            of: connection,
            within: limit,
            ownCertificates: certificates,
            hasPostQuantumKey: hasPostQuantumKey,
            completion
        )
        negotiations.add(negotiation)
        return negotiation
    }
}
