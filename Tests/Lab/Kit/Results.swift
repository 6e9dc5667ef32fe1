// SPDX-License-Identifier: Apache-2.0

import CLinux

/// What scenarios leave for people to read: a line each in results.txt, and all the files of one that failed.
///
/// They go to PNETD_LAB_RESULTS, which a guest has from outside. Without it only failures leave something, in a folder
/// of their own under /tmp.
public enum Results {
    private static let named = unsafe getenv("PNETD_LAB_RESULTS").map { unsafe String(cString: $0) }
    private static let made = Result<String, any Error> {
        String(try Program.must(["mktemp", "-d", "/tmp/pnetd-lab-results-XXXXXX"]).prefix { !$0.isNewline })
    }

    /// Adds a line on a scenario, where results are wanted.
    public static func note(_ line: String) throws {
        guard let named else { return }
        try Program.must(["sh", "-c", "echo \"$0\" >> \"$1\"", line, "\(named)/results.txt"])
    }

    /// Copies a lab's files: logs, captures, the site's file; never a key, which have their folders to themselves.
    /// - Returns: the folder that they are in.
    public static func keep(_ lab: Lab, as label: String) throws -> String {
        let folder = "\(try named ?? made.get())/\(label)"
        try Program.must(["mkdir", "-p", folder])
        let script = """
            set -e
            tar -C "$0" --exclude=keys -cf - . 2>/dev/null | tar -C "$1" --no-same-owner -xf -
            """
        try Program.must(["sh", "-c", script, lab.folder, folder])
        return folder
    }
}
