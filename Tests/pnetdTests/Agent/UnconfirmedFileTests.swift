// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO
import Testing

@testable import pnetd

struct UnconfirmedFileTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/pnetd-unconfirmed-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(folder)
        defer {
            try? UnconfirmedFile.remove(from: folder)
            _ = unsafe rmdir(folder)
        }
        try body(folder)
    }

    @Test func bringsTheEarlierFileBackForAsLongAsTheLaterOneStands() throws {
        try inFolder { folder in
            #expect(UnconfirmedFile.before(Array("later".utf8), in: folder) == nil)
            try UnconfirmedFile(trial: "later", before: "earlier").save(in: folder)
            #expect(UnconfirmedFile.before(Array("later".utf8), in: folder) == Array("earlier".utf8))
            #expect(UnconfirmedFile.before(Array("another".utf8), in: folder) == nil)
            try UnconfirmedFile.remove(from: folder)
            #expect(UnconfirmedFile.before(Array("later".utf8), in: folder) == nil)
            try UnconfirmedFile.remove(from: folder)
        }
    }

    @Test(arguments: ["", "{}", "{\"trial\":1}", "\u{0}"])
    func makesNothingOfWhatIsBroken(text: String) throws {
        try inFolder { folder in
            try Files.replace("\(folder)/unconfirmed.json", with: Array(text.utf8))
            #expect(UnconfirmedFile.before(Array("later".utf8), in: folder) == nil)
        }
    }
}
