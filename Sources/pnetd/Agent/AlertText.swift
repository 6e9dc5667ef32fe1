// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import FoundationEssentials
import NetworkTypes

/// What a receiver of alerts gets: the change of a network's state.
struct AlertText: Codable, Equatable {
    enum Status: String, Codable {
        /// The network is not as the file wants it.
        case firing
        /// It is again.
        case resolved
    }

    /// Tells alerts apart; all receivers get the same.
    var id: String
    var status: Status
    var site: SiteName
    var network: NetworkName
    var from: StatusReport.NetworkState
    var to: StatusReport.NetworkState
    /// The active path; null where there is none.
    @ExplicitNull var path: PathName?
    var reasons: [String]
    /// Since when the new state holds; RFC 3339 in UTC.
    var since: String

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
