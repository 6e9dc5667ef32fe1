// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
public import NetworkTypes
public import SystemIO

/// /etc/resolv.conf while it leads to pnetd, and the way back: what was there is kept in the state directory, written
/// down before anything is changed, so that whoever comes after a crash can put it back.
///
///     take:     state/resolv.conf.json := what is there;  /etc/resolv.conf := ours
///     restore:  /etc/resolv.conf := what was kept;  state/resolv.conf.json removed
///
/// What somebody else wrote over ours is never overwritten by ``restore()``.
public struct ManagedResolvConf: Sendable {
    private let path: String
    private let kept: String
    private let stateDirectory: String

    /// - Parameters:
    ///   - stateDirectory: where the original is kept.
    ///   - root: what stands before /etc; tests have a folder of their own.
    public init(stateDirectory: String, root: String = "") {
        path = "\(root)/etc/resolv.conf"
        kept = "\(stateDirectory)/resolv.conf.json"
        self.stateDirectory = stateDirectory
    }

    /// Whose the file is.
    public enum Standing: Hashable, Sendable {
        /// Ours, with the servers that are wanted.
        case asWanted
        /// Ours, of another time.
        case outdated
        /// What was there before pnetd came.
        case untouched
        /// Somebody wrote over ours; whose it is now, as far as that is told.
        case overwritten(by: ResolvConfAuthor?)
    }

    /// Looks whether the file asks these servers, the addresses where pnetd listens at port 53.
    public func standing(asking servers: [IPAddress]) throws(ResolvConfError) -> Standing {
        let now = try look()
        let original = try recall()
        if now.isOurs { return now.text == text(servers, original ?? .absent) ? .asWanted : .outdated }
        return original == nil ? .untouched : .overwritten(by: now.author)
    }

    /// Has the file ask these servers. What is there and not ours is kept, as what comes back at the end.
    public func take(asking servers: [IPAddress]) throws(ResolvConfError) {
        let now = try look()
        var original = try recall() ?? .absent
        if !now.isOurs {
            original = now
            try keep(now)
        }
        try put(.file(text: text(servers, original), mode: 0o644))
    }

    /// What became of the file.
    public enum Restoration: Hashable, Sendable {
        /// It never was ours, or is the original again.
        case nothingToDo
        /// What was there before is there again.
        case restored
        /// Somebody else's, and left as it is.
        case left(ResolvConfAuthor?)
    }

    /// Puts back what was there before pnetd.
    public func restore() throws(ResolvConfError) -> Restoration {
        let now = try look()
        guard let original = try recall() else {
            guard now.isOurs else { return .nothingToDo }
            throw .originalLost(path: path, kept: kept)
        }
        if now.isOurs { try put(original) }
        do { try Files.remove(kept) } catch { throw .unwritable(error, path: kept) }
        if now.isOurs { return .restored }
        return now == original ? .nothingToDo : .left(now.author)
    }

    /// What was there before; nil where the file never was ours.
    public var original: ResolvConf? { (try? recall())?.contents }

    /// The servers that our file asks; empty where it is not ours.
    public var asked: [IPAddress] {
        guard let now = try? look(), now.isOurs else { return [] }
        return now.contents.nameservers
    }

    private func text(_ servers: [IPAddress], _ original: ResolvConfFile) -> String {
        ResolvConf.text(asking: servers, keeping: original.contents, in: stateDirectory)
    }

    private func look() throws(ResolvConfError) -> ResolvConfFile {
        do { return try ResolvConfFile(at: path) } catch { throw .unreadable(error) }
    }

    private func put(_ file: ResolvConfFile) throws(ResolvConfError) {
        do { try file.put(at: path) } catch { throw .unwritable(error, path: path) }
    }

    private func recall() throws(ResolvConfError) -> ResolvConfFile? {
        do {
            return try JSONDecoder().decode(ResolvConfFile.self, from: Data(try Files.read(kept, limit: 1 << 20)))
        } catch let error as SystemError where error.isNotFound {
            return nil
        } catch let error as SystemError {
            throw .unreadable(error)
        } catch {
            // It is replaced whole or not at all: somebody else wrote this. What is ours cannot be taken back by it.
            return nil
        }
    }

    private func keep(_ file: ResolvConfFile) throws(ResolvConfError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            try Files.replace(kept, with: Array(try encoder.encode(file)))
        } catch {
            throw .notKept(cause: "\(error)", path: path)
        }
    }
}

/// Why /etc/resolv.conf could not be looked at, or changed.
public enum ResolvConfError: Error, Hashable, Sendable {
    /// It, or what is kept of it, cannot be read.
    case unreadable(SystemError)
    /// It cannot be written.
    case unwritable(SystemError, path: String)
    /// What was there cannot be written down, so it was left.
    case notKept(cause: String, path: String)
    /// It is ours, and what was there before is not known any more.
    case originalLost(path: String, kept: String)
}

extension ResolvConfError: CustomStringConvertible {
    /// What happened and what to do about it.
    public var description: String {
        switch self {
        case .unreadable(let error): "\(error)"
        case .unwritable(let error, let path):
            "\(error) (let pnetd write to \(path): systemctl edit pnetd, [Service] ReadWritePaths=/etc; or is it "
                + "immutable? lsattr \(path))"
        case .notKept(let cause, let path): "\(path) is left as it is, since it cannot be kept for later: \(cause)"
        case .originalLost(let path, let kept):
            "\(path) is pnetd's, and \(kept), where what was there before is kept, is gone or broken: write the "
                + "nameservers of this host into \(path)"
        }
    }
}
