// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import PrivateDNS

/// The names that an audit asks for, and as whom: those that were given to it first, then in turns some of each zone, of
/// the servers that are asked over TLS whether the networks are reached, and of what the resolver keeps.
struct NameAuditPlan {
    struct Question: Hashable {
        let name: DomainName
        /// The view that whoever asks sees; nil for clients that have none.
        var view: String?
    }

    /// How many questions an audit has time for.
    static let limit = 500

    let questions: [Question]
    /// How many more there would be.
    let more: Int

    init(_ site: SiteConfiguration, given: [DomainName], kept: [DomainName]) {
        let zones = site.networks.flatMap(\.zones)
        let targets = Set(site.tlsTargets.values.map(\.name)).sorted { $0.description < $1.description }
        let common = [targets] + zones.map(\.hosts.names) + [kept]
        var sources = common.map { names in names.map { Question(name: $0) } }
        for view in site.views {
            let apexes = Set(view.zones.map(\.zone.name))
            // What the view's zones have, and what they may hide.
            let own = view.zones.map(\.zone.hosts.names)
            let hidden = (common + [given]).map { names in names.filter { $0.closest(in: apexes) != nil } }
            sources += (own + hidden).map { names in names.map { Question(name: $0, view: view.name) } }
        }
        var seen: Set<Question> = []
        var all = given.map { Question(name: $0) }.filter { seen.insert($0).inserted }
        for turn in 0..<(sources.map(\.count).max() ?? 0) {
            for source in sources where turn < source.count && seen.insert(source[turn]).inserted {
                all.append(source[turn])
            }
        }
        let unnamed = (zones + site.views.flatMap { $0.zones.map(\.zone) }).map {
            $0.hosts.count - $0.hosts.names.count
        }
        questions = Array(all.prefix(Self.limit))
        more = all.count - questions.count + unnamed.reduce(0, +)
    }
}
