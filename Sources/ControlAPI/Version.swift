// SPDX-License-Identifier: Apache-2.0

/// The version of pnetd and pnetctl, which are released together.
public enum Version {
    /// As people write it.
    public static let text = "0.1.0"
}
