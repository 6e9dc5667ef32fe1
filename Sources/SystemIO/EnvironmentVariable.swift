// SPDX-License-Identifier: Apache-2.0

import CLinux

/// The variables of this process's environment.
public enum EnvironmentVariable {
    /// A variable's text; nil where it is not set.
    public static func text(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
