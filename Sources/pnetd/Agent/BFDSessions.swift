// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// The paths' BFD sessions: they begin and end with the file, and their sockets come and go with the interfaces.
final class BFDSessions {
    private struct Held {
        let endpoint: BFDEndpoint
        let begun: Instant
        /// The index of the interface that the sockets are bound to.
        var link: Int32?
    }

    private let loop: EventLoop
    private let onChange: (PathName, BFDStatus) -> Void
    private var held: [PathName: Held] = [:]
    /// Paths whose session is out by hand at our end, whether they have one now or not.
    private var adminDown: Set<PathName> = []

    init(on loop: EventLoop, onChange: @escaping (PathName, BFDStatus) -> Void) {
        self.loop = loop
        self.onChange = onChange
    }

    /// Ends the sessions that the file has no more. The far end must not take that for a failure: it has to be told while
    /// the path still carries the word.
    func end(besides paths: [PathConfiguration]) {
        let wanted = Dictionary(uniqueKeysWithValues: paths.compactMap { path in path.bfd.map { (path.name, $0) } })
        for (path, session) in held where !(wanted[path]?.isServed(by: session.endpoint.place) ?? false) {
            end(path)
        }
    }

    private func end(_ path: PathName) {
        held.removeValue(forKey: path)?.endpoint.setAdminDown(true)
    }

    /// Has exactly the sessions of the file, and sockets where there are interfaces; says what went wrong, to be tried
    /// again.
    func follow(_ paths: [PathConfiguration], _ states: [PathName: PathState]) -> [String] {
        end(besides: paths)
        return paths.compactMap { path in
            guard let bfd = path.bfd else { return nil }
            let local = bfd.local ?? states[path.name]?.address(towards: bfd.peer)
            // An interface that is not ours may be given another address.
            if let local, let place = held[path.name]?.endpoint.place, place.local != local { end(path.name) }
            if let session = held[path.name] {
                session.endpoint.change(to: bfd.parameters)
            } else if let local {
                held[path.name] = begin(path.name, bfd, at: local)
            } else {
                return "\(path.name): no BFD: \(path.interface) has no address to speak with \(bfd.peer) from"
            }
            return attach(path.name, states[path.name]).map { "\(path.name): no BFD: \($0)" }
        }
    }

    private func begin(_ path: PathName, _ bfd: BFDConfiguration, at local: IPAddress) -> Held {
        // RFC 5880 section 6.8.1: unique on this host, and hard to guess.
        let taken = held.values.map { $0.endpoint.inspect { session in session.localDiscriminator } }
        var discriminator: UInt32
        repeat { discriminator = .random(in: 1 ... .max) } while taken.contains(discriminator)
        let place = BFDEndpoint.Place(peer: bfd.peer, local: local, multihopTTL: bfd.minimumTTL)
        let endpoint = BFDEndpoint(place, bfd.parameters, discriminator: discriminator, on: loop) {
            [weak self] status in self?.onChange(path, status)
        }
        if adminDown.contains(path) { endpoint.setAdminDown(true) }
        return Held(endpoint: endpoint, begun: loop.now)
    }

    private func attach(_ path: PathName, _ state: PathState?) -> SystemError? {
        guard let session = held[path], session.link != state?.link?.index else { return nil }
        held[path]?.link = nil
        session.endpoint.detach()
        guard let link = state?.link, state?.implementation != nil else { return nil }
        do {
            try session.endpoint.attach(to: link.name)
            held[path]?.link = link.index
            return nil
        } catch {
            return error
        }
    }

    /// Takes our end of a path's session out by hand, or gives it back. The far end is told at once, and sees no failure.
    func setAdminDown(_ isDown: Bool, of path: PathName) {
        if isDown { adminDown.insert(path) } else { adminDown.remove(path) }
        held[path]?.endpoint.setAdminDown(isDown)
    }

    /// Tells all far ends that the sessions end, or that those go on after all that are not out by hand.
    func setAllAdminDown(_ isDown: Bool) {
        for (path, session) in held { session.endpoint.setAdminDown(isDown || adminDown.contains(path)) }
    }

    /// What each session says of its path.
    var statuses: [(path: PathName, status: BFDStatus)] {
        held.map { path, held in (path, held.endpoint.inspect { $0.status }) }.sorted { $0.path < $1.path }
    }

    /// The session of a path.
    func endpoint(of path: PathName) -> BFDEndpoint? { held[path]?.endpoint }

    /// How long a path's session has been trying in vain to come up for the first time; nil where it was up, or is out by
    /// hand.
    func silence(of path: PathName) -> Duration? {
        guard let session = held[path], session.endpoint.inspect({ $0.ups == 0 && $0.status == .silent }),
            !adminDown.contains(path)
        else { return nil }
        return loop.now - session.begun
    }
}

extension BFDConfiguration {
    /// Whether a session at a place is this one. Where the address is the interface's to give, any will do.
    fileprivate func isServed(by place: BFDEndpoint.Place) -> Bool {
        place == BFDEndpoint.Place(peer: peer, local: local ?? place.local, multihopTTL: minimumTTL)
    }

    fileprivate var parameters: BFDSession.Parameters {
        BFDSession.Parameters(interval: interval, multiplier: multiplier, key: key)
    }
}
