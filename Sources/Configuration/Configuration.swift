// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes
public import PathHealth
public import SystemIO

/// A file that may be acted on.
public struct LoadedConfiguration: Equatable, Sendable {
    /// What it asks for.
    public private(set) var configuration: SiteConfiguration
    /// What is odd about it.
    public let warnings: [Diagnostic]
    /// The file as it stood.
    public let text: [UInt8]
    /// The files with certificates, their keys and lists of revoked ones that it names, as they were when they were read:
    /// others may come in their place while it stays the same.
    public let credentialFiles: [String: Files.Status]
    /// The zone files that it names.
    public let zoneFiles: ZoneFiles

    /// The same with another key in the file that a path's private key is in.
    public func replacingPrivateKey(of path: PathName, with key: WireGuardSecretKey) -> LoadedConfiguration {
        var loaded = self
        if let place = configuration.paths.firstIndex(where: { $0.name == path }) {
            loaded.configuration.paths[place].replacePrivateKey(with: key)
        }
        return loaded
    }
}

/// The one file that says what pnetd does.
public enum Configuration {
    /// Reads a file and the keys that it names. Throws everything that is wrong, all at once.
    /// - Parameters:
    ///   - credentials: where keys are that the service manager hands over.
    ///   - zoneFiles: what becomes of zones whose files are not whole.
    public static func load(
        path: String,
        credentials: Credentials = .ofThisProcess,
        zoneFiles: ZoneFiles.Terms = .needed
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        try read(try octets(of: path), file: path, credentials: credentials, zoneFiles: zoneFiles)
    }

    /// Reads what a file asks of health and decisions, and none of the files that it names: a copy of it will do, on any
    /// machine. Throws everything that is wrong, all at once.
    public static func loadPolicies(path: String) throws(ConfigurationErrors) -> [NetworkPolicy] {
        let reading = Reading(file: path, credentials: .ofTheService, readsNamedFiles: false)
        return try finish(reading, try octets(of: path)).configuration.policies
    }

    private static func octets(of path: String) throws(ConfigurationErrors) -> [UInt8] {
        do {
            return try Files.read(path)
        } catch {
            let message = "cannot read the file: \(SystemError.text(of: error.code))"
            let fault = Diagnostic(file: path, line: 0, column: 0, message: message, hint: nil, severity: .error)
            throw ConfigurationErrors(diagnostics: [fault])
        }
    }

    /// Reads the text of a file; `file` is its name in diagnostics, and what key files are relative to.
    public static func read(
        _ octets: [UInt8],
        file: String,
        credentials: Credentials = .ofThisProcess,
        zoneFiles: ZoneFiles.Terms = .needed
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        try finish(Reading(file: file, credentials: credentials, zoneFileTerms: zoneFiles), octets)
    }

    private static func finish(
        _ reading: Reading,
        _ octets: [UInt8]
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        let configuration = reading.root(octets).flatMap(reading.site)
        reading.checkReferences()
        let errors = reading.diagnostics.filter { $0.severity == .error }
        guard errors.isEmpty, let configuration else { throw ConfigurationErrors(diagnostics: errors.sorted()) }
        return LoadedConfiguration(
            configuration: configuration,
            warnings: reading.diagnostics.sorted(),
            text: octets,
            credentialFiles: reading.declared.credentialFiles,
            zoneFiles: reading.declared.zoneFiles
        )
    }
}
