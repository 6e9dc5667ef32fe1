// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// The answer to `audit`: whether the site's names lead where they should.
public struct NameAudit: Hashable, Sendable, Codable {
    /// Something that is wrong, or may be meant.
    public struct Finding: Hashable, Sendable, Codable {
        /// What it is.
        public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
            /// A name of a private-link zone that no zone of the file holds: its public address is answered.
            case leak
            /// The zone's servers know no such name, and the public does.
            case shadowed
            /// The zone's servers lead out of its prefixes.
            case wrongPrefix = "wrong-prefix"
            /// An address that is answered would leave by no path.
            case missingRoute = "missing-route"
            /// The public is asked for a private name, as the file allows.
            case publicFallback = "public-fallback"
            /// There is no answer.
            case noAnswer = "no-answer"
            /// A view's zone stands in place of one that has the name, and does not have it.
            case hiddenByView = "hidden-by-view"
        }

        /// What it is.
        public var kind: Kind
        /// The name that was asked for.
        public var name: DomainName
        /// The view of the clients who get that answer; left out for those who have none.
        public var view: String?
        /// What was found.
        public var text: String
        /// What may help.
        public var remedy: String

        /// Describes a finding.
        public init(_ kind: Kind, _ name: DomainName, _ text: String, remedy: String) {
            self.kind = kind
            self.name = name
            self.text = text
            self.remedy = remedy
        }
    }

    /// What was found, by name.
    public var findings: [Finding]
    /// The names that were asked for.
    public var names: [DomainName]
    /// Names that there was no time to ask for.
    public var skipped: [DomainName]
    /// How many more questions there are than one audit asks; left out where there are none.
    public var more: Int?

    /// Makes a report.
    public init(findings: [Finding], names: [DomainName], skipped: [DomainName], more: Int? = nil) {
        self.more = more
        self.findings = findings
        self.names = names
        self.skipped = skipped
    }
}
