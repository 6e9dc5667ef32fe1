// SPDX-License-Identifier: Apache-2.0

import CLinux
import NetworkTypes
import SystemIO
import Testing

/// What is said to a service manager, as it hears it.
struct ServiceManagerTests {
    /// Plays the manager.
    private struct Ear: ~Copyable {
        let socket: FileDescriptor

        init(_ name: String) throws {
            socket = try Self.bind(name)
        }

        private static func bind(_ name: String) throws -> FileDescriptor {
            let descriptor = try FileDescriptor(
                CLinux.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0),
                from: "open a UNIX socket"
            )
            let raw = descriptor.raw
            let address = try #require(SocketAddressStorage(unixPath: name))
            try #require(unsafe address.withPointer { unsafe pn_bind(raw, $0, $1) } == 0)
            return descriptor
        }

        func hear() throws -> (text: String, descriptors: [Int32])? {
            guard let (bytes, descriptors) = try DescriptorPassing.receive(upTo: 4096, from: socket.raw) else {
                return nil
            }
            return (String(decoding: bytes, as: UTF8.self), descriptors)
        }
    }

    @Test(arguments: ["/tmp/pnetd-notify-", "@pnetd-notify-"])
    func saysItsLinesAndHandsDescriptorsOver(prefix: String) throws {
        let name = "\(prefix)\(getpid())"
        defer { if !name.hasPrefix("@") { unsafe unlink(name) } }
        let ear = try Ear(name)
        let manager = ServiceManager(["NOTIFY_SOCKET": name])
        manager.tell("READY=1")
        #expect(try ear.hear()?.text == "READY=1")
        let file = try Files.inMemory("kept", holding: [7])
        manager.keep(file.raw, as: "dnsUDP 0 127.0.0.1_53")
        let kept = try #require(try ear.hear())
        #expect(kept.text == "FDSTORE=1\nFDPOLL=0\nFDNAME=dnsUDP 0 127.0.0.1_53")
        #expect(kept.descriptors.count == 1)
        for descriptor in kept.descriptors { close(descriptor) }
        manager.forget("dnsUDP 0 127.0.0.1_53")
        #expect(try ear.hear()?.text == "FDSTOREREMOVE=1\nFDNAME=dnsUDP 0 127.0.0.1_53")
    }

    @Test func beatsAtOnceAndTwiceAPeriod() throws {
        let name = "@pnetd-notify-\(getpid())-watchdog"
        let ear = try Ear(name)
        let manager = ServiceManager(["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "\(getpid())"])
        #expect(manager.watchdogPeriod == .milliseconds(200))
        let loop = try EventLoop()
        manager.startWatchdog(on: loop)
        let end = loop.now + .milliseconds(350)
        while loop.now < end { try loop.turn(waiting: .milliseconds(10)) }
        var beats = 0
        while let said = try ear.hear() { beats += said.text == "WATCHDOG=1" ? 1 : 0 }
        #expect((3...4).contains(beats))
    }

    @Test func leavesWhatIsForAnotherProcess() {
        let manager = ServiceManager([
            "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1", "LISTEN_FDS": "1", "LISTEN_PID": "1",
        ])
        #expect(manager.watchdogPeriod == nil)
        #expect(manager.takeKept().isEmpty)
    }

    @Test func isSilentWithoutAManager() {
        for environment in [
            [:], ["NOTIFY_SOCKET": "/nowhere/at/all"], ["LISTEN_FDS": "-1", "LISTEN_PID": "\(getpid())"],
            ["LISTEN_FDS": "1"], ["WATCHDOG_USEC": "0"],
        ] {
            let manager = ServiceManager(environment)
            manager.tell("READY=1")
            #expect(manager.watchdogPeriod == nil)
            #expect(manager.takeKept().isEmpty)
        }
    }
}
