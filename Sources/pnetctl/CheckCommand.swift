// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import SystemIO

/// `pnetctl check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks a file as pnetd would read it; needs no pnetd.",
        discussion: "Prints every error as FILE:LINE:COLUMN and exits with 1 where there is any."
    )

    @Argument(help: "The file.", completion: .file(extensions: ["yaml"]))
    var file: String

    /// As root or not, no more may be readable than for the agent.
    static func load(_ file: String) throws(ConfigurationErrors) -> LoadedConfiguration {
        try Privileges.without([.overrideFileModes, .readAllFiles]) { () throws(ConfigurationErrors) in
            try Configuration.load(path: file, credentials: .ofTheService)
        }
    }

    func run() throws {
        do {
            let loaded = try Self.load(file)
            StandardStream.error.write(loaded.warnings.map { "\($0)\n" }.joined())
            StandardStream.output.write("\(file): valid\n")
        } catch {
            StandardStream.error.write("\(error)\n")
            throw ExitCode(1)
        }
    }
}
