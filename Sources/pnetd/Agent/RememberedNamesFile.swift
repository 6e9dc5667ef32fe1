// SPDX-License-Identifier: Apache-2.0

import ProcessLink
import SystemIO

/// What a resolver remembered of private names, in the state directory. The agent does not read what it says.
struct RememberedNamesFile {
    private let path: String

    init(in directory: String) {
        path = "\(directory)/remembered-names"
    }

    /// Reads it; nil where there is none. Throws where it cannot be read or is longer than any that is written.
    func load() throws(SystemError) -> RememberedNames? {
        do {
            return RememberedNames(try Files.read(path, limit: RememberedNames.limit))
        } catch  where error.isNotFound {
            return nil
        }
    }

    func save(_ copy: RememberedNames) throws(SystemError) {
        try Files.replace(path, with: copy.octets)
    }
}
