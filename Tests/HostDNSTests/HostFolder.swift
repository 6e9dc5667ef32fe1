// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// A folder that stands where a host's root would, with an /etc and a state directory; gone with its owner.
final class HostFolder {
    let root: String

    init() throws {
        root = "/tmp/pnetd-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        for folder in ["etc", "state", "run"] { try Files.makeDirectory("\(root)/\(folder)") }
    }

    deinit {
        for folder in ["etc", "state", "run"] {
            for name in (try? Files.names(in: "\(root)/\(folder)")) ?? [] {
                try? Files.remove("\(root)/\(folder)/\(name)")
            }
            unsafe rmdir("\(root)/\(folder)")
        }
        unsafe rmdir(root)
    }

    var path: String { "\(root)/etc/resolv.conf" }
    var state: String { "\(root)/state" }

    func write(_ text: String, to file: String = "etc/resolv.conf") throws {
        let path = "\(root)/\(file)"
        try Files.remove(path)
        try Files.create(path, with: Array(text.utf8), mode: 0o644)
    }

    func text(of file: String = "etc/resolv.conf") throws -> String {
        String(decoding: try Files.read("\(root)/\(file)"), as: UTF8.self)
    }

    func has(_ file: String) -> Bool { (try? Files.status(of: "\(root)/\(file)")) != nil }
}
