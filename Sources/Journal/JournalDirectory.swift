// SPDX-License-Identifier: Apache-2.0

public import SystemIO

/// The segments of a journal as files of one directory, numbered in the order in which they were begun.
public struct JournalDirectory: Sendable {
    /// The longest segment that is read, in octets. A writer ends one long before.
    static let readLimit = 256 << 20

    /// One segment.
    public struct Segment: Hashable, Sendable {
        /// Its number.
        public let number: UInt64
        /// Its file.
        public let file: String

        /// A segment outside of its directory, with a number of no meaning.
        public init(file: String) {
            self.init(number: 0, file: file)
        }

        init(number: UInt64, file: String) {
            self.number = number
            self.file = file
        }
    }

    /// Where it is.
    public let path: String

    /// Names a directory.
    public init(_ path: String) {
        self.path = path
    }

    /// The journal of the pnetd with this state directory.
    public init(inStateDirectory directory: String) {
        self.init("\(directory)/journal")
    }

    /// What is there, the oldest first; files by other names are none of ours.
    public func segments() throws(SystemError) -> [Segment] {
        try Files.names(in: path).compactMap { name in
            let digits = name.prefix { $0 != "." }
            guard let number = UInt64(digits), name == Self.name(number) else { return nil }
            return Segment(number: number, file: "\(path)/\(name)")
        }.sorted { $0.number < $1.number }
    }

    /// The segment of a number, be it there or not.
    public func segment(_ number: UInt64) -> Segment {
        Segment(number: number, file: "\(path)/\(Self.name(number))")
    }

    private static func name(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".journal"
    }
}
