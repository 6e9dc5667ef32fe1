// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// What people want of a worker, beside its work.
enum WorkerTask: Sendable {
    /// How an answer comes about.
    case explain(UInt64, query: [UInt8], for: NameAsker, ignoringZones: Bool)
    /// To forget what is kept below a name.
    case flush(UInt64, DomainName)
    /// What is kept below a name.
    case dump(UInt64, DomainName)

    /// How many answers of one worker are told of.
    static let dumpLimit = 400
}

/// What came of a task.
public struct NameFinding: Sendable {
    /// What it may be.
    public enum Content: Sendable {
        /// An answer, empty where none could be given, and how it came about.
        case explained([UInt8], [ResolutionStep])
        /// So many answers were forgotten.
        case flushed(Int)
        /// What is kept, and whether that is not all.
        case dumped([KeptAnswer], isCut: Bool)
    }

    /// The number that the pool gave the task.
    public let task: UInt64
    /// What came of it.
    public let content: Content
}

extension NameFinding.Content {
    /// The same of two workers.
    func merged(with other: NameFinding.Content) -> NameFinding.Content {
        switch (self, other) {
        case (.flushed(let own), .flushed(let others)): .flushed(own + others)
        case (.dumped(let own, let isCut), .dumped(let others, let areCut)):
            .dumped(own + others, isCut: isCut || areCut)
        default: self
        }
    }
}

/// Addresses that the firewall is to hold before a worker's answers leave.
public struct WorkerTelling: Sendable {
    /// At least one.
    public let addresses: [LearnedAddress]
    let serial: UInt64
    let mailbox: WorkerMailbox

    /// Says that the firewall holds them, but those at these places; the answers that wait leave then.
    public func answer(except refused: Set<Int>) {
        mailbox.give { $0.words.append((serial, refused)) }
    }

    /// Says that the firewall holds none of them.
    public func refuse() { answer(except: Set(addresses.indices)) }
}
