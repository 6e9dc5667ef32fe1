// SPDX-License-Identifier: Apache-2.0

/// What a client has shown of itself by its cookie (RFC 7873 section 5.2).
enum CookieStanding {
    /// It says nothing of cookies.
    case silent
    /// It has none of ours yet.
    case beginning
    /// It shows one that is not ours, or no longer good.
    case wrong
    /// It gets what is sent to its address.
    case proven
}
