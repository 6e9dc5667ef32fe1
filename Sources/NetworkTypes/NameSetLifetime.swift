// SPDX-License-Identifier: Apache-2.0

/// For how long a firewall holds an address of a name in sets; resolver and agent keep to the same.
public enum NameSetLifetime {
    /// In seconds. The least spares the firewall a word for each answer of a short TTL; the most is twice a day, which is the
    /// longest that a TTL counts for.
    public static let bounds: ClosedRange<UInt32> = 120...172_800
}
