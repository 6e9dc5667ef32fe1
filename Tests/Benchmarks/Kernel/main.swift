// SPDX-License-Identifier: Apache-2.0
// What the kernel costs: bringing ten thousand prefixes in beside `ip -batch`, a thousand WireGuard peers beside
// `wg syncconf`, and moving a network of 1, 100 and 10,000 prefixes from one path to another.

import CLinux
import NetworkTypes
import SystemIO

/// A network namespace and a /var/run of this process's own: everything goes with it.
func leaveTheHost() throws {
    guard unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 else { throw SystemError.last("unshare") }
    try Shell.run("mount --make-rprivate / && mkdir -p /var/run/wireguard && mount -t tmpfs none /var/run/wireguard")
    try Shell.run("ip link set lo up")
    for (index, net) in ["192.0.2", "203.0.113"].enumerated() {
        try Shell.run("ip link add eth\(index) type veth peer name far\(index)")
        try Shell.run("ip link set eth\(index) up && ip link set far\(index) up")
        try Shell.run("ip address add \(net).2/24 dev eth\(index)")
    }
}

/// Octets of memory that this process has.
func residentOctets() throws -> Int {
    let text = String(decoding: try Files.read("/proc/self/statm"), as: UTF8.self)
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
}

/// What pnetd remembers of a large kernel.
func weigh(_ site: BenchSite) throws {
    try site.settle(try site.wish(BenchSite.prefixes(1, .ipv4), on: 1))
    let small = try residentOctets()
    try site.settle(
        try site.wish(
            BenchSite.prefixes(10_000, .ipv4),
            on: 1,
            peers: Peers.thousand(from: BenchSite.prefixes(10_000, .ipv4))
        )
    )
    let large = try residentOctets()
    result(
        "memory-10000-prefixes-1000-peers",
        [("before-kib", "\(small / 1024)"), ("after-kib", "\(large / 1024)")]
    )
}

do {
    try leaveTheHost()
    let folder = "/tmp/pnetd-bench-\(getpid())"
    try Files.makeDirectory(folder)
    defer { try? Shell.run("rm -rf \(folder)") }
    let site = try BenchSite(folder: folder)
    defer { site.tearDown() }
    // `peers` alone is for the guest, whose kernel has WireGuard.
    if !CommandLine.arguments.contains("peers") {
        // First: memory that was needed once is not given back.
        try weigh(site)
        try Routes(site).measure()
    }
    try Peers(site).measure()
} catch {
    StandardStream.error.write("\(error)\n")
    exit(1)
}
