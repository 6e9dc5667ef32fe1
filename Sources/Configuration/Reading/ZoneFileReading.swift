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
    ) -> (source: ZoneConfiguration.Source, hosts: ZoneHosts)? {
        guard let name = text(node, "file") else { return nil }
        guard readsNamedFiles else { return (.file(""), .none) }
        let content = content(of: name, node, zone)
        if let zone { declared.zoneFiles.contents[ZoneFiles.Key(name: name, zone: zone)] = content }
        switch content {
        case .whole(let text, let hosts):
            return (.file(text), hosts)
        case .broken(let faults):
            guard let zone, zonesMayLackFiles else {
                for fault in faults { report(fault, .error) }
                return nil
            }
            for fault in faults { report(fault, .warning) }
            let message = "no name in zone '\(zone.withoutRootDot)' is answered, since its file is not whole"
            warning(node.mark, message, hint: "correct it, then pnetctl reload")
            return (.unready("zone \(zone.withoutRootDot): \(name) is missing or has mistakes"), .none)
        }
    }

    private var zonesMayLackFiles: Bool { if case .needed = zoneFileTerms { false } else { true } }

    private func content(of name: String, _ node: YAMLNode, _ zone: DomainName?) -> ZoneFiles.Content {
        if case .kept(let files) = zoneFileTerms, let zone,
            let content = files.contents[ZoneFiles.Key(name: name, zone: zone)]
        {
            return content
        }
        do throws(ZoneFileFaults) {
            let text = try zoneFileText(name, node)
            declared.zoneFileOctets += text.utf8.count
            guard declared.zoneFileOctets <= Self.zoneFilesLimit else {
                let hint = "forward the largest of the zones to servers of its own"
                let problem = "file: all zone files are longer than \(Self.zoneFilesLimit) octets"
                throw ZoneFileFaults(fault(node.mark, problem, hint))
            }
            guard let zone else { return .whole(text, hosts: .none) }
            return .whole(text, hosts: ZoneHosts(of: try records(of: zone, text, name)))
        } catch {
            return .broken(error.faults)
        }
    }

    private func records(of zone: DomainName, _ text: String, _ name: String) throws(ZoneFileFaults) -> ZoneRecords {
        do {
            return try ZoneRecords(zone: zone, file: text)
        } catch {
            throw ZoneFileFaults(
                error.faults.map { found in
                    fault(Mark(line: found.line, column: 1), found.problem, found.hint, in: pathOfKey(name))
                }
            )
        }
    }

    private func zoneFileText(_ name: String, _ node: YAMLNode) throws(ZoneFileFaults) -> String {
        if case .dispensable(let texts) = zoneFileTerms, let text = texts[name] { return text }
        let octets = try zoneFileOctets(name, node)
        if let offset = octets.firstInvalidUTF8 {
            let mark = Mark(line: Mark(atOctet: offset, of: octets).line, column: 1)
            let hint = "write octets above 126 as \\DDD, and comments in UTF-8"
            throw ZoneFileFaults(fault(mark, "the zone file is not UTF-8", hint, in: pathOfKey(name)))
        }
        return String(decoding: octets, as: UTF8.self)
    }

    private func zoneFileOctets(_ name: String, _ node: YAMLNode) throws(ZoneFileFaults) -> [UInt8] {
        let limit = ZoneRecords.fileLimit
        let problem: String
        let hint: String
        do throws(SystemError) {
            let file = try Files.open(pathOfKey(name))
            let status = try Files.status(of: file)
            if status.isRegular, status.size <= limit { return try Files.read(file, limit: limit) }
            problem = "'\(name)' " + (status.isRegular ? "is longer than \(limit) octets" : "is not a file")
            hint = "a zone file, as RFC 1035 section 5 has it"
        } catch {
            problem = "cannot read '\(name)': \(SystemError.text(of: error.code))"
            hint = "the name is relative to this file's directory"
        }
        throw ZoneFileFaults(fault(node.mark, "file: \(problem)", hint))
    }

    private func fault(_ mark: Mark, _ message: String, _ hint: String, in other: String? = nil) -> Diagnostic {
        diagnostic(mark, message, hint, .error, in: other)
    }
}

/// What is wrong with one zone file; never empty.
private struct ZoneFileFaults: Error {
    let faults: [Diagnostic]

    init(_ faults: [Diagnostic]) { self.faults = faults }

    init(_ fault: Diagnostic) { faults = [fault] }
}

extension ZoneHosts {
    init(of records: ZoneRecords) {
        let names = records.hostNames
        self.init(names: Array(names.prefix(Self.limit)), count: names.count)
    }
}
