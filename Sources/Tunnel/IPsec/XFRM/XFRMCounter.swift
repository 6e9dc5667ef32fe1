// SPDX-License-Identifier: Apache-2.0

/// One of the kernel's counts of packets that IPsec did not let through (Documentation/networking/xfrm_proc.rst).
public struct XFRMCounter: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The kernel's name, as `XfrmInNoStates`.
    public var rawValue: String

    /// Any name is a counter: kernels add some now and then.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The kernel's name.
    public var description: String { rawValue }

    /// Packets with an SPI, address and protocol for which there is no association.
    public static let inNoStates = XFRMCounter(rawValue: "XfrmInNoStates")
    /// Packets whose number was seen before, or is too old.
    public static let inStateSeqError = XFRMCounter(rawValue: "XfrmInStateSeqError")
    /// Packets that are not what the peer has sent, or were encrypted otherwise.
    public static let inStateProtoError = XFRMCounter(rawValue: "XfrmInStateProtoError")
    /// Packets that came in otherwise than the policy for them asks.
    public static let inTemplateMismatch = XFRMCounter(rawValue: "XfrmInTmplMismatch")
    /// Packets that came in by an association, and no policy allows them.
    public static let inNoPolicies = XFRMCounter(rawValue: "XfrmInNoPols")
    /// Packets for which there is a policy and no association.
    public static let outNoStates = XFRMCounter(rawValue: "XfrmOutNoStates")
    /// Packets that a policy drops on their way out.
    public static let outPolicyBlock = XFRMCounter(rawValue: "XfrmOutPolBlock")
    /// Packets for an association that is still being negotiated.
    public static let acquireError = XFRMCounter(rawValue: "XfrmAcquireError")

    /// What it means when it grows, in words for people; nil for one that is unknown.
    public var meaning: String? { Self.meanings[rawValue] }

    private static let meanings = [
        "XfrmInError": "packets came in that failed in a way for which there is no other counter",
        "XfrmInBufferError": "packets came in and there was no memory for them",
        "XfrmInHdrError": "packets came in with a header that makes no sense",
        "XfrmInNoStates": "the peer uses an SPI that we do not have: its association is older or newer than ours",
        "XfrmInStateProtoError":
            "packets came in that do not decrypt: the keys of the two ends differ, or something changed them on the way",
        "XfrmInStateModeError": "packets came in that are not wrapped in the mode of their association",
        "XfrmInStateSeqError": "packets came in replayed or badly reordered: the replay window does not hold them",
        "XfrmInStateExpired": "the peer still uses an association whose lifetime has ended",
        "XfrmInStateMismatch":
            "packets came in otherwise encapsulated than their association says: a NAT appeared or went away",
        "XfrmInStateInvalid": "the peer uses an association that is being deleted",
        "XfrmInTmplMismatch":
            "packets came in for which a policy asks for other protection than they had: the two ends disagree on what "
            + "goes through the tunnel, or packets come in the open",
        "XfrmInNoPols":
            "packets came out of an association and no policy lets them in: the two ends disagree on the addresses",
        "XfrmInPolBlock": "packets were kept out: a policy drops what comes in while no tunnel is up for it",
        "XfrmInPolError": "packets came in whose policy failed",
        "XfrmInStateDirError": "packets came in for an association that is only for sending",
        "XfrmInIptfsError": "packets came in whose IP-TFS (RFC 9347) makes no sense",
        "XfrmOutError": "packets could not be sent for which there is no other counter",
        "XfrmOutBundleGenError": "packets could not be sent: no way through their associations could be put together",
        "XfrmOutBundleCheckError": "packets could not be sent: the way through their associations was no longer good",
        "XfrmOutNoStates": "packets were to be sent and there is no association for them: no tunnel is up",
        "XfrmOutStateProtoError": "packets could not be encrypted",
        "XfrmOutStateModeError": "packets could not be wrapped: they are too large for the way, or of a wrong family",
        "XfrmOutStateSeqError": "an association has sent all the numbers that it has: it must be replaced",
        "XfrmOutStateExpired": "packets were to be sent by an association whose lifetime has ended",
        "XfrmOutPolBlock": "packets were kept in: a policy drops what is to be sent while no tunnel is up for it",
        "XfrmOutPolDead": "packets were to be sent by a policy that is being deleted",
        "XfrmOutPolError": "packets were to be sent whose policy failed",
        "XfrmFwdHdrError": "packets to be forwarded have a header that makes no sense",
        "XfrmOutStateInvalid": "packets were to be sent by an association that is being deleted",
        "XfrmAcquireError": "packets met an association that is still being negotiated",
        "XfrmOutStateDirError": "packets were to be sent by an association that is only for receiving",
        "XfrmOutNoQueueSpace": "packets were to be sent faster than IP-TFS (RFC 9347) sends them",
    ]
}
