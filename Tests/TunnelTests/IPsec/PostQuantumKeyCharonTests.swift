// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import PathHealth
import SystemIO
import Testing

@testable import Tunnel

/// Post-quantum preshared keys (RFC 8784) between two of Debian's charons.
@Suite(
    .enabled(if: getuid() == 0, "network namespaces need root"),
    .enabled(if: RealCharon.isInstalled, "charon-systemd is not installed"),
    .serialized
)
struct PostQuantumKeyCharonTests {
    /// What each end has: the key of the one identity, where it has one, and whether it insists.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var near: String? = Self.key
        var far: String? = Self.key
        var nearRequires = true
        var farRequires = true
        /// nil: the far end has no key in its connection either.
        var farKnows = true
        let expected: IKEFailure?
        /// Whether the key is part of what comes of it.
        var isUsed = false

        static let key = "thirty-two octets and some more."
        static let other = "other thirty-two octets and more"
    }

    static let cases: [Case] = [
        Case(testDescription: "the same at both ends", expected: nil, isUsed: true),
        Case(
            testDescription: "and no end insists",
            nearRequires: false,
            farRequires: false,
            expected: nil,
            isUsed: true
        ),
        Case(testDescription: "another one there", far: Case.other, expected: .postQuantumKeyRefused),
        Case(
            testDescription: "another one there, and no end insists",
            far: Case.other,
            nearRequires: false,
            farRequires: false,
            expected: .postQuantumKeyRefused
        ),
        Case(testDescription: "none here", near: nil, expected: .noPostQuantumKey),
        Case(testDescription: "none there", far: nil, farKnows: false, expected: .peerLacksPostQuantumKey),
        Case(
            testDescription: "none there, and this end does not insist",
            far: nil,
            nearRequires: false,
            farKnows: false,
            expected: nil
        ),
    ]

    @Test(arguments: cases) func tellsWhatComesOfIt(example: Case) throws {
        try RealCharon.inNamespace { loop in
            let pair = try IKEPair(on: loop)
            for (end, key) in [(pair.near, example.near), (pair.far, example.far)] {
                try pair.share("a shared key of some length", with: end)
                guard let key else { continue }
                let secret = Secret(Array(key.utf8))
                try end.ask {
                    $0.load(sharedKey: "pnetd-a/ppk", secret, as: .postQuantum, owners: ["plant.ppk"], $1)
                } as Void
            }
            pair.nearConnection.postQuantumKey = .init(identity: "plant.ppk", isRequired: example.nearRequires)
            if example.farKnows {
                pair.farConnection.postQuantumKey = .init(identity: "plant.ppk", isRequired: example.farRequires)
            }
            try pair.load()
            #expect(try pair.negotiate(hasPostQuantumKey: true).failure == example.expected)
            guard example.expected == nil else { return }
            #expect(try pair.near.association().hasPostQuantumKey == example.isUsed)
        }
    }

    /// A key that was taken out is not used any more, nor offered.
    @Test func takesOneOut() throws {
        try RealCharon.inNamespace { loop in
            let real = try RealCharon("a", on: loop)
            try real.start()
            let secret = Secret(Array(Case.key.utf8))
            try real.ask { $0.load(sharedKey: "pnetd-a/ppk", secret, as: .postQuantum, owners: ["plant.ppk"], $1) }
                as Void
            #expect(try real.ask { $0.sharedKeyNames($1) } == ["pnetd-a/ppk"])
            try real.ask { $0.unload(sharedKey: "pnetd-a/ppk", $1) } as Void
            #expect(try real.ask { $0.sharedKeyNames($1) } == [])
        }
    }
}
