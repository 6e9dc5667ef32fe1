// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SystemIO
import Tunnel

/// The guard as it was last applied, in the state directory: what `pnetd guard` goes by at boot.
struct GuardFile {
    private let path: String

    init(in directory: String) {
        path = "\(directory)/guard.json"
    }

    /// Reads the copy; nil where there is none. Throws where it cannot be read or holds what pnetd never writes.
    func load() throws -> GuardCopy? {
        do {
            let copy = try JSONDecoder().decode(GuardCopy.self, from: Data(try Files.read(path, limit: 64 << 20)))
            guard copy.isPlausible else { throw BrokenFile(path: path, cause: "it holds what pnetd never writes") }
            return copy
        } catch let error as SystemError where error.isNotFound {
            return nil
        } catch is DecodingError {
            throw BrokenFile(path: path, cause: "it is no copy of a guard")
        }
    }

    func save(_ copy: GuardCopy) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try Files.replace(path, with: Array(try encoder.encode(copy)))
    }

    func remove() throws(SystemError) {
        try Files.remove(path)
    }

    /// A copy that is no copy.
    struct BrokenFile: Error, CustomStringConvertible {
        let path: String
        let cause: String

        var description: String { "\(path) is broken: \(cause)" }
    }
}
