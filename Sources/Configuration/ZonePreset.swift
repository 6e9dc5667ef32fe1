// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

/// A list of zones that a cloud answers privately, as `preset` of a zone names it. The lists are data, in `Presets`.
enum ZonePreset: String, CaseIterable {
    case azurePrivateLink = "azure-private-link"
    case aws
    case gcp

    private static let region = "{region}"

    private var lines: [Substring] {
        let octets =
            switch self {
            case .azurePrivateLink: PackageResources.azure_private_link_txt
            case .aws: PackageResources.aws_txt
            case .gcp: PackageResources.gcp_txt
            }
        return String(decoding: octets, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
    }

    /// Whether there is a zone for each region.
    var hasRegions: Bool { lines.contains { $0.contains(Self.region) } }

    /// Whether there are zones without a region as well.
    var hasZonesWithoutRegion: Bool { lines.contains { !$0.contains(Self.region) } }

    /// Its zones, in the order of the list; those of regions once for each.
    func zones(in regions: [String]) -> [DomainName] {
        lines.flatMap { line -> [DomainName] in
            guard line.contains(Self.region) else { return [DomainName(String(line))].compactMap(\.self) }
            return regions.compactMap { DomainName(String(line).replacing(Self.region, with: $0)) }
        }
    }
}
