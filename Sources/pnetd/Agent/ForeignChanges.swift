// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import Tunnel

/// What others changed of ours, for people to read.
struct ForeignChanges {
    /// The last ones that were put right.
    private(set) var recent: [StatusReport.ForeignChange] = []
    /// What is changed again and again, with who it may be and how it is told to stop.
    private(set) var disputes: [String] = []

    private static let limit = 20
    private var parties: [Repair] = []
    /// Names by netlink port: whoever changed something is often gone a moment later.
    private var names: [UInt32: String] = [:]

    /// Looks up who has these netlink ports now.
    mutating func name(_ ports: Set<UInt32>) {
        for port in ports where names[port] == nil { names[port] = Opponent.name(ofPort: port) }
    }

    /// Takes note of something outside of the kernel that was put right.
    mutating func note(_ change: StatusReport.ForeignChange) {
        recent.append(change)
        recent.removeFirst(max(0, recent.count - Self.limit))
    }

    /// Takes what a pass put right; returns what is new, in words.
    mutating func take(_ result: ReconcileResult, at time: String) -> [String] {
        var news: [String] = []
        name(Set((result.repairs + result.disputes).map(\.port)))
        for repair in result.repairs {
            let who = names[repair.port] ?? ""
            recent.append(StatusReport.ForeignChange(time: time, object: repair.object, by: who))
        }
        news += result.repairs.prefix(Self.limit).map { "put right: \($0.object), changed by \(names[$0.port] ?? "")" }
        if result.repairs.count > Self.limit { news.append("put right: \(result.repairs.count - Self.limit) more") }
        recent.removeFirst(max(0, recent.count - Self.limit))
        if result.disputes != parties {
            let suspects = result.disputes.isEmpty ? [] : Opponent.suspects()
            let hint = suspects.isEmpty ? "" : "; it may be \(suspects.joined(separator: " or "))"
            disputes = result.disputes.prefix(Self.limit).map { dispute in
                let who = names[dispute.port] ?? ""
                return "\(dispute.object) is changed again and again, last by \(who)\(hint)"
            }
            let rest = result.disputes.count - disputes.count
            if rest > 0 { disputes.append("\(rest) things more are changed again and again") }
            news += disputes
            parties = result.disputes
        }
        // A number may be another process's tomorrow.
        names = names.filter { entry in parties.contains { $0.port == entry.key } }
        return news
    }
}
