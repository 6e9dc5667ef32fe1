// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// By what signed names are validated, and which are not.
public struct TrustAnchors: Hashable, Sendable {
    /// A domain whose names are not validated (RFC 7646).
    public struct Negative: Hashable, Sendable {
        /// The domain, with all below it.
        public var name: DomainName
        /// Until when, in seconds since 1970.
        public var until: Int64

        /// Describes a negative trust anchor.
        public init(name: DomainName, until: Int64) { (self.name, self.until) = (name, until) }
    }

    /// DS records of the root, as RDATA.
    let root: [[UInt8]]
    /// Domains whose names are not validated.
    let negative: [Negative]

    /// What a text has that is no trust anchor.
    public struct Failure: Error, Hashable {
        /// The line, from one on.
        public let line: Int
    }

    /// The root's keys of 2017 and 2024, as IANA publishes them (https://data.iana.org/root-anchors/root-anchors.xml).
    public static let iana = """
        . DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
        . DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
        """

    /// Reads anchors.
    /// - Parameter text: DS records of the root in zone file form, one a line; `;` begins a comment.
    public init(_ text: String = iana, except negative: [Negative]) throws(Failure) {
        var root: [[UInt8]] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.prefix { $0 != ";" }
            guard content.contains(where: { !$0.isWhitespace }) else { continue }
            guard let record = try? PresentationRecord(String(content), origin: .root, defaultTTL: 0),
                record.type == .ds, record.owner == .root
            else { throw Failure(line: number + 1) }
            root.append(record.data)
        }
        guard !root.isEmpty else { throw Failure(line: 1) }
        self.root = root
        self.negative = negative
    }

    /// Has the cryptographic library read its own configuration, once and while the process may still open files: it does
    /// so for the first signature that it checks.
    /// - Returns: whether it can check signatures at all.
    @discardableResult
    public static func prepare() -> Bool { SignatureCheck.checksSample() }

    /// Whether a name is validated at a time, in seconds since 1970.
    func cover(_ name: CanonicalName, at time: Int64) -> Bool {
        !negative.contains { $0.until > time && name.isWithin(CanonicalName($0.name.wire)) }
    }
}
