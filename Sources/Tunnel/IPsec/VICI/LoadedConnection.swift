// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A connection as list-conns tells of it (vici_query.c: list_conns): less than was loaded. Proposals, ports, interface
/// ids, marks, certificates but for their subjects, and start_action are not told.
public struct LoadedConnection: Hashable, Sendable {
    /// An end.
    public struct Party: Hashable, Sendable {
        /// Its identity; nil where it has none.
        public var identity: String?
        /// `pre-shared key`, `public key` or another of charon's names; nil: any.
        public var proof: String?
        /// The subjects of the certificates.
        public var certificates: [String]
        /// The subjects of the authorities.
        public var authorities: [String]
    }

    /// A child.
    public struct Child: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// `TUNNEL` or another of charon's names.
        public var mode: String
        /// When its keys are renewed, in seconds; 0: never.
        public var rekeySeconds: Int64?
        /// `none`, `trap` or `start`, also where `clear` or `restart` was loaded.
        public var deadPeerAction: String?
        /// `none`, `trap` or `start`.
        public var closeAction: String?
        /// What of this end goes across; what lies in another of them is left out by charon.
        public var localSelectors: [String]
        /// What of the other end goes across; what lies in another of them is left out by charon.
        public var remoteSelectors: [String]
    }

    /// Its name.
    public var name: String
    /// `IKEv2`, `IKEv1` or `IKEv1/2`.
    public var version: String
    /// Where this end sends from; `%any` alone: anywhere.
    public var localAddresses: [String]
    /// Where the other end is; `%any` alone: anywhere.
    public var remoteAddresses: [String]
    /// When the IKE_SA's keys are renewed, in seconds; 0: never.
    public var rekeySeconds: Int64?
    /// When the ends prove themselves again, in seconds; 0: never.
    public var reauthenticationSeconds: Int64?
    /// How long an end may be silent before it is asked, in seconds; nil: for ever.
    public var deadPeerSeconds: Int64?
    /// `UNIQUE_REPLACE` or another of charon's names.
    public var uniqueness: String?
    /// The identity of a post-quantum key.
    public var postQuantumKey: String?
    /// Whether that key is needed.
    public var requiresPostQuantumKey: Bool
    /// This end, by rounds.
    public var local: [Party]
    /// The other end, by rounds.
    public var remote: [Party]
    /// What goes across.
    public var children: [Child]

    init(name: String, _ message: VICIMessage) {
        self.name = name
        version = message.text("version") ?? ""
        localAddresses = message.texts("local_addrs")
        remoteAddresses = message.texts("remote_addrs")
        rekeySeconds = message.number("rekey_time")
        reauthenticationSeconds = message.number("reauth_time")
        deadPeerSeconds = message.number("dpd_delay")
        uniqueness = message.text("unique")
        postQuantumKey = message.text("ppk_id")
        requiresPostQuantumKey = message.flag("ppk_required")
        local = Self.parties("local-", message)
        remote = Self.parties("remote-", message)
        children = message.section("children").sections.map { name, section in
            Child(
                name: name,
                mode: section.text("mode") ?? "",
                rekeySeconds: section.number("rekey_time"),
                deadPeerAction: section.text("dpd_action"),
                closeAction: section.text("close_action"),
                localSelectors: section.texts("local-ts"),
                remoteSelectors: section.texts("remote-ts")
            )
        }
    }

    private static func parties(_ prefix: String, _ message: VICIMessage) -> [Party] {
        message.sections.filter { $0.name.hasPrefix(prefix) }.map { _, section in
            Party(
                identity: section.text("id"),
                proof: section.text("class"),
                certificates: section.texts("certs"),
                authorities: section.texts("cacerts")
            )
        }
    }
}

extension IPsecConnection {
    /// The keys, as load-conn names them, in which what charon has differs from this. Empty: nothing that charon tells of
    /// does; what it does not tell is for ``digest`` to find.
    public func differences(from loaded: LoadedConnection) -> [String] {
        var keys: [String] = []
        func compare(_ key: String, _ isSame: Bool) {
            if !isSame { keys.append(key) }
        }
        compare("version", loaded.version == "IKEv2")
        compare("local_addrs", Self.isSame(localAddresses, loaded.localAddresses))
        compare("remote_addrs", Self.isSame(remoteAddresses, loaded.remoteAddresses))
        compare("dpd_delay", deadPeerDelay.wholeSeconds == loaded.deadPeerSeconds ?? 0)
        compare("unique", loaded.uniqueness == nil || loaded.uniqueness == uniqueness.told)
        compare("rekey_time", Self.isSame(rekeyTime, loaded.rekeySeconds))
        compare("reauth_time", Self.isSame(reauthenticationTime, loaded.reauthenticationSeconds))
        compare("ppk_id", postQuantumKey?.identity == loaded.postQuantumKey)
        compare("ppk_required", postQuantumKey?.isRequired ?? false == loaded.requiresPostQuantumKey)
        compare("local", loaded.local.count == 1 && loaded.local.allSatisfy(local.agrees))
        compare("remote", loaded.remote.count == 1 && loaded.remote.allSatisfy(remote.agrees))
        let known = Dictionary(loaded.children.map { ($0.name, $0) }) { first, _ in first }
        compare("children", Set(children.map(\.name)) == Set(known.keys))
        for child in children {
            guard let other = known[child.name] else { continue }
            keys += child.differences(from: other).map { "children.\(child.name).\($0)" }
        }
        return keys
    }

    private static func isSame(_ addresses: [IPAddress], _ told: [String]) -> Bool {
        addresses.isEmpty ? told == ["%any"] || told.isEmpty : addresses.map(\.description) == told
    }

    /// Without a time of ours, charon's own default is no difference.
    fileprivate static func isSame(_ time: Duration?, _ told: Int64?) -> Bool {
        time == nil || told == nil || time?.wholeSeconds == told
    }
}

extension IPsecConnection.Uniqueness {
    /// Its name in charon's own words.
    fileprivate var told: String {
        switch self {
        case .replace: "UNIQUE_REPLACE"
        case .duplicates: "UNIQUE_NO"
        case .never: "UNIQUE_NEVER"
        }
    }
}

extension IPsecConnection.Party {
    fileprivate func agrees(with told: LoadedConnection.Party) -> Bool {
        if let identity, Self.plain(identity) != told.identity.map(Self.plain) { return false }
        switch proof {
        case .presharedKey: return told.proof == "pre-shared key"
        case .certificate(let certificates, let authorities):
            return told.proof == "public key" && told.certificates.count == certificates.count
                && told.authorities.count == authorities.count
        }
    }
}

extension IPsecConnection.Party {
    /// Without what charon writes in its own way: `@` before a name, blanks between the parts of a distinguished name, an
    /// address in other letters. What else may be written in several ways (`fqdn:`, `0x…`) has to be written in charon's.
    private static func plain(_ identity: String) -> String {
        if let address = IPAddress(identity) { return address.description }
        if identity.hasPrefix("@"), !identity.hasPrefix("@#") { return String(identity.dropFirst()) }
        return identity.contains("=") ? identity.split(separator: ",").map(trimmed).joined(separator: ",") : identity
    }

    private static func trimmed(_ part: Substring) -> Substring { part.drop { $0 == " " } }
}

extension IPsecConnection.Child {
    fileprivate func differences(from told: LoadedConnection.Child) -> [String] {
        var keys: [String] = []
        if told.mode != "TUNNEL" { keys.append("mode") }
        if !IPsecConnection.isSame(rekeyTime, told.rekeySeconds) { keys.append("rekey_time") }
        if told.deadPeerAction ?? "none" != deadPeerAction.rawValue { keys.append("dpd_action") }
        if told.closeAction ?? "none" != closeAction.rawValue { keys.append("close_action") }
        if !Self.isSame(localSelectors, told.localSelectors) { keys.append("local_ts") }
        if !Self.isSame(remoteSelectors, told.remoteSelectors) { keys.append("remote_ts") }
        return keys
    }

    private static func isSame(_ selectors: [IPPrefix], _ told: [String]) -> Bool {
        guard !selectors.isEmpty else { return told == ["dynamic"] }
        let parsed = told.compactMap { IPPrefix($0) }
        return parsed.count == told.count && outermost(parsed) == outermost(selectors)
    }

    private static func outermost(_ selectors: [IPPrefix]) -> Set<IPPrefix> {
        Set(selectors.filter { one in !selectors.contains { $0 != one && $0.contains(one) } })
    }
}
