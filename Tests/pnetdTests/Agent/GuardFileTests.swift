// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing
import Tunnel

@testable import pnetd

/// What `pnetd guard` goes by when the machine boots.
struct GuardFileTests {
    private func with(_ contents: String?, _ body: (GuardFile) throws -> Void) throws {
        let folder = "/tmp/pnetd-guard-\(UInt64.random(in: 0 ... .max))"
        try Files.makeDirectory(folder)
        defer {
            try? Files.remove("\(folder)/guard.json")
            unsafe rmdir(folder)
        }
        if let contents { try Files.replace("\(folder)/guard.json", with: Array(contents.utf8)) }
        try body(GuardFile(in: folder))
    }

    private static let good = """
        {"guard":{"markMask":2130706432,"networks":[{"interfaces":["pn-a"],"name":"azure","prefixes":["10.20.0.0/16"],\
        "slot":1}],"paths":[{"addresses":["10.99.0.2"],"interface":"pn-a","mark":16777216,"name":"vpn-a"}]},\
        "reserved":{"firstNexthop":7000,"firstPriority":700,"firstTable":7000,"markMask":2130706432,"routeProtocol":112}}
        """

    @Test func readsWhatAnEarlierVersionWrote() throws {
        try with(Self.good) { file in
            let copy = try #require(try file.load())
            #expect(copy.prefixes.map(\.description) == ["10.20.0.0/16"])
            try file.save(copy)
            #expect(try file.load() == copy)
            try file.remove()
            #expect(try file.load() == nil)
        }
    }

    @Test func aHostWithoutACopyHasNone() throws {
        try with(nil) { file in
            let copy = try file.load()
            #expect(copy == nil)
        }
    }

    @Test(arguments: [
        "", "{", "{}", good.replacing("\"azure\"", with: "7"), good.replacing("10.20.0.0/16", with: "10.20.0.1/16"),
        good.replacing("\"firstTable\":7000", with: "\"firstTable\":4294967295"),
    ])
    func aBrokenCopyIsSaidToBe(contents: String) throws {
        try with(contents) { file in
            #expect(throws: GuardFile.BrokenFile.self) { _ = try file.load() }
        }
    }
}
