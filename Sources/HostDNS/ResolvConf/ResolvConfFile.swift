// SPDX-License-Identifier: Apache-2.0

import CLinux
public import SystemIO

/// /etc/resolv.conf as it lies there: a file, a link into somebody's folder, or nothing.
public enum ResolvConfFile: Hashable, Sendable {
    /// A file with this text and these permission bits.
    case file(text: String, mode: UInt32)
    /// A link that leads there, and the text behind it; empty where it leads to nothing.
    case link(target: String, text: String)
    /// Nothing of that name.
    case absent

    /// Longer ones are nobody's.
    static let sizeLimit = 64 << 10

    /// Looks at a path. Throws where it cannot be read, or is neither a file nor a link.
    public init(at path: String) throws(SystemError) {
        guard let status = try Files.statusOfLink(path) else {
            self = .absent
            return
        }
        guard status.isLink || status.isRegular else {
            throw SystemError(operation: "read \(path): it is no file", code: EINVAL)
        }
        var text: String?
        do throws(SystemError) {
            // What a link leads to may be a pipe: that must not hold us up.
            let file = try Files.open(path)
            guard try Files.status(of: file).isRegular else {
                throw SystemError(operation: "read \(path): it leads to no file", code: EINVAL)
            }
            text = String(decoding: try Files.read(file, limit: Self.sizeLimit), as: UTF8.self)
        } catch  where error.isNotFound && status.isLink {
            text = ""
        }
        guard status.isLink else {
            self = .file(text: text ?? "", mode: UInt32(status.permissions))
            return
        }
        self = .link(target: try Files.linkTarget(path), text: text ?? "")
    }

    /// What is read by whoever asks for names.
    public var text: String {
        switch self {
        case .file(let text, _), .link(_, let text): text
        case .absent: ""
        }
    }

    /// What the text says.
    public var contents: ResolvConf { ResolvConf(text) }

    /// Whether pnetd wrote it: a link never is.
    public var isOurs: Bool {
        if case .file(let text, _) = self { text.hasPrefix(ResolvConf.mark) } else { false }
    }

    /// Whose it is, by its comments or by where it leads; nil where neither says.
    public var author: ResolvConfAuthor? {
        if case .link(let target, _) = self, let author = ResolvConfAuthor(ofLink: target) { return author }
        return contents.author
    }

    /// Puts it at a path, in the place of what is there: whole by a rename where that goes, else written over in place,
    /// as where the file is a mount of its own.
    func put(at path: String) throws(SystemError) {
        switch self {
        case .file(let text, let mode): try Files.rewrite(path, with: Array(text.utf8), mode: mode)
        case .link(let target, _): try Files.replaceByLink(path, to: target)
        case .absent: try Files.remove(path)
        }
    }
}

extension ResolvConfFile: Codable {
    private enum CodingKeys: String, CodingKey {
        case text
        case mode
        case link
    }

    /// Reads what ``encode(to:)`` wrote.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let text = try container.decodeIfPresent(String.self, forKey: .text)
        if let target = try container.decodeIfPresent(String.self, forKey: .link) {
            self = .link(target: target, text: text ?? "")
        } else if let text {
            self = .file(text: text, mode: try container.decode(UInt32.self, forKey: .mode))
        } else {
            self = .absent
        }
    }

    /// Writes `{"mode":420,"text":"…"}`, `{"link":"…","text":"…"}` or `{}`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .file(let text, let mode):
            try container.encode(text, forKey: .text)
            try container.encode(mode, forKey: .mode)
        case .link(let target, let text):
            try container.encode(target, forKey: .link)
            try container.encode(text, forKey: .text)
        case .absent: break
        }
    }
}
