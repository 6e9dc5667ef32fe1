// SPDX-License-Identifier: Apache-2.0

import Digests
import Testing

struct DigestTests {
    private func hex(_ octets: [UInt8]?) -> String? {
        octets.map { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    }

    /// The examples of FIPS 180-4: "abc", and nothing.
    @Test func digestsAreThoseOfTheStandard() {
        #expect(hex(Digest.sha1.of(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            hex(Digest.sha256.of(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(hex(Digest.sha1.of([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    }

    /// RFC 2202 section 3 and RFC 4231 section 4: test case 2, and one with a key longer than a block.
    @Test func codesAreThoseOfTheStandard() {
        let message = Array("what do ya want for nothing?".utf8)
        let key = Array("Jefe".utf8)
        #expect(hex(Digest.sha1.code(of: message, by: key)) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        #expect(
            hex(Digest.sha256.code(of: message, by: key))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )
        let long = [UInt8](repeating: 0xaa, count: 131)
        let text = Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
        #expect(
            hex(Digest.sha256.code(of: text, by: long))
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        )
    }

    @Test(arguments: Digest.allCases)
    func lengthsAreAsTheySay(digest: Digest) {
        #expect(digest.of([1])?.count == digest.length)
        #expect(digest.code(of: [], by: [])?.count == digest.length)
    }
}
