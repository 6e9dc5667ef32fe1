// SPDX-License-Identifier: Apache-2.0

extension Character {
    /// Whether a line of a text file ends here. What Windows ends lines with, CR and LF, is one character to Swift.
    public var isLineEnd: Bool { self == "\n" || self == "\r\n" }
}
