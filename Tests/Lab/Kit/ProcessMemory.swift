// SPDX-License-Identifier: Apache-2.0

public import CLinux
import SystemIO

/// What another process holds in its memory, read as root may.
public final class ProcessMemory {
    private struct Region {
        let start: Int
        let length: Int
        let name: String
    }

    private let memory: FileDescriptor
    private let regions: [Region]

    /// Looks at a process; it should stand still meanwhile.
    public init(of pid: pid_t) throws {
        // `55d0c8a00000-55d0c8a21000 rw-p 00000000 00:00 0      [heap]`
        regions = String(decoding: try Files.read("/proc/\(pid)/maps", limit: 16 << 20), as: UTF8.self)
            .split(separator: "\n")
            .compactMap { line in
                let words = line.split(separator: " ", maxSplits: 5)
                let ends = words[0].split(separator: "-").compactMap { Int($0, radix: 16) }
                // The kernel's own pages show times, and cannot be read from outside.
                guard ends.count == 2, words[1].hasPrefix("r"), !line.contains("[v") else { return nil }
                let name = words.count > 5 ? words[5].drop { $0 == " " } : ""
                return Region(start: ends[0], length: ends[1] - ends[0], name: String(name))
            }
        memory = try Files.open("/proc/\(pid)/mem")
    }

    /// How many octets could be read, and where each of the patterns is, by the names of the regions.
    public func find(_ patterns: [[UInt8]]) -> (octets: Int, places: [[String]]) {
        var places = patterns.map { _ in [String]() }
        var octets = 0
        for region in regions {
            var room = [UInt8](repeating: 0, count: region.length)
            let count = unsafe room.withUnsafeMutableBytes {
                unsafe pread(memory.raw, $0.baseAddress, $0.count, region.start)
            }
            guard count > 0 else { continue }
            octets += count
            for (index, pattern) in patterns.enumerated() {
                let found = Self.offsets(of: pattern, in: room)
                places[index] += found.map { "\(region.name)+\(String($0, radix: 16))" }
            }
        }
        return (octets, places)
    }

    private static func offsets(of pattern: [UInt8], in room: [UInt8]) -> [Int] {
        unsafe room.withUnsafeBytes { room in
            unsafe pattern.withUnsafeBytes { pattern in
                var offsets: [Int] = []
                guard let start = room.baseAddress, let wanted = pattern.baseAddress else { return offsets }
                var from = 0
                while let hit = unsafe memmem(start + from, room.count - from, wanted, pattern.count) {
                    from = unsafe UnsafeRawPointer(hit) - start
                    offsets.append(from)
                    from += 1
                }
                return offsets
            }
        }
    }
}

/// A secret in every form that a program may make of it.
public struct SecretForms: Sendable {
    /// The name of a form, and what to look for. A half is enough: what memory is used for next may spoil the other.
    public let patterns: [(form: String, octets: [UInt8])]

    /// Makes the forms of 32 octets and their base64 text.
    public init(base64: String, octets: [UInt8]) {
        var scalar = octets
        scalar[0] &= 248
        scalar[31] = scalar[31] & 127 | 64
        let hexadecimal = octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let text = base64.filter { $0 != "=" }
        let forms: [(String, [UInt8])] = [
            ("raw", octets), ("clamped", scalar), ("base64", Array(text.utf8)), ("hex", Array(hexadecimal.utf8)),
            ("HEX", Array(hexadecimal.uppercased().utf8)),
        ]
        patterns = forms.flatMap { form, octets in
            let middle = octets.count / 2
            return [
                ("\(form) first half", Array(octets[..<middle])), ("\(form) second half", Array(octets[middle...])),
            ]
        }
    }
}
