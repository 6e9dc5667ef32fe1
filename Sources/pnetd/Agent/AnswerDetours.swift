// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// The paths whose probes are answered by another path: the other side has the tunnels that it needs, and answers by the one
/// that it likes.
struct AnswerDetours {
    /// Where a path's answers come in.
    struct Detour: Equatable {
        /// The path that brings them.
        var by: PathName
        /// Since when they come by it.
        var since: Instant
        /// When the last one came.
        var last: Instant
    }

    /// How many answers came in by another path than their probe's, by the two.
    private(set) var counts: [PathName: [PathName: UInt64]] = [:]
    private(set) var open: [PathName: Detour] = [:]

    /// So many intervals without such an answer end a detour.
    private static let intervals = 4
    /// And no less than this: what looks at it does so once a second.
    private static let shortest = Duration.seconds(2)

    /// How long such an answer says something of the answers that come next.
    ///
    /// - Parameter interval: between the probes of a path that is not answered.
    static func freshness(askedEvery interval: Duration) -> Duration { max(shortest, interval * intervals) }

    /// The answer to a path's probe came in by another path.
    mutating func came(to path: PathName, by other: PathName, at now: Instant) {
        counts[path, default: [:]][other, default: 0] += 1
        guard let known = open[path], known.by == other else {
            open[path] = Detour(by: other, since: now, last: now)
            return
        }
        open[path]?.last = now
    }

    /// Ends what was not seen for too long.
    ///
    /// - Parameter freshness: of a path; nil for one that is no more.
    mutating func forgetOld(now: Instant, _ freshness: (PathName) -> Duration?) {
        open = open.filter { path, detour in
            guard let freshness = freshness(path) else { return false }
            return now - detour.last <= freshness
        }
    }

    /// Forgets paths that the file has no more.
    mutating func keep(_ paths: [PathName]) {
        counts = counts.filter { paths.contains($0.key) }
        open = open.filter { paths.contains($0.key) && paths.contains($0.value.by) }
    }
}
