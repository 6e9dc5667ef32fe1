// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import Journal
import SystemIO

/// Whose journal is read, and from where.
struct JournalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("pnetd's file, which says where its journal is.", valueName: "path"))
    var file = RotateCommand.usualFile

    /// Why there is no journal to read.
    enum Failure: Error, CustomStringConvertible {
        case file(ConfigurationErrors)
        case system(SystemError)
        case empty(String)

        var description: String {
            switch self {
            case .file(let errors): "\(errors)"
            case .system(let error) where error.isPermissionDenied: "\(error)\n  The journal is root's alone: use sudo"
            case .system(let error): "\(error)"
            case .empty(let path): "\(path) holds no journal"
            }
        }
    }

    /// The segments of what was asked for: a directory, one file, or else the journal of pnetd's file.
    func segments(in place: String?) throws(Failure) -> [JournalDirectory.Segment] {
        let path = if let place { place } else { try ownDirectory() }
        do throws(SystemError) {
            if try Files.status(of: path).isRegular { return [JournalDirectory.Segment(file: path)] }
            let segments = try JournalDirectory(path).segments()
            if !segments.isEmpty { return segments }
        } catch {
            throw .system(error)
        }
        throw .empty(path)
    }

    private func ownDirectory() throws(Failure) -> String {
        do throws(ConfigurationErrors) {
            let state = try CheckCommand.load(file).configuration.state
            return JournalDirectory(inStateDirectory: state.directory).path
        } catch {
            throw .file(error)
        }
    }
}

/// Does what a command does with a journal; says on standard error why there is none, and ends with 1.
func readingJournal<Value>(_ body: () throws(JournalOptions.Failure) -> Value) throws -> Value {
    do {
        return try body()
    } catch {
        StandardStream.error.write("pnetctl: \(error)\n")
        throw ExitCode(1)
    }
}
