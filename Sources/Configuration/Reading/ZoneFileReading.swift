// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import PrivateDNS
import SystemIO

extension Reading {
    /// Octets of all zone files together: they are handed to the resolver through one socket.
    static let zoneFilesLimit = 12 << 20

    /// The text of a zone file, relative to the file being read, that holds no mistake. Those that it holds are reported
    /// with the lines that they are on.
    func zoneFile(
        _ node: YAMLNode,
        of zone: DomainName?
    ) -> (source: ZoneConfiguration.Source, hasHosts: Bool)? {
        guard let name = text(node, "file") else { return nil }
        guard readsNamedFiles else { return (.file(""), false) }
        guard let octets = zoneFileOctets(name, node) else { return nil }
        declared.zoneFileOctets += octets.count
        guard declared.zoneFileOctets <= Self.zoneFilesLimit else {
            let hint = "forward the largest of the zones to servers of its own"
            error(node.mark, "file: all zone files are longer than \(Self.zoneFilesLimit) octets", hint: hint)
            return nil
        }
        if let offset = octets.firstInvalidUTF8 {
            let mark = Mark(line: Mark(atOctet: offset, of: octets).line, column: 1)
            let hint = "write octets above 126 as \\DDD, and comments in UTF-8"
            error(mark, "the zone file is not UTF-8", hint: hint, in: pathOfKey(name))
            return nil
        }
        let text = String(decoding: octets, as: UTF8.self)
        guard let zone else { return (.file(text), false) }
        do {
            let records = try ZoneRecords(zone: zone, file: text)
            return (.file(text), records.hasHosts)
        } catch {
            for fault in error.faults {
                let mark = Mark(line: fault.line, column: 1)
                self.error(mark, "\(fault.problem)", hint: fault.hint, in: pathOfKey(name))
            }
            return nil
        }
    }

    private func zoneFileOctets(_ name: String, _ node: YAMLNode) -> [UInt8]? {
        let limit = ZoneRecords.fileLimit
        do throws(SystemError) {
            let file = try Files.open(pathOfKey(name))
            let status = try Files.status(of: file)
            guard status.isRegular, status.size <= limit else {
                let problem = status.isRegular ? "is longer than \(limit) octets" : "is not a file"
                self.error(node.mark, "file: '\(name)' \(problem)", hint: "a zone file, as RFC 1035 section 5 has it")
                return nil
            }
            return try Files.read(file, limit: limit)
        } catch {
            self.error(node.mark, "file: cannot read '\(name)': \(SystemError.text(of: error.code))")
            return nil
        }
    }
}
