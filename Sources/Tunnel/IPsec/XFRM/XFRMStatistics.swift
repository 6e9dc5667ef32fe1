// SPDX-License-Identifier: Apache-2.0

public import SystemIO

/// The counts of packets that IPsec did not let through, of one network namespace.
public struct XFRMStatistics: Hashable, Sendable {
    /// How many, since the namespace was made.
    public private(set) var counts: [XFRMCounter: UInt64] = [:]

    /// Understands `/proc/net/xfrm_stat`: a line each, of a name and a decimal number. Lines of other kinds are left
    /// out; names that are unknown are kept.
    public init(text: some Sequence<UInt8>) {
        for line in String(decoding: Array(text), as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count == 2, words[0].hasPrefix("Xfrm"), let count = UInt64(words[1]) else { continue }
            counts[XFRMCounter(rawValue: String(words[0]))] = count
        }
    }

    /// Reads the counts of this process's network namespace; throws ENOENT where the kernel does not count
    /// (XFRM_STATISTICS).
    public static func read(from file: String = "/proc/net/xfrm_stat") throws(SystemError) -> XFRMStatistics {
        XFRMStatistics(text: try Files.read(file))
    }

    /// How much each has grown since an earlier reading; those that have not are left out, and so is one that went back,
    /// which begins anew.
    public func growth(since earlier: XFRMStatistics) -> XFRMGrowth {
        let growth = counts.compactMap { name, now -> (XFRMCounter, UInt64)? in
            let before = earlier.counts[name] ?? 0
            return now > before ? (name, now - before) : nil
        }
        return XFRMGrowth(Dictionary(uniqueKeysWithValues: growth))
    }
}

/// What two readings of ``XFRMStatistics`` differ by.
public struct XFRMGrowth: Hashable, Sendable {
    /// How many packets more; none is 0.
    public var packets: [XFRMCounter: UInt64]

    /// Makes it of counts.
    public init(_ packets: [XFRMCounter: UInt64]) {
        self.packets = packets
    }

    /// Whether nothing was stopped.
    public var isEmpty: Bool { packets.isEmpty }

    /// The counters that grew, that with the most packets first.
    public var counters: [XFRMCounter] {
        packets.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map(\.key)
    }

    /// What happened, in words for people: a line for each of ``counters``.
    public var explanations: [String] { counters.map(explanation) }

    /// What it means that a counter grew by so much, in words for people.
    public func explanation(_ counter: XFRMCounter) -> String {
        let count = packets[counter] ?? 0
        let packets = count == 1 ? "1 packet" : "\(count) packets"
        guard let meaning = counter.meaning else { return "\(counter) grew by \(packets)" }
        return "\(meaning) (\(counter), \(packets))"
    }
}
