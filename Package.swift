// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let nio: [Target.Dependency] =
    ["NIOCore", "NIOPosix", "NIOHTTP1", "NIOTLS"].map { .product(name: $0, package: "swift-nio") }
    + [.product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "NIOHTTP2", package: "swift-nio-http2")]

/// A library of the house and its unit tests.
func room(
    _ name: String,
    _ dependencies: [Target.Dependency],
    tests: [Target.Dependency] = [],
    resources: [Resource]? = nil
) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict),
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.target(name: name)] + dependencies + tests,
            path: "Tests/\(name)Tests",
            swiftSettings: strict
        ),
    ]
}

let facesOfC: [Target] = [
    .target(name: "CLinux", cSettings: strictC),
    .systemLibrary(name: "CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
    .systemLibrary(name: "CNl", pkgConfig: "libnl-route-3.0", providers: [.apt(["libnl-route-3-dev"])]),
    .systemLibrary(name: "CLdns", pkgConfig: "ldns", providers: [.apt(["libldns-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
]

/// The heap of the programs: what is freed is cleared.
let heap: [Target] = [
    .target(name: "CClearedHeap", cSettings: strictC)
]

let rooms: [Target] =
    room("NetworkTypes", [])
    + room("SystemIO", ["CLinux", "NetworkTypes"])
    + room("Digests", ["CCrypto"])
    + room("NameRelay", ["NetworkTypes"])
    + room("PathHealth", ["NetworkTypes"], tests: ["PathSimulation"])
    + room("Journal", ["NetworkTypes", "PathHealth", "SystemIO"], tests: ["CLinux"])
    + room(
        "Tunnel",
        ["CCrypto", "CLinux", "CMnl", "Digests", "NetworkTypes", "PathHealth", "SystemIO"],
        tests: ["CNl", "Configuration"]
    )
    + room("ProcessLink", ["CLinux", "ControlAPI", "NetworkTypes", "SystemIO"])
    + room(
        "PrivateDNS",
        ["CLdns", "CLinux", "NameRelay", "NetworkTypes", "SystemIO"],
        tests: ["CMallocCount"]
    )
    + room("Telemetry", ["CLinux", "SystemIO", logging])
    + room("ControlAPI", ["NetworkTypes"])
    + room("HostDNS", ["CLinux", "NetworkTypes", "SystemIO"])
    + room(
        "Configuration",
        ["CYaml", "NetworkTypes", "PathHealth", "PrivateDNS", "SystemIO"],
        // Within the code: a resource of its own would bring in all of Foundation.
        resources: ["azure-private-link", "aws", "gcp"].map { .embedInCode("Presets/\($0).txt") }
    )

let programs: [Target] = [
    .executableTarget(
        name: "pnetd",
        dependencies: [
            "CClearedHeap", "CLinux", "Configuration", "ControlAPI", "Digests", "HostDNS", "Journal",
            "NetworkTypes", "PathHealth", "PrivateDNS", "ProcessLink", "SystemIO", "Telemetry", "Tunnel", logging,
            arguments,
        ],
        swiftSettings: strict
    ),
    .testTarget(
        name: "pnetdTests",
        dependencies: [
            "CLinux", "Configuration", "ControlAPI", "HostDNS", "Journal", "NetworkTypes", "PathHealth", "PrivateDNS",
            "ProcessLink", "SystemIO", "Tunnel", "pnetd",
        ],
        path: "Tests/pnetdTests",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "pnetctl",
        dependencies: [
            "CClearedHeap", "Configuration", "ControlAPI", "HostDNS", "Journal", "NetworkTypes", "PathHealth",
            "SystemIO", arguments,
        ],
        swiftSettings: strict
    ),
    .executableTarget(
        name: "pnetd-frontend",
        dependencies: nio + [
            "CClearedHeap", "CLinux", "ControlAPI", "NameRelay", "NetworkTypes", "ProcessLink", "SystemIO", "Telemetry",
            logging, arguments,
        ],
        swiftSettings: strict
    ),
    .testTarget(
        name: "pnetd-frontendTests",
        dependencies: nio + [
            "pnetd-frontend", "CLinux", "NameRelay", "NetworkTypes", "ProcessLink", "SystemIO", "Telemetry",
        ],
        path: "Tests/pnetd-frontendTests",
        swiftSettings: strict
    ),
    .testTarget(
        name: "pnetctlTests",
        dependencies: [
            "pnetctl", "CLinux", "Configuration", "ControlAPI", "HostDNS", "Journal", "NetworkTypes", "PathHealth",
            "SystemIO", arguments,
        ],
        path: "Tests/pnetctlTests",
        swiftSettings: strict
    ),
]

let lab: [Target] = [
    .target(
        name: "Lab",
        dependencies: ["CLinux", "ControlAPI", "NetworkTypes", "SystemIO"],
        path: "Tests/Lab/Kit",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "pnetd-demo",
        dependencies: ["Lab", "CLinux", "NetworkTypes", "SystemIO"],
        path: "Tests/Lab/Demo",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "bench-outage",
        dependencies: ["Lab", "CLinux", "ControlAPI", "NetworkTypes", "SystemIO"],
        path: "Tests/Benchmarks/Outage",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "bench-probing",
        dependencies: ["Lab", "CLinux", "ControlAPI", "NetworkTypes", "SystemIO"],
        path: "Tests/Benchmarks/Probing",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "bench-kernel",
        dependencies: ["CLinux", "NetworkTypes", "PathHealth", "SystemIO", "Tunnel"],
        path: "Tests/Benchmarks/Kernel",
        swiftSettings: strict
    ),
    .executableTarget(
        name: "bench-verdict",
        dependencies: ["NetworkTypes", "PathHealth", "PathSimulation"],
        path: "Tests/Benchmarks/Verdict",
        swiftSettings: strict
    ),
    .testTarget(name: "GateTests", dependencies: ["Lab"], path: "Tests/GateTests", swiftSettings: strict),
    .executableTarget(
        name: "lab-relay",
        dependencies: ["Lab", "NetworkTypes"],
        path: "Tests/Lab/RelayProgram",
        swiftSettings: strict
    ),
    .testTarget(
        name: "LabScenarios",
        dependencies: [
            "Lab", "CLinux", "ControlAPI", "NetworkTypes", "PrivateDNS", "ProcessLink", "SystemIO", "pnetd", "pnetctl",
            "lab-relay",
        ],
        path: "Tests/Lab/Scenarios",
        swiftSettings: strict
    ),
]

/// What tests measure with.
let instruments: [Target] = [
    .target(name: "CMallocCount", path: "Tests/CMallocCount", cSettings: strictC),
    .target(
        name: "PathSimulation",
        dependencies: ["NetworkTypes", "PathHealth"],
        path: "Tests/Simulation",
        swiftSettings: strict
    ),
]

let package = Package(
    name: "pnetd",
    products: [.executable(name: "pnetctl", targets: ["pnetctl"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    ],
    targets: facesOfC + heap + rooms + programs + lab + instruments
)

// What allocates, and what a hostile message costs, is shown by the optimizer's work alone: an optimized build of the
// resolver, its tests and its benchmark, and of nothing else, which would take five minutes.
if Context.environment["PNETD_ALLOCATIONS"] != nil {
    let needed: Set = [
        "CLinux", "CLdns", "CMallocCount", "NameRelay", "NetworkTypes", "SystemIO", "PrivateDNS", "PrivateDNSTests",
    ]
    package.products = []
    package.targets.removeAll { !needed.contains($0.name) }
    package.targets.append(
        .executableTarget(
            name: "bench-hostile",
            dependencies: ["CLdns", "NetworkTypes", "PrivateDNS", "SystemIO"],
            path: "Tests/Benchmarks/Hostile",
            swiftSettings: strict
        )
    )
}

// Programs of libFuzzer do not link in a normal build: they have no main. `make fuzz` builds them.
if Context.environment["PNETD_FUZZ"] != nil {
    package.targets.append(
        .target(
            name: "FuzzKit",
            dependencies: ["NetworkTypes", "Tunnel"],
            path: "Tests/Fuzz/Kit",
            swiftSettings: strict
        )
    )
    package.targets.append(
        .target(
            name: "FuzzAnswers",
            dependencies: ["NetworkTypes", "PrivateDNS"],
            path: "Tests/Fuzz/AnswerKit",
            swiftSettings: strict
        )
    )
    for (name, dependencies) in [
        ("BFD", ["NetworkTypes", "PathHealth", "Tunnel"]), ("DBus", ["HostDNS"]), ("ICMP", ["NetworkTypes", "Tunnel"]),
        ("STAMP", ["NetworkTypes", "PathHealth", "Tunnel"]), ("Journal", ["Journal", "NetworkTypes", "SystemIO"]),
        ("Messages", ["ProcessLink"]),
        ("Netlink", ["CLinux", "FuzzKit", "NetworkTypes", "Tunnel"]),
        ("Userspace", ["FuzzKit", "NetworkTypes", "Tunnel"]), ("VICI", ["Tunnel"]),
        ("Answer", ["FuzzAnswers", "NetworkTypes", "PrivateDNS"]), ("Frames", ["PrivateDNS"]),
        ("Memory", ["NetworkTypes", "PrivateDNS", "SystemIO"]),
        ("Names", ["CLdns", "NetworkTypes", "PrivateDNS"]), ("Relay", ["NameRelay"]),
        ("Patch", ["FuzzAnswers", "NetworkTypes", "PrivateDNS"]), ("Proofs", ["NetworkTypes", "PrivateDNS"]),
        ("Query", ["NetworkTypes", "PrivateDNS"]),
        ("ZoneFile", ["NetworkTypes", "PrivateDNS"]),
    ] as [(String, [Target.Dependency])] {
        package.targets.append(
            .executableTarget(
                name: "Fuzz\(name)",
                dependencies: dependencies,
                path: "Tests/Fuzz/\(name)",
                swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]
            )
        )
    }
}
