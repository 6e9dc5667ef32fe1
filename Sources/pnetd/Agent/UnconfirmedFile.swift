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
    /// What was in force before.
    let before: String

    private static func path(in directory: String) -> String { "\(directory)/unconfirmed.json" }

    func save(in directory: String) throws {
        try Files.replace(Self.path(in: directory), with: Array(try JSONEncoder().encode(self)))
    }

    static func remove(from directory: String) throws(SystemError) { try Files.remove(path(in: directory)) }

    /// The earlier file, where the given one is still on trial.
    static func before(_ text: [UInt8], in directory: String) -> [UInt8]? {
        guard let octets = try? Files.read(path(in: directory), limit: 8 << 20),
            let file = try? JSONDecoder().decode(Self.self, from: Data(octets)), Array(file.trial.utf8) == text
        else { return nil }
        return Array(file.before.utf8)
    }
}
