// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PathHealth
import SystemIO
import Tunnel

/// The paths' STAMP sessions and reflectors: they begin and end with the file, and their sockets come and go with the
/// interfaces.
final class STAMPSessions {
    private struct Asking {
        let prober: STAMPProber
        /// The index of the interface that the socket is bound to.
        var link: Int32?
    }

    private struct Answering {
        let responder: STAMPResponder
        var link: Int32?
    }

    private let loop: EventLoop
    private let clock: any TimeSource
    private let onChange: (PathName, ReflectorStatus) -> Void
    private var asking: [PathName: Asking] = [:]
    private var answering: [PathName: Answering] = [:]

    init(on loop: EventLoop, clock: any TimeSource, onChange: @escaping (PathName, ReflectorStatus) -> Void) {
        self.loop = loop
        self.clock = clock
        self.onChange = onChange
    }

    /// Has exactly what the file asks for, and sockets where there are interfaces; says what went wrong, to be tried again.
    func follow(_ paths: [PathConfiguration], _ states: [PathName: PathState]) -> [String] {
        let named = Dictionary(paths.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        asking = asking.filter { named[$0.key]?.stamp?.place == $0.value.prober.place }
        answering = answering.filter { named[$0.key]?.stampReflector?.place == $0.value.responder.place }
        return paths.flatMap { path in
            let link = states[path.name].flatMap { $0.implementation == nil ? nil : $0.link }
            return [ask(path, link), answer(path, link)].compactMap { $0 }
        }
    }

    private func ask(_ path: PathConfiguration, _ link: Link?) -> String? {
        guard let stamp = path.stamp else { return nil }
        let name = path.name
        var held =
            asking[name]
            ?? Asking(
                prober: STAMPProber(stamp.place, every: stamp.interval, on: loop, clock: clock) { [weak self] status in
                    self?.onChange(name, status)
                }
            )
        held.prober.change(to: stamp.interval)
        let problem = bind(&held.link, link, held.prober.attach, held.prober.detach)
        asking[name] = held
        return problem.map { "\(name): no STAMP: \($0)" }
    }

    private func answer(_ path: PathConfiguration, _ link: Link?) -> String? {
        guard let reflector = path.stampReflector else { return nil }
        var held =
            answering[path.name]
            ?? Answering(responder: STAMPResponder(reflector.place, on: loop, clock: clock))
        let problem = bind(&held.link, link, held.responder.attach, held.responder.detach)
        answering[path.name] = held
        return problem.map { "\(path.name): no STAMP reflector: \($0)" }
    }

    private func bind(
        _ bound: inout Int32?,
        _ link: Link?,
        _ attach: (InterfaceName) throws(SystemError) -> Void,
        _ detach: () -> Void
    ) -> SystemError? {
        guard bound != link?.index else { return nil }
        bound = nil
        detach()
        guard let link else { return nil }
        do throws(SystemError) {
            try attach(link.name)
            bound = link.index
            return nil
        } catch {
            return error
        }
    }

    /// What each path's session shows of its far end; paths without one are not in it.
    var statuses: [PathName: ReflectorStatus] { asking.mapValues { $0.prober.inspect { $0.status } } }

    /// The session of a path.
    func prober(of path: PathName) -> STAMPProber? { asking[path]?.prober }

    /// The reflector of a path.
    func responder(of path: PathName) -> STAMPResponder? { answering[path]?.responder }
}

extension STAMPConfiguration {
    fileprivate var place: STAMPProber.Place { STAMPProber.Place(peer: peer, local: local) }
}

extension STAMPReflectorConfiguration {
    fileprivate var place: STAMPResponder.Place { STAMPResponder.Place(local: local, allowed: allowed) }
}
