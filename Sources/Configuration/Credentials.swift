// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// Where the keys are that a service manager hands to a service (systemd's `LoadCredential=`, systemd.exec(5)).
public enum Credentials: Hashable, Sendable {
    /// Files of this directory; nil: this process was handed none.
    case directory(String?)
    /// With the service, which this process is not: they cannot be looked at.
    case ofTheService

    /// What this process was handed.
    public static var ofThisProcess: Credentials { .directory(EnvironmentVariable.text("CREDENTIALS_DIRECTORY")) }
}
