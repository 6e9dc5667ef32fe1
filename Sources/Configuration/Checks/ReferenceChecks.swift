// SPDX-License-Identifier: Apache-2.0
// What no section can know of itself: each check compares what was declared, and blames the later of two.

import NetworkTypes

extension Reading {
    /// Compares what the sections declared. To be called once, after all were read.
    func checkReferences() {
        checkPathReferences()
        checkPaths()
        checkMTUs()
        checkPeers()
        checkPrefixes()
        checkTranslation()
        checkSources()
        checkPriorities()
        checkEndpoints()
        checkPlacement()
        checkZonePrefixes()
        checkPaces()
        checkZones()
        checkViewZones()
        checkNameSets()
        checkZonePresets()
        checkListeners()
        // A warning beside errors is noise: the errors may be its cause.
        guard !diagnostics.contains(where: { $0.severity == .error }) else { return }
        warnOfUnusedPaths()
        warnOfUncarriedPrefixes()
        warnOfUnroutedPrefixes()
        warnOfUnaskableTargets()
        warnOfDifferentSources()
        warnOfUncarriedFarEnds()
        warnOfManyReverseZones()
    }

    /// Reports every value that was seen before; `same` makes the key that must be unique.
    private func refuseRepeated<Value, Key: Hashable>(
        _ sightings: [Sighting<Value>],
        by same: (Sighting<Value>) -> Key,
        _ message: (_ earlier: Sighting<Value>, _ later: Sighting<Value>) -> String
    ) {
        var seen: [Key: Sighting<Value>] = [:]
        for later in sightings.sorted(by: { $0.mark < $1.mark }) {
            if let earlier = seen[same(later)] {
                error(later.mark, message(earlier, later), hint: "the first is on line \(earlier.mark.line)")
            } else {
                seen[same(later)] = later
            }
        }
    }

    private func checkPathReferences() {
        refuseRepeated(declared.references, by: { [$0.owner, $0.value] }) {
            "path '\($1.value)' is listed twice in network '\($0.owner)'"
        }
        guard declared.pathsAreKnown else { return }
        let known = declared.paths.map(\.value)
        for reference in declared.references where !known.contains(reference.value) {
            let hint =
                Spelling.nearest(to: reference.value, in: known).map { "did you mean '\($0)'?" }
                ?? "declared: \(known.joined(separator: ", "))"
            error(reference.mark, "unknown path '\(reference.value)'", hint: hint)
        }
    }

    private func checkPaths() {
        refuseRepeated(declared.interfaces, by: \.value) {
            "interface '\($1.value)' belongs to path '\($0.owner)' already"
        }
        refuseRepeated(declared.addresses, by: \.value.address) {
            "address \($1.value.address) belongs to path '\($0.owner)' already"
        }
        refuseRepeated(declared.listenPorts, by: \.value) {
            "listen-port \($1.value) belongs to path '\($0.owner)' already"
        }
    }

    /// A route's MTU holds above its interface's.
    private func checkMTUs() {
        for network in declared.networkMTUs {
            let paths = declared.references.filter { $0.owner == network.owner }.map(\.value)
            for path in declared.pathMTUs where paths.contains(path.owner) && path.value < network.value {
                let message = "mtu \(network.value) is more than the \(path.value) of path '\(path.owner)'"
                error(network.mark, message, hint: "a network's mtu is for one that takes less than its paths")
            }
        }
    }

    private func checkPeers() {
        refuseRepeated(declared.publicKeys, by: { [$0.owner, $0.value.description] }) { earlier, _ in
            "this public key is already that of another peer of path '\(earlier.owner)'"
        }
        // WireGuard leaves such a peer out without a word.
        for peer in declared.publicKeys
        where declared.ownKeys.contains(where: { $0.owner == peer.owner && $0.value == peer.value }) {
            error(peer.mark, "this public key is path '\(peer.owner)''s own", hint: "the other end's belongs here")
        }
        refuseRepeated(declared.automaticPeers, by: \.owner) { earlier, _ in
            "a second peer of path '\(earlier.owner)' with allowed-ips auto"
        }
        refuseRepeated(declared.allowedIPs, by: { [$0.owner, $0.value.description] }) {
            "\($1.value) is already in the allowed-ips of path '\($0.owner)'"
        }
        for listed in declared.allowedIPs {
            guard declared.automaticPeers.contains(where: { $0.owner == listed.owner }),
                let network = declared.references.first(where: { reference in
                    reference.value == listed.owner
                        && declared.prefixes.contains { $0.owner == reference.owner && $0.value == listed.value }
                })
            else { continue }
            let message =
                "\(listed.value) of network '\(network.owner)' is already that of the peer with allowed-ips auto"
            error(listed.mark, message)
        }
    }

    private func checkPrefixes() {
        refuseRepeated(declared.prefixes, by: \.value) {
            $0.owner == $1.owner
                ? "prefix \($1.value) is listed twice in network '\($0.owner)'"
                : "prefix \($1.value) belongs to network '\($0.owner)' already"
        }
    }

    private func checkTranslation() {
        refuseRepeated(declared.natSources, by: { [$0.owner, $0.value.description] }) {
            "\($1.value) is listed twice in the nat of path '\($0.owner)'"
        }
        for source in declared.natSources {
            if let inside = declared.prefixes.first(where: { $0.value.contains(source.value) }) {
                let message = "nat source \(source.value) lies in \(inside.value) of network '\(inside.owner)'"
                error(source.mark, message, hint: "the guard drops what comes from there by anything but its paths")
            }
            let own = declared.addresses.filter { $0.owner == source.owner }
            guard !declared.pathsWithUnknownAddresses.contains(source.owner), !own.isEmpty,
                !own.contains(where: { $0.value.address.family == source.value.family })
            else { continue }
            let family = source.value.family == .ipv4 ? "IPv4" : "IPv6"
            let message = "nat source \(source.value) has no address to leave with"
            error(source.mark, message, hint: "give path '\(source.owner)' an \(family) address")
        }
    }

    /// Whoever is asked in excess of it would never get its turn.
    private func checkPaces() {
        let rate = declared.paces.reduce(0.0) { sum, pace in
            let paths = declared.references.filter { $0.owner == pace.owner }.map(\.value)
            // Through a metered path a tenth as often.
            let share = paths.reduce(0.0) { $0 + (declared.meteredPaths.contains($1) ? 0.1 : 1) }
            return sum + share / pace.value.inSeconds
        }
        guard rate > Double(TLSTarget.mostASecond), let last = declared.paces.max(by: { $0.mark < $1.mark }) else {
            return
        }
        let tenths = Int((rate * 10).rounded(.up))
        let message =
            "tls and https targets are asked \(tenths / 10).\(tenths % 10) times a second in all, through all paths; "
            + "\(TLSTarget.mostASecond) is the most"
        error(last.mark, message, hint: "raise 'every', or list fewer of them")
    }

    private func checkZones() {
        refuseRepeated(declared.zones, by: \.value) {
            $0.owner == $1.owner
                ? "zone '\($1.value.withoutRootDot)' is listed twice in network '\($0.owner)'"
                : "zone '\($1.value.withoutRootDot)' belongs to network '\($0.owner)' already"
        }
    }

    private func checkViewZones() {
        refuseRepeated(declared.viewZones, by: { "\($0.owner) \($0.value)" }) {
            "zone '\($1.value.withoutRootDot)' is listed twice in view '\($0.owner)'"
        }
    }

    private func checkNameSets() {
        refuseRepeated(declared.nameSets, by: \.value) { "name set '\($1.value)' is there twice" }
        refuseRepeated(declared.nameSetDomains, by: { "\($0.owner) \($0.value)" }) {
            "domain '\($1.value.withoutRootDot)' is listed twice in \($0.owner)"
        }
    }

    private func checkZonePresets() {
        refuseRepeated(declared.zonePresets, by: \.value) {
            $0.owner == $1.owner
                ? "preset \($1.value) is there twice in network '\($0.owner)'"
                : "preset \($1.value) belongs to network '\($0.owner)' already"
        }
    }

    private func checkListeners() {
        refuseRepeated(declared.listens, by: \.value) { "\($1.value) is already listened on by \($0.owner)" }
        for upstream in declared.upstreams where declared.listens.contains(where: { $0.value == upstream.value }) {
            error(upstream.mark, "\(upstream.value) is the resolver itself", hint: "it would ask itself")
        }
        refuseRepeated(declared.upstreams, by: \.value) { _, later in "\(later.value) is there twice in upstreams" }
        guard declared.upstreams.isEmpty else { return }
        for zone in declared.publicAfter {
            let message = "\(zone.value): the resolver has no upstreams, so nobody knows what the public says"
            error(zone.mark, message, hint: "upstreams: [{address: ADDRESS}]")
        }
    }
}
