// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import Configuration

struct ZonePresetTests {
    private let zone = "- name: privatelink.azure-devices.net\n        forward: [10.20.0.53]"

    private func zones(_ preset: String) throws -> [ZoneConfiguration] {
        let file = try TemporaryFile(Example.replacing([(zone, preset)]))
        let site = try Configuration.load(path: file.path).configuration
        try file.remove()
        return site.networks[0].zones
    }

    @Test(arguments: ZonePreset.allCases)
    func everyLineIsAZoneAndThereOnce(preset: ZonePreset) {
        let zones = preset.zones(in: ["westeurope", "eu-central-1"])
        #expect(!zones.isEmpty)
        #expect(Set(zones).count == zones.count)
        #expect(zones.allSatisfy { !$0.description.contains("{") && $0.labels.count >= 2 })
    }

    @Test func hasTheZonesThatAzureDocuments() throws {
        let names = try zones("- preset: azure-private-link\n        forward: [10.20.0.53]").map(\.name.withoutRootDot)
        #expect(names.count == 86)
        for name in [
            "privatelink.azure-devices.net", "privatelink.servicebus.windows.net", "privatelink.vaultcore.azure.net",
            "privatelink.blob.core.windows.net", "privatelink-global.wvd.microsoft.com",
        ] {
            #expect(names.contains(name))
        }
        #expect(!names.contains { $0.hasSuffix("kusto.windows.net") })
    }

    @Test func forwardsAllOfThemToTheSameServers() throws {
        let zones = try zones("- {preset: aws, forward: [10.20.0.53], regions: [eu-central-1, eu-west-1]}")
        #expect(
            zones.map(\.name.withoutRootDot) == [
                "eu-central-1.amazonaws.com", "eu-west-1.amazonaws.com", "eu-central-1.compute.internal",
                "eu-west-1.compute.internal",
            ]
        )
        #expect(try zones.allSatisfy { try $0.source == .forward([#require(SocketEndpoint("10.20.0.53:53"))]) })
    }

    @Test func leavesAZoneToTheFile() throws {
        let zones = try zones(
            "- {preset: gcp, forward: [10.20.0.53]}\n      - {name: gcr.io, records: [\"@ A 10.20.0.9\"]}"
        )
        #expect(zones.map(\.name.withoutRootDot) == ["googleapis.com", "pkg.dev", "run.app", "gcr.io"])
        #expect(zones.last?.source == .records(["@ A 10.20.0.9"]))
    }

    @Test(arguments: [
        (
            "{preset: azure, forward: [10.20.0.53]}",
            "18: error: preset must be azure-private-link or aws or gcp, not 'azure'"
        ),
        (
            "{preset: aws, forward: [10.20.0.53]}",
            "9: error: preset aws has no zones without a region (regions: [REGION])"
        ),
        ("{preset: gcp, forward: [10.20.0.53], regions: [a]}", "55: error: preset gcp has no regions (remove it)"),
        ("{preset: gcp}", "9: error: a zone preset of network 'azure' has no 'forward'"),
        (
            "{preset: aws, forward: [10.20.0.53], regions: [\"a.b\"]}",
            "56: error: regions: 'a.b' is no region (as in westeurope or eu-central-1)"
        ),
        (
            "{preset: gcp, forward: [192.0.2.53]}",
            "33: error: server 192.0.2.53 lies in no prefix of network 'azure' (its packets would not take the network's paths)"
        ),
    ])
    func refuses(preset: String, error: String) throws {
        try Example.expect((zone, "- \(preset)"), give: ["38:\(error)"])
    }

    @Test func samePresetInTwoNetworks() throws {
        try Example.expect(
            (zone, "- {preset: gcp, forward: [10.20.0.53]}"),
            (
                "- name: plant.internal\n        records: [\"historian A 10.30.0.10\"]",
                "- {preset: gcp, forward: [10.30.0.53]}"
            ),
            give: ["46:18: error: preset gcp belongs to network 'azure' already (the first is on line 38)"]
        )
    }
}
