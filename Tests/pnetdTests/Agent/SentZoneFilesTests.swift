// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import pnetd

struct SentZoneFilesTests {
    @Test func sendsEachTextOnce() {
        var files = SentZoneFiles()
        #expect([files.number(of: "a"), files.number(of: "b"), files.number(of: "a")] == [1, 2, 1])
        #expect(files.takeUnsent().map(\.text) == ["a", "b"])
        #expect(files.takeUnsent().isEmpty)
        #expect(files.number(of: "c") == 3)
        #expect(files.takeUnsent().map(\.number) == [3])
    }

    @Test func sendsAllToAResolverThatHasNothing() {
        var files = SentZoneFiles()
        _ = files.number(of: "a")
        _ = files.takeUnsent()
        files.forgetWhatWasSent()
        #expect(files.takeUnsent().map(\.number) == [1])
    }

    @Test func neverGivesANumberTwice() {
        var files = SentZoneFiles()
        _ = files.number(of: "a")
        _ = files.takeUnsent()
        files.keep([])
        #expect(files.takeUnsent().isEmpty)
        #expect(files.number(of: "a") == 2)
        #expect(files.takeUnsent().map(\.number) == [2])
    }
}
