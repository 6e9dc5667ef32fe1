// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The URL of a webhook, taken apart (RFC 3986). Its path, query and user may be secrets: ``origin`` is what is shown.
struct WebhookURL: Hashable, Sendable {
    enum Scheme: String, Sendable {
        case http
        case https

        var port: Int { self == .http ? 80 : 443 }
    }

    let scheme: Scheme
    /// A name or an address, without brackets.
    let host: String
    let port: Int
    /// Path and query, as they stand in the request line.
    let target: String
    /// What stands before `@`, percent-encoded.
    let user: String?

    /// Takes a URL apart; nil where it is none, or has what could be smuggled into a request.
    init?(_ text: String) {
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let mark = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased())
        else { return nil }
        let rest = text[mark.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest[authority.endIndex...]
        let at = authority.lastIndex(of: "@")
        let place = at.map { authority[authority.index(after: $0)...] } ?? authority
        guard let (host, port) = Self.split(place) else { return nil }
        self.scheme = scheme
        self.host = host
        self.port = port ?? scheme.port
        self.target = target.hasPrefix("/") ? String(target) : "/\(target)"
        user = at.map { String(authority[..<$0]) }
    }

    /// Scheme, host and port: what may be logged.
    var origin: String { "\(scheme.rawValue)://\(authority)" }

    /// The `Host` field.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == scheme.port ? name : "\(name):\(port)"
    }

    /// The `Authorization` field for the user in the URL (RFC 7617).
    var authorization: String? {
        user.map { "Basic \(Data(Self.decoded($0)).base64EncodedString())" }
    }

    /// The octets that a percent-encoded text stands for; a `%` that begins none stands for itself.
    private static func decoded(_ text: String) -> [UInt8] {
        var octets: [UInt8] = []
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "%", rest.count >= 2, let octet = UInt8(rest.prefix(2), radix: 16) {
                octets.append(octet)
                rest = rest.dropFirst(2)
            } else {
                octets += character.utf8
            }
        }
        return octets
    }

    private static func split(_ place: Substring) -> (host: String, port: Int?)? {
        var host = place
        var after: Substring = ""
        if place.first == "[" {
            guard let end = place.firstIndex(of: "]") else { return nil }
            host = place[place.index(after: place.startIndex)..<end]
            after = place[place.index(after: end)...]
        } else if let colon = place.firstIndex(of: ":") {
            host = place[..<colon]
            after = place[colon...]
        }
        guard !host.isEmpty, host.allSatisfy({ $0.isLetter || $0.isNumber || ".-_:%".contains($0) }) else { return nil }
        if after.isEmpty || after == ":" { return (String(host), nil) }
        guard after.first == ":", let port = UInt16(after.dropFirst()), port > 0 else { return nil }
        return (String(host), Int(port))
    }
}
