// SPDX-License-Identifier: Apache-2.0

import CLinux
import ProcessLink
import SystemIO
import Testing

@testable import pnetd

struct RememberedNamesFileTests {
    @Test func givesBackWhatWasSaved() throws {
        let folder = "/tmp/pnetd-remembered-\(UInt64.random(in: 0 ... .max))"
        try Files.makeDirectory(folder)
        let path = "\(folder)/remembered-names"
        defer {
            try? Files.remove(path)
            unsafe rmdir(folder)
        }
        let file = RememberedNamesFile(in: folder)
        #expect(try file.load() == nil)
        let names = RememberedNames([UInt8](repeating: 3, count: RememberedNames.limit))
        try file.save(names)
        #expect(try file.load() == names)
        try Files.replace(path, with: names.octets + [0])
        #expect(throws: SystemError.self) { try file.load() }
    }
}
