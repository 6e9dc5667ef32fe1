// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What paths themselves show, whoever is asked through them.
struct PathFacts: Sendable, Hashable, Codable {
    var conditions: [PathName: PathCondition] = [:]
    var drained: [PathName: Reason] = [:]
    var sessions: [PathName: BFDStatus] = [:]
    var peers: [PathName: PeerStatus] = [:]
    var refusals: [PathName: PacketRefusals] = [:]
    var reflectors: [PathName: ReflectorStatus] = [:]
    /// The path by which the answers to each path's probes come in, where it is another one.
    var detours: [PathName: PathName] = [:]
    /// How many networks are reached through each path.
    var reached: [PathName: Int] = [:]

    func condition(of path: PathName) -> PathCondition { conditions[path] ?? .unusable(.notYetProbed) }

    func refusals(of path: PathName) -> PacketRefusals { refusals[path] ?? PacketRefusals() }

    /// Why all targets of a network are silent through a path, if they are.
    ///
    /// - Parameter carriesOthers: whether other networks are reached through it.
    func silence(of path: PathName, carriesOthers: Bool) -> [Reason] {
        // What was asked by it was answered: the way there carries, and what lies behind it is well.
        if detours[path] != nil { return [] }
        return carriesOthers ? [.beyondPath] : farEnd(of: path)
    }

    /// What may be behind it where a path does not carry, or not well.
    func circumstances(of path: PathName) -> [Reason] {
        [detours[path].map { .answersElsewhere($0) }].compactMap { $0 } + refusals(of: path).reasons
    }

    private func farEnd(of path: PathName) -> [Reason] {
        let peer = peers[path] ?? .unknown
        // What is refused did come, and is not counted among what was received.
        let isContradicted = peer == .silent && !refusals(of: path).isEmpty
        return [isContradicted ? nil : peer.reason, (reflectors[path] ?? .unknown).reason].compactMap { $0 }
    }

    mutating func forget(besides paths: Set<PathName>) {
        conditions = conditions.filter { paths.contains($0.key) }
        drained = drained.filter { paths.contains($0.key) }
        sessions = sessions.filter { paths.contains($0.key) }
        peers = peers.filter { paths.contains($0.key) }
        refusals = refusals.filter { paths.contains($0.key) }
        reflectors = reflectors.filter { paths.contains($0.key) }
        detours = detours.filter { paths.contains($0.key) }
    }
}
