// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NetworkTypes
import SystemIO

/// `pnetctl import`
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Turns a file of wg-quick into a path and a network; needs no pnetd.",
        discussion: """
            Prints what belongs into pnetd.yaml, and writes keys to files of their own.
            What cannot be carried over is named, with what to do about it. Fill in what
            is marked TO DO, then ask pnetctl check.
            """
    )

    @Argument(help: "The file, as /etc/wireguard/wg0.conf.", completion: .file(extensions: ["conf"]))
    var file: String
    @Option(help: ArgumentHelp("The folder for the key files; relative to pnetd.yaml's.", valueName: "folder"))
    var keys = "keys"
    @Option(help: "The name of path, interface and network; default: that of the file.")
    var name: String?
    @Option(help: "The interface that outer packets leave by.")
    var underlay: String?
    @Flag(help: "Replace key files that are there.")
    var force = false

    func run() throws {
        let text: String
        do {
            text = String(decoding: try Files.read(file, limit: 1 << 20), as: UTF8.self)
        } catch {
            throw failure(["pnetctl: \(error)\n"])
        }
        let content = WgQuickFile(text)
        guard !content.hasErrors else { throw failure(content.notes.map { $0.text(of: file) }) }
        let fragment = PathFragment(
            name: try checkedName(),
            folder: keys.hasPrefix("./") ? String(keys.dropFirst(2)) : keys,
            underlay: underlay,
            source: baseName,
            file: content
        )
        if !force {
            let taken = fragment.keyFiles.filter { (try? Files.status(of: $0.name)) != nil }
            guard taken.isEmpty else {
                throw failure(
                    taken.map { key in
                        ImportNote(
                            severity: .error,
                            line: key.line,
                            message: "\(key.name) is there already; nothing was written",
                            remedy: "--force replaces it, --keys names another folder"
                        ).text(of: file)
                    }
                )
            }
        }
        let made = try write(fragment.keyFiles)
        StandardStream.output.write(fragment.text)
        guard StandardStream.outputFailure == nil else {
            // Without the text they belong to nothing, and would be in the way of the next attempt.
            for name in made { try? Files.remove(name) }
            throw ExitCode(1)
        }
        StandardStream.error.write(fragment.keyFiles.map { "wrote \($0.name)\n" }.joined())
        StandardStream.error.write(fragment.notes.map { $0.text(of: file) }.joined())
    }

    private var baseName: String { file.split(separator: "/").last.map(String.init) ?? file }

    /// A name that is good for a path, an interface and a network.
    private func checkedName() throws -> String {
        let name = name ?? (baseName.hasSuffix(".conf") ? String(baseName.dropLast(5)) : baseName)
        guard PathName(name) != nil, InterfaceName(name) != nil else {
            throw failure(["pnetctl: no interface and path can be named after the file\n  Use --name NAME\n"])
        }
        guard underlay.map({ InterfaceName($0) != nil }) ?? true else {
            throw failure(["pnetctl: --underlay is not the name of an interface\n"])
        }
        return name
    }

    /// All or, where one cannot be written, none but those that took another's place.
    /// - Returns: those that are new.
    private func write(_ files: [PathFragment.KeyFile]) throws -> [String] {
        var made: [String] = []
        do throws(SystemError) {
            try Files.makeDirectory(keys, mode: 0o700)
            for file in files {
                if force {
                    try Files.replace(file.name, with: file.key.keyFile)
                } else {
                    try Files.create(file.name, with: file.key.keyFile)
                    made.append(file.name)
                }
            }
        } catch {
            for name in made { try? Files.remove(name) }
            throw failure(["pnetctl: \(error)\n"])
        }
        return made
    }

    private func failure(_ lines: [String]) -> ExitCode {
        StandardStream.error.write(lines.joined())
        return ExitCode(1)
    }
}
