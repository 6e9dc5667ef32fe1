// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

/// An answer of earlier, taken out of the cache because no server gives a new one.
struct LastAnswer {
    /// Its records, uncompressed; those of the authority section are not among them.
    var records: [UInt8]
    var answers: UInt16
    /// When a server gave it.
    let learned: Instant
    /// Whether it ends in an alias to a name that is not its scope's to answer.
    let leaves: Bool

    /// The addresses that it leads to, each once.
    var addresses: [IPAddress] {
        var addresses: [IPAddress] = []
        for record in views {
            for address in record.addresses(in: records.span) where !addresses.contains(address) {
                addresses.append(address)
            }
        }
        return addresses
    }

    /// Leaves out the records that lead anywhere but to some addresses, and then the signatures as well: a set of which
    /// something is missing is not what was signed.
    /// - Returns: whether there is an address left.
    mutating func keep(_ proven: [IPAddress]) -> Bool {
        let all = views
        let good = all.filter { $0.addresses(in: records.span).allSatisfy(proven.contains) }
        let isWhole = good.count == all.count
        var kept: [UInt8] = []
        answers = 0
        for record in good where isWhole || record.type != .rrsig {
            record.appendExpanded(records.span, ttl: record.ttl, to: &kept)
            answers += 1
        }
        records = kept
        return !addresses.isEmpty
    }

    /// The same with no TTL above a longest one.
    func limited(to longest: UInt32) -> LastAnswer {
        var limited = self
        for record in views where record.ttl > longest {
            var room = limited.records.mutableSpan
            room.put(longest, at: record.ttlOffset)
        }
        return limited
    }

    private var views: [RecordView] {
        var views: [RecordView] = []
        var offset = 0
        while offset < records.count, let record = try? RecordView(records.span, at: offset) {
            views.append(record)
            offset = record.end
        }
        return views
    }
}

/// What is asked of the hosts themselves before an answer of earlier is given again: whether they take a connection, now,
/// through the path that a client's own would take.
struct Proof {
    var answer: LastAnswer
    /// Which host each attempt is for.
    var pending: [AttemptID: IPAddress]
    var proven: [IPAddress] = []
    let deadline: Instant

    /// How long a host has.
    static let patience = Duration.milliseconds(500)
    /// How many hosts of one answer are asked.
    static let hostLimit = 8
}
