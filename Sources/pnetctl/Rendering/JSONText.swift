// SPDX-License-Identifier: Apache-2.0

import ControlAPI

/// What `--json` prints.
enum JSONText {
    /// One object on one line, as pnetd itself writes it.
    static func line(_ value: some Encodable) throws(ControlFailure) -> String {
        do {
            return String(decoding: try ControlLine.encode(value), as: UTF8.self)
        } catch {
            throw .broken(error.description)
        }
    }
}
