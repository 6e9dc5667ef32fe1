// SPDX-License-Identifier: Apache-2.0

/// Messages of 64 KiB that cost as much as we could think of, built by hand.
struct HostileMessages {
    /// Octets of a message over TCP (RFC 1035 section 4.2.2).
    private static let size = 65535
    static let name: [UInt8] = [3] + Array("hub".utf8) + [5] + Array("azure".utf8) + [4] + Array("test".utf8) + [0]
    private static let question: [UInt8] = name + [0, 1, 0, 1]
    private static let questionName: [UInt8] = [0xc0, 12]
    private static let fixed: [UInt8] = [0, 0, 1, 44]

    /// A record with a TTL of 300 s.
    private static func record(_ owner: [UInt8], _ type: UInt16, _ data: [UInt8]) -> [UInt8] {
        owner + [UInt8(type >> 8), UInt8(type & 255), 0, 1] + fixed + [UInt8(data.count >> 8), UInt8(data.count & 255)]
            + data
    }

    private static func pointer(_ offset: Int) -> [UInt8] { [0xc0 | UInt8(offset >> 8), UInt8(offset & 255)] }

    /// 127 labels of one octet, as many as a name can have; the first ones are what is given.
    private static func longName(_ first: [UInt8] = []) -> [UInt8] {
        (0..<127).flatMap { [1, $0 < first.count ? first[$0] : 0x61] } + [0]
    }

    /// A header with one question, and as many records as fit in one section.
    private static func message(
        isAnswer: Bool,
        section: Int,
        beginning: [[UInt8]] = [],
        filling record: (Int) -> [UInt8]
    ) -> [UInt8] {
        var records = beginning
        var count = 12 + question.count + beginning.reduce(0) { $0 + $1.count }
        while true {
            let next = record(records.count)
            guard count + next.count <= size else { break }
            records.append(next)
            count += next.count
        }
        var counts = [0, 0, 0]
        counts[section] = records.count
        let header: [UInt8] =
            [1, 2, isAnswer ? 0x81 : 1, 0, 0, 1] + counts.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        return header + question + records.joined()
    }

    private static let chainStart = 12 + question.count + 12

    /// A record of an unknown type whose RDATA has a name of 127 labels in nine parts, each but the first a pointer to the one before.
    private static let chain: (record: [UInt8], end: Int) = {
        var data: [UInt8] = []
        var end = 0
        for part in 0..<9 {
            let next = chainStart + data.count
            data += (0..<(part == 0 ? 39 : 11)).flatMap { _ in [1, 0x61] as [UInt8] }
            data += part == 0 ? [0] : pointer(end)
            end = next
        }
        return (record(questionName, 65_280, data), end)
    }()

    /// As many records as are taken, and one that fills the rest of the message.
    private static func full(
        section: Int = 0,
        beginning: [[UInt8]] = [],
        filling record: (Int) -> [UInt8]
    ) -> [UInt8] {
        let records = beginning + (0..<255 - beginning.count).map(record)
        let count = 12 + question.count + records.reduce(0) { $0 + $1.count }
        let padding = Self.record(questionName, 65_280, [UInt8](repeating: 0x61, count: size - count - 12))
        var counts: [UInt8] = [0, 0, 0, 0, 0, 0]
        counts[2 * section] = 1
        return [1, 2, 0x81, 0, 0, 1] + counts + question + (records + [padding]).joined()
    }

    /// A name of 14 labels of one octet and the root: as much as 256 owners can have.
    private static let shortLabels: [UInt8] = (0..<14).flatMap { [1, UInt8($0 & 15 | 0x60)] } + [0]

    static let answers: [(name: String, message: [UInt8])] = [
        ("full-set", full { record(questionName, 1, [10, 20, UInt8($0 >> 8), UInt8($0 & 255)]) }),
        (
            "full-aliased-set",
            full(beginning: [record(questionName, 5, shortLabels)]) { _ in
                record(pointer(12 + question.count + 12), 1, [10, 20, 0, 1])
            }
        ),
        (
            "full-written-set",
            full(beginning: [record(questionName, 5, shortLabels)]) { _ in
                record(shortLabels, 1, [10, 20, 0, 1])
            }
        ),
        (
            "full-names",
            full(section: 1) {
                record(
                    [1, UInt8($0 >> 4 & 15 | 0x60), 1, UInt8($0 & 15 | 0x60)] + [1, 0x61, 1, 0x61, 1, 0x61]
                        + questionName,
                    46,
                    [UInt8](repeating: 0, count: 18)
                )
            }
        ),
        (
            "full-parameters",
            message(
                isAnswer: true,
                section: 0,
                beginning: [
                    record(
                        questionName,
                        65,
                        [0, 1, 0] + (100..<4_000).flatMap { [UInt8($0 >> 8), UInt8($0 & 255), 0, 0] as [UInt8] }
                    )
                ]
            ) { _ in [UInt8](repeating: 0, count: size) }
        ),
        (
            "pointer-chains",
            message(isAnswer: true, section: 0, beginning: [chain.record]) { _ in
                record(pointer(chain.end), 1, [10, 20, 0, 1])
            }
        ),
        (
            "pointer-chains-in-data",
            message(isAnswer: true, section: 1, beginning: [chain.record]) { _ in
                record(questionName, 2, pointer(chain.end))
            }
        ),
        ("tiny-records", message(isAnswer: true, section: 0) { _ in record([0], 10, []) }),
        ("many-opt", message(isAnswer: true, section: 2) { _ in [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0] }),
        (
            "one-large-set",
            message(isAnswer: true, section: 0) { number in
                record(questionName, 1, [10, 20, UInt8(number >> 8), UInt8(number & 255)])
            }
        ),
        (
            "long-owners",
            message(isAnswer: true, section: 0) { number in
                record(longName([UInt8(number & 15 | 0x61), UInt8(number >> 4 & 15 | 0x61)]), 1, [10, 20, 0, 1])
            }
        ),
        (
            "long-aliases",
            message(isAnswer: true, section: 0, beginning: [record(questionName, 5, longName([0x61]))]) { number in
                record(longName([UInt8(0x60 + min(number, 30))]), 5, longName([UInt8(0x61 + min(number, 30))]))
            }
        ),
        (
            "long-set",
            message(
                isAnswer: true,
                section: 0,
                beginning: [
                    record(questionName, 5, Array(longName().dropLast(1 + 16)) + pointer(12))
                ]
            ) { _ in record(pointer(12 + question.count + 12), 1, [10, 20, 0, 1]) }
        ),
        (
            "service-parameters",
            message(
                isAnswer: true,
                section: 0,
                beginning: [
                    record(
                        questionName,
                        65,
                        [0, 1, 0] + (100..<16_000).flatMap { [UInt8($0 >> 8), UInt8($0 & 255), 0, 0] as [UInt8] }
                    )
                ]
            ) { _ in record(questionName, 1, [10, 20, 0, 1]) }
        ),
    ]

    static let queries: [(name: String, message: [UInt8])] = [
        ("tiny-records", message(isAnswer: false, section: 2) { _ in record([0], 10, []) }),
        (
            "pointer-chains",
            message(isAnswer: false, section: 2, beginning: [chain.record]) { _ in
                record(pointer(chain.end), 10, [])
            }
        ),
        ("many-opt", message(isAnswer: false, section: 2) { _ in [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0] }),
        (
            "many-options",
            message(
                isAnswer: false,
                section: 2,
                beginning: [
                    [0, 0, 41, 4, 208, 0, 0, 0, 0, 0xfa, 0] + (0..<16_000).flatMap { _ in [0, 100, 0, 0] as [UInt8] }
                ]
            ) { _ in [UInt8](repeating: 0, count: size) }
        ),
    ]
}
