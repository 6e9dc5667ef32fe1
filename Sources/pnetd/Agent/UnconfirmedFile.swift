// SPDX-License-Identifier: Apache-2.0

import Configuration
import FoundationEssentials
import SystemIO

/// A file that was applied on trial, and the one before it: `unconfirmed.json` in the state directory, from the trial's
/// beginning until it is confirmed or another file is taken in. An agent that starts meanwhile goes by the earlier one,
/// for as long as the file is the one that was on trial.
struct UnconfirmedFile: Codable, Equatable {
    /// What was on trial.
    let trial: String
    /// The texts of the zone files that it names, by their names; nil in files of earlier versions.
    let trialZoneFiles: [String: String]?
    /// What was in force before.
    let before: String
    /// The same of that.
    let zoneFilesBefore: [String: String]?

    /// Two files and their zone files, each octet written as two at the most.
    private static let limit = 64 << 20

    private static func path(in directory: String) -> String { "\(directory)/unconfirmed.json" }

    init(trial: LoadedConfiguration, before: LoadedConfiguration) {
        self.trial = String(decoding: trial.text, as: UTF8.self)
        trialZoneFiles = trial.zoneFiles.texts
        self.before = String(decoding: before.text, as: UTF8.self)
        zoneFilesBefore = before.zoneFiles.texts
    }

    func save(in directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        try Files.replace(Self.path(in: directory), with: Array(try encoder.encode(self)))
    }

    static func remove(from directory: String) throws(SystemError) { try Files.remove(path(in: directory)) }

    /// What is written down, where the given file is still the one on trial. A zone file that is not whole by now is no
    /// other one: what was confirmed is better than none.
    static func ofTrial(_ loaded: LoadedConfiguration, in directory: String) -> UnconfirmedFile? {
        guard let octets = try? Files.read(path(in: directory), limit: limit),
            let file = try? JSONDecoder().decode(Self.self, from: Data(octets)),
            Array(file.trial.utf8) == loaded.text
        else { return nil }
        let isSame = file.trialZoneFiles.map { texts in
            loaded.zoneFiles.texts.allSatisfy { texts[$0.key] == $0.value }
        }
        return isSame ?? true ? file : nil
    }

    /// Reads the earlier file, with the zone files as they were.
    func readBefore(as file: String) throws(ConfigurationErrors) -> LoadedConfiguration {
        try Configuration.read(Array(before.utf8), file: file, zoneFiles: .dispensable(texts: zoneFilesBefore ?? [:]))
    }
}
