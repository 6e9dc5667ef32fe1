// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What a shared key is for.
public enum CharonSharedKeyKind: String, Hashable, Sendable {
    /// Both ends prove themselves by it.
    case preshared = "IKE"
    /// It goes into the keys besides (RFC 8784).
    case postQuantum = "PPK"
}

/// What a certificate is loaded as.
public enum CharonCertificateKind: String, Hashable, Sendable {
    /// An end's own.
    case end = "NONE"
    /// An authority's. charon refuses one that is not marked so itself.
    case authority = "CA"
}

/// A certificate as list-certs tells of it.
public struct LoadedCertificate: Hashable, Sendable {
    /// `X509`, `X509_CRL` or another of charon's names.
    public var type: String
    /// `NONE`, `CA` or another of charon's names.
    public var flag: String
    /// Whether charon has its private key.
    public var hasPrivateKey: Bool
    /// DER.
    public var octets: [UInt8]

    init(_ message: VICIMessage) {
        type = message.text("type") ?? ""
        flag = message.text("flag") ?? ""
        hasPrivateKey = message.flag("has_privkey")
        octets = message.octets("data") ?? []
    }
}

/// A certification authority, so that what was revoked can be known.
public struct CharonAuthority: Hashable, Sendable {
    /// Its name, with the prefix of ours.
    public var name: String
    /// Its certificate, PEM or DER.
    public var certificate: [UInt8]
    /// Where its lists are: http, ldap or file URIs.
    public var revocationLists: [String]
    /// Whom to ask: http URIs.
    public var responders: [String]

    /// Joins them.
    public init(name: String, certificate: [UInt8], revocationLists: [String] = [], responders: [String] = []) {
        self.name = name
        self.certificate = certificate
        self.revocationLists = revocationLists
        self.responders = responders
    }

    var message: VICIMessage {
        var section = VICIMessage()
        section.append("cacert", certificate)
        section.append("crl_uris", texts: revocationLists)
        section.append("ocsp_uris", texts: responders)
        var message = VICIMessage()
        message.append(name, section: section)
        return message
    }
}

extension Charon {
    /// Loads a shared key in the place of one of the same name. What is written to charon is cleared behind it.
    /// - Parameters:
    ///   - name: ours for it, with our prefix: only by a name can it be unloaded.
    ///   - owners: the identities that it belongs to. Empty: anybody.
    public func load(
        sharedKey name: String,
        _ key: Secret,
        as kind: CharonSharedKeyKind = .preshared,
        owners: [String],
        _ completion: @escaping Completion<Void>
    ) {
        var message = VICIMessage()
        message.append("id", name)
        message.append("type", kind.rawValue)
        message.append("data", key.bytes)
        message.append("owners", texts: owners)
        order("load-shared", message, completion)
    }

    /// Unloads a shared key. charon 5.9.8 says yes also where there is none.
    public func unload(sharedKey name: String, _ completion: @escaping Completion<Void>) {
        order("unload-shared", Self.naming("id", name), completion)
    }

    /// The names of all shared keys that were loaded over VICI by a name.
    public func sharedKeyNames(_ completion: @escaping Completion<[String]>) {
        names("get-shared", "keys", completion)
    }

    /// Loads a private key, PEM or DER without a passphrase. What is written to charon is cleared behind it.
    /// - Parameter completion: gets charon's name for it, by which alone it is unloaded: SHA-1 over its public key, in
    ///   hexadecimal. There is no prefix: a key that two load is one key.
    public func load(privateKey key: Secret, _ completion: @escaping Completion<String>) {
        var message = VICIMessage()
        message.append("type", "any")
        message.append("data", key.bytes)
        client.ask("load-key", message) { result in
            completion(
                result.flatMap { reply in
                    guard let name = reply.message.text("id") else {
                        return .failure(.incomplete("load-key", missing: "id"))
                    }
                    return .success(name)
                }
            )
        }
    }

    /// Unloads a private key.
    public func unload(privateKey name: String, _ completion: @escaping Completion<Void>) {
        order("unload-key", Self.naming("id", name), completion)
    }

    /// charon's names of all private keys that were loaded over VICI.
    public func privateKeyNames(_ completion: @escaping Completion<[String]>) {
        names("get-keys", "keys", completion)
    }

    /// Loads a certificate, PEM or DER. It has no name, and only clear-creds, which takes those of others along, unloads it:
    /// certificates in a connection or an authority go with these.
    public func load(
        certificate octets: [UInt8],
        _ kind: CharonCertificateKind,
        _ completion: @escaping Completion<Void>
    ) {
        var message = VICIMessage()
        message.append("type", "X509")
        message.append("flag", kind.rawValue)
        message.append("data", octets)
        order("load-cert", message, completion)
    }

    /// Loads a list of revoked certificates in the place of an older one of the same authority. It has no name, and only
    /// clear-creds, which takes those of others along, unloads it: it is of use until the next one.
    public func load(_ list: RevocationList, _ completion: @escaping Completion<Void>) {
        var message = VICIMessage()
        message.append("type", "X509_CRL")
        message.append("flag", CharonCertificateKind.end.rawValue)
        message.append("data", list.octets)
        order("load-cert", message, completion)
    }

    /// Drops what charon keeps of certificates and lists that it fetched or was sent; what was loaded stays.
    /// - Parameter type: `X509`, `X509_CRL` or another of charon's names; nil: all.
    public func flushCertificates(type: String? = nil, _ completion: @escaping Completion<Void>) {
        var message = VICIMessage()
        message.append("type", type)
        order("flush-certs", message, completion)
    }

    /// All certificates that charon has, from wherever.
    public func certificates(_ completion: @escaping Completion<[LoadedCertificate]>) {
        client.ask("list-certs", stream: "list-cert") { completion($0.map { $0.streamed.map(LoadedCertificate.init) }) }
    }

    /// Loads an authority in the place of one of the same name.
    public func load(_ authority: CharonAuthority, _ completion: @escaping Completion<Void>) {
        order("load-authority", authority.message, completion)
    }

    /// Unloads an authority.
    public func unload(authority name: String, _ completion: @escaping Completion<Void>) {
        order("unload-authority", Self.naming("name", name), completion)
    }

    /// The names of all authorities that were loaded over VICI.
    public func authorityNames(_ completion: @escaping Completion<[String]>) {
        names("get-authorities", "authorities", completion)
    }
}
