// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// Who changes what is ours, how often, and how soon it is put right again.
///
/// The first few times it is put right at once. Whoever goes on is answered at a slower pace, so that two programs that
/// want different things do not wear the kernel out; what the guard is made of is never left for long.
struct Disputes {
    /// So many repairs of one thing within a window make a dispute.
    static let patience = 5
    private static let window = Duration.seconds(60)
    private static let pace = Duration.seconds(10)
    private static let guardPace = Duration.milliseconds(500)

    private var repairs: [KernelObject: (times: [Instant], port: UInt32)] = [:]

    /// Notes that a thing was put right after the owner of a netlink port had changed it.
    mutating func repaired(_ object: KernelObject, from port: UInt32, at now: Instant) {
        // Bounded: more than that says nothing more.
        let earlier = repairs[object]?.times.suffix(4 * Self.patience) ?? []
        repairs[object] = (earlier + [now], port)
    }

    /// Forgets what is long past.
    mutating func forget(before now: Instant) {
        for (object, history) in repairs {
            let recent = history.times.filter { now - $0 < Self.window }
            repairs[object] = recent.isEmpty ? nil : (recent, history.port)
        }
    }

    /// How long a thing is left as it is; zero: it is put right at once.
    func pause(before object: KernelObject, isGuard: Bool, at now: Instant) -> Duration {
        guard let times = repairs[object]?.times, times.count > Self.patience, let last = times.last else {
            return .zero
        }
        return max(.zero, (isGuard ? Self.guardPace : Self.pace) - (now - last))
    }

    /// What is in dispute, and with whom.
    var open: [Repair] {
        repairs.filter { $0.value.times.count > Self.patience }.map {
            Repair(object: $0.key.description, port: $0.value.port)
        }.sorted { $0.object < $1.object }
    }
}

extension Step {
    /// Whether the guard is made of it: without it, a protected packet might leave in the open.
    var isGuard: Bool {
        switch self {
        case .putGuard, .adoptGuard: true
        case .putRoute(let route): route.destination == .unreachable
        case .addRule(let rule): rule.selector == .all || rule.action == .unreachable
        default: false
        }
    }
}
