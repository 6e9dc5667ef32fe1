// SPDX-License-Identifier: Apache-2.0

import CLinux
import Logging
import NetworkTypes
import ProcessLink
import SystemIO
import Testing

@testable import pnetd

/// The agent's side of the private sockets, against processes in a stranger's hands.
@Suite(.serialized)
final class PrivateSocketsTests {
    typealias Channel = MessageChannel<MessageFromAgent, MessageToAgent>

    private let folder: String
    private let loop: EventLoop
    private let sockets: PrivateSockets

    init() throws {
        folder = "/tmp/pnetd-private-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try Files.makeDirectory(folder)
        loop = try EventLoop()
        sockets = try PrivateSockets(
            in: folder,
            on: loop,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            isSupervised: false
        )
    }

    deinit {
        for role in LinkRole.allCases { try? Files.remove("\(folder)/\(role.socketName)") }
        unsafe rmdir(folder)
    }

    private func connect(_ role: LinkRole) throws -> FileDescriptor {
        try UnixSocket.connect(path: "\(folder)/\(role.socketName)")
    }

    private func turn(for time: Duration = .milliseconds(300), until done: () -> Bool = { false }) throws {
        let end = loop.now + time
        while !done(), loop.now < end { try loop.turn(waiting: .milliseconds(5)) }
    }

    /// Whether the other side has hung up.
    private func isCutOff(_ socket: Int32) -> Bool {
        var poller = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&poller, 1, 0) == 1 else { return false }
        var octet: UInt8 = 0
        return unsafe recv(socket, &octet, 1, Int32(MSG_DONTWAIT)) <= 0
    }

    /// A resolver that says all that it may of name sets has as much again for the rest.
    @Test func anHonestResolverIsNotCutOff() {
        let octets = NameSetTeller.entriesPerSecond * NameSetAddress.octetLimit
        #expect(2 * octets <= PrivateSockets.octets.perSecond)
        #expect(NameSetTeller.messagesPerSecond + 10 <= PrivateSockets.messages.perSecond)
    }

    @Test func eachRoleHasADoorThatNoOtherAccountOpens() throws {
        for role in LinkRole.allCases {
            let status = try Files.status(of: "\(folder)/\(role.socketName)")
            #expect(status.permissions == 0o660)
            #expect(status.group == role.account.group)
        }
        #expect(LinkRole.resolver.account.user != LinkRole.frontend.account.user)
    }

    @Test func whoSaysHelloIsWhatItsSocketSays() throws {
        var hellos: [LinkRole] = []
        sockets.onHello = { role, _, _ in hellos.append(role) }
        let channel = try Channel(connect(.frontend), on: loop)
        channel.send(.hello(holding: []))
        try turn { !hellos.isEmpty }
        #expect(hellos == [.frontend])
        #expect(sockets.isConnected(.frontend) && !sockets.isConnected(.resolver))
    }

    @Test(arguments: garbage)
    func garbageEndsTheConnectionAndNothingElse(octets: [UInt8]) throws {
        let socket = try connect(.resolver)
        _ = try socket.write(octets.span)
        try turn { isCutOff(socket.raw) }
        #expect(isCutOff(socket.raw))
        #expect(!sockets.isConnected(.resolver))
    }

    private static let garbage: [[UInt8]] = [
        [0, 0, 0, 2, 0x7b, 0x7d], [0xff, 0xff, 0xff, 0xff], [0, 9, 0, 0, 0x7b], [0, 0, 0, 0],
        [0, 0, 0, 1, 0xff], Array("GET / HTTP/1.1\r\n\r\n".utf8), [0, 0, 0, 12] + Array(#"{"stop":{}} "#.utf8),
    ]

    @Test func whoFloodsIsCutOffAndWhoSaysHelloTwiceToo() throws {
        var gone = 0
        var heard = 0
        sockets.onGone = { _ in gone += 1 }
        sockets.onMessage = { _, _ in heard += 1 }
        let flood = try Channel(connect(.resolver), on: loop)
        flood.send(.hello(holding: []))
        for _ in 0..<5_000 { flood.send(.metrics([])) }
        try turn(for: .seconds(3)) { gone == 1 }
        #expect(gone == 1 && heard < 400)
        #expect(sockets.offences == [.resolver: 1])

        let twice = try Channel(connect(.frontend), on: loop)
        for _ in 0..<2 { twice.send(.hello(holding: [])) }
        try turn(for: .seconds(3)) { gone == 2 }
        #expect(sockets.offences == [.resolver: 1, .frontend: 1])
    }

    @Test func aServiceManagersProcessIsNotThrownOffByASecondOne() throws {
        let supervised = "\(folder)/supervised"
        try Files.makeDirectory(supervised)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let sockets = try PrivateSockets(in: supervised, on: loop, log: log, isSupervised: true)
        var hellos = 0
        var gone = 0
        sockets.onHello = { _, _, _ in hellos += 1 }
        sockets.onGone = { _ in gone += 1 }
        let path = "\(supervised)/\(LinkRole.resolver.socketName)"
        let first = try Channel(UnixSocket.connect(path: path), on: loop)
        first.send(.hello(holding: []))
        try turn { hellos == 1 }
        let second = try Channel(UnixSocket.connect(path: path), on: loop)
        var isOver = false
        second.onClose = { _ in isOver = true }
        second.send(.hello(holding: []))
        try turn { isOver }
        #expect(isOver && hellos == 1 && gone == 0)
        // Its own end makes room.
        first.close()
        try turn { gone == 1 }
        let third = try Channel(UnixSocket.connect(path: path), on: loop)
        third.send(.hello(holding: []))
        try turn { hellos == 2 }
        #expect(hellos == 2)
        for role in LinkRole.allCases { try Files.remove("\(supervised)/\(role.socketName)") }
        unsafe rmdir(supervised)
    }

    @Test func largeMessagesHaveARateOfTheirOwn() throws {
        var gone = 0
        sockets.onGone = { _ in gone += 1 }
        let channel = try Channel(connect(.resolver), on: loop)
        channel.send(.hello(holding: []))
        let sample = MetricSample(name: String(repeating: "x", count: 100), labels: [:], value: 1)
        for _ in 0..<12 { channel.send(.metrics(Array(repeating: sample, count: 2_000))) }
        try turn(for: .seconds(5)) { gone == 1 }
        #expect(gone == 1 && sockets.offences == [.resolver: 1])
    }

    @Test func whoKeepsConnectingWaits() throws {
        var hellos = 0
        sockets.onHello = { _, _, _ in hellos += 1 }
        for _ in 0..<40 {
            let channel = try Channel(connect(.resolver), on: loop)
            channel.send(.hello(holding: []))
            try turn(for: .milliseconds(5))
        }
        #expect((1...12).contains(hellos))
        // The other role comes in meanwhile.
        let frontend = try Channel(connect(.frontend), on: loop)
        frontend.send(.hello(holding: []))
        try turn { sockets.isConnected(.frontend) }
        #expect(sockets.isConnected(.frontend))
    }

    /// Cut, shuffled and filled with other octets, a good conversation never does more than end.
    @Test func mutatedMessagesNeverTrap() throws {
        var numbers = SystemRandomNumberGenerator()
        let body = Array(#"{"hello":{"holding":[{"kind":"dnsUDP","endpoint":"127.0.0.1:53","index":0}]}}"#.utf8)
        let good = [0, 0, 0, UInt8(body.count)] + body
        for _ in 0..<24 {
            var octets = good + good
            for _ in 0..<Int.random(in: 1...8, using: &numbers) {
                octets[Int.random(in: 0..<octets.count, using: &numbers)] = .random(in: 0 ... .max, using: &numbers)
            }
            let socket = try connect(.resolver)
            octets.removeLast(Int.random(in: 0..<octets.count, using: &numbers))
            _ = try socket.write(octets.span)
            try turn(for: .milliseconds(20))
        }
    }
}

/// The sockets that another process hands over are looked at before they are taken.
struct ListenersTests {
    private let endpoint: SocketEndpoint
    private let socket: FileDescriptorBox

    /// Test suites are values; a descriptor needs an owner that can be shared.
    final class FileDescriptorBox {
        let descriptor: FileDescriptor
        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    }

    init() throws {
        let any = try #require(SocketEndpoint("127.0.0.1", defaultPort: 0))
        socket = FileDescriptorBox(try NetworkSocket.listener(on: any, isStream: false))
        endpoint = try #require(NetworkSocket.boundEndpoint(of: socket.descriptor.raw))
    }

    private func listeners() -> Listeners { Listeners(keptBy: ServiceManager([:])) }

    private func offer(_ description: ListenerDescription, from role: LinkRole = .resolver) throws -> Bool {
        let copy = try socket.descriptor.duplicate().release()
        return listeners().adopt([description], [copy], from: role) == [description]
    }

    @Test func takesWhatIsWhatItIsSaidToBe() throws {
        #expect(try offer(ListenerDescription(kind: .dnsUDP, endpoint: endpoint, index: 0)))
    }

    @Test func takesNothingElse() throws {
        let elsewhere = SocketEndpoint(address: endpoint.address, port: endpoint.port ^ 1)
        for description in [
            ListenerDescription(kind: .dnsTCP, endpoint: endpoint, index: 0),
            ListenerDescription(kind: .dnsUDP, endpoint: elsewhere, index: 0),
            ListenerDescription(kind: .dnsUDP, endpoint: endpoint, index: -1),
            ListenerDescription(kind: .dnsUDP, endpoint: endpoint, index: 64),
            ListenerDescription(kind: .http, endpoint: endpoint, index: 0),
        ] { #expect(try !offer(description), "\(description)") }
        let good = ListenerDescription(kind: .dnsUDP, endpoint: endpoint, index: 0)
        #expect(try !offer(good, from: .frontend))
        let file = try Files.inMemory("no socket", holding: [])
        #expect(listeners().adopt([good], [file.release()], from: .resolver).isEmpty)
    }

    @Test func takesNoSocketThatHearsOnePeerAlone() throws {
        let connected = try NetworkSocket.datagram(to: endpoint, through: nil)
        let own = try #require(NetworkSocket.boundEndpoint(of: connected.raw))
        let description = ListenerDescription(kind: .dnsUDP, endpoint: own, index: 0)
        #expect(listeners().adopt([description], [connected.release()], from: .resolver).isEmpty)
    }

    /// The frontend that comes first must not make the agent open a second set of what the resolver still serves.
    @Test func opensForTheRoleThatAsksOnly() throws {
        let listeners = listeners()
        let dns = ListenerDescription(kind: .dnsUDP, endpoint: endpoint, index: 0)
        let page = ListenerDescription(kind: .http, endpoint: endpoint, index: 0)
        #expect(listeners.serve([dns, page], awaiting: [.resolver]).failures == [])
        #expect(listeners.descriptions == [page])
        #expect(listeners.serve([dns, page], awaiting: []).failures == [])
        #expect(listeners.descriptions == [dns, page])
        #expect(listeners.serve([dns], awaiting: [.resolver]).failures == [])
        #expect(listeners.descriptions == [dns])
    }

    /// Whoever outlived an earlier agent and comes late is still served alone.
    @Test func knowsWhatOthersServe() throws {
        let dns = ListenerDescription(kind: .dnsUDP, endpoint: endpoint, index: 0)
        let page = ListenerDescription(kind: .http, endpoint: endpoint, index: 0)
        let survivor = listeners()
        #expect(survivor.serve([page], awaiting: []).failures == [])
        let next = listeners()
        #expect(next.rolesServedElsewhere([dns, page]) == [.resolver, .frontend])
        #expect(survivor.rolesServedElsewhere([page]) == [])
        #expect(survivor.serve([], awaiting: []).failures == [])
        #expect(next.rolesServedElsewhere([page]) == [])
    }

    @Test(arguments: ["127.0.0.1:53", "[2001:db8::1]:5353", "[::]:53"])
    func hasANameForTheServiceManager(text: String) throws {
        let endpoint = try #require(SocketEndpoint(text))
        for kind in [ListenerDescription.Kind.dnsUDP, .dnsTCP, .http] {
            let description = ListenerDescription(kind: kind, endpoint: endpoint, index: 3)
            #expect(!description.nameKept.contains(":"))
            #expect(ListenerDescription(keptAs: description.nameKept) == description)
        }
        for name in ["", "stored", "dnsUDP x 127.0.0.1_53", "dnsUDP 0 nowhere", "dnsUDP 0 127.0.0.1_53 more"] {
            #expect(ListenerDescription(keptAs: name) == nil)
        }
    }
}
