// SPDX-License-Identifier: Apache-2.0

/// Many steps in few words: a network may have ten thousand prefixes.
enum StepSummary {
    /// So many alike in a row are named one by one; more are counted.
    private static let limit = 8

    static func lines(_ steps: [Step]) -> [String] {
        runs(steps, by: \.kind).flatMap { run in
            run.count <= limit
                ? run.map(\.description) : ["\(run[run.startIndex].kind): \(run.count), from \(run[run.startIndex])"]
        }
    }

    /// Cuts a sequence where its key changes.
    static func runs<Item, Key: Equatable>(_ items: [Item], by key: (Item) -> Key) -> [ArraySlice<Item>] {
        var runs: [ArraySlice<Item>] = []
        var start = items.startIndex
        for index in items.indices where key(items[index]) != key(items[start]) {
            runs.append(items[start..<index])
            start = index
        }
        if start < items.endIndex { runs.append(items[start...]) }
        return runs
    }
}

extension Step {
    /// What is done to which kind of thing.
    var kind: String {
        switch self {
        case .putGuard, .adoptGuard: "guard"
        case .putBlocks: "block"
        case .makeLink: "make interfaces"
        case .configure: "configure WireGuard"
        case .setUp: "set interfaces up"
        case .addAddress: "add addresses"
        case .deleteAddress: "remove addresses"
        case .putNexthop: "set nexthops"
        case .deleteNexthop: "remove nexthops"
        case .putRoute: "set routes"
        case .deleteRoute: "remove routes"
        case .addRule: "add rules"
        case .deleteRule: "remove rules"
        case .deleteLink: "remove interfaces"
        }
    }
}
