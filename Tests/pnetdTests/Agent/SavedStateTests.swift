// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd

struct SavedStateTests {
    @Test func keepsSlotsForAsLongAsTheFileNamesThem() {
        let first = SavedState.assign(["a", "b", "c"], keeping: [:])
        #expect(first == ["a": 1, "b": 2, "c": 3])
        // Another order, one gone, one new: who stays keeps its number, the new one takes the free one.
        #expect(SavedState.assign(["c", "d", "a"], keeping: first) == ["a": 1, "c": 3, "d": 2])
    }

    @Test func comesBackAsItWasSaved() throws {
        let directory = "/tmp/pnetd-state-\(UInt64.random(in: 0...UInt64.max))"
        try Files.makeDirectory(directory)
        defer {
            try? Files.remove("\(directory)/state.json")
            unsafe rmdir(directory)
        }
        var state = SavedState()
        state.pathSlots = ["vpn-a": 1]
        state.realms = ["azure": SavedState.Realm(generation: 7, isPublic: true, since: 5, switches: 3)]
        state.told = ["pn-a": ["key": try #require(SocketEndpoint("192.0.2.1:51820"))]]
        let site: SiteName = try #require(SiteName("plant-7"))
        state.alerts.add({ "{\"id\":\"\($0)\"}" }, to: [.webhook(url: "http://192.0.2.9/")], site: site)
        try state.save(to: directory)
        let (loaded, problem) = SavedState.load(from: directory)
        #expect(loaded == state)
        #expect(problem == nil)

        try Files.replace("\(directory)/state.json", with: Array("{\"half".utf8))
        for lie in [
            "{\"pathSlots\":{\"a\":-1}}", "{\"pathSlots\":{\"a\":1,\"b\":1}}", "{\"networkSlots\":{\"a\":121}}",
            "{\"realms\":{\"a\":{\"generation\":18446744073709551615,\"isPublic\":false,\"since\":1,\"switches\":0}}}",
            "{\"realms\":{\"a\":{\"generation\":1,\"isPublic\":false,\"since\":-9223372036854775808,\"switches\":0}}}",
        ] {
            try Files.replace("\(directory)/state.json", with: Array(lie.utf8))
            #expect(SavedState.load(from: directory).state == SavedState())
            #expect(SavedState.load(from: directory).problem != nil)
        }
        try Files.replace("\(directory)/state.json", with: Array("{\"half".utf8))
        let (empty, why) = SavedState.load(from: directory)
        #expect(empty == SavedState())
        #expect(why?.contains("\(directory)/state.json") == true)
    }
}
