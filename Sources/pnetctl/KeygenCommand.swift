// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NetworkTypes
import SystemIO

/// `pnetctl keygen`
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Makes a WireGuard key; needs no pnetd.",
        discussion: """
            Prints a private key, as a file that private-key-file names holds it:
              (umask 077; pnetctl keygen > keys/vpn-a.key)
              pnetctl keygen --public keys/vpn-a.key
            Nothing is printed to a file that others than its owner may open.
            """
    )

    @Flag(name: .customLong("public"), help: "Print the public key of a private key.")
    var isPublic = false
    @Flag(name: .customLong("preshared"), help: "Make a preshared key instead, for preshared-key-file.")
    var isPreshared = false
    @Argument(help: "With --public: the file of the private key; default: standard input.", completion: .file())
    var file: String?

    func validate() throws {
        if isPublic, isPreshared { throw ValidationError("a preshared key has no public key") }
        if file != nil, !isPublic { throw ValidationError("a FILE is read with --public only; redirect output with >") }
    }

    func run() throws {
        do throws(KeyFailure) {
            StandardStream.output.write(try text())
        } catch {
            StandardStream.error.write("pnetctl: \(error)\n")
            throw ExitCode(1)
        }
    }

    /// What is printed. The heap that it passes through is cleared as it is freed.
    private func text() throws(KeyFailure) -> String {
        guard !isPublic else { return "\(try Self.privateKey(in: file).publicKey)\n" }
        if let output = try? Files.status(of: "/dev/stdout"), output.isRegular, output.permissions & 0o077 != 0 {
            throw .openToOthers
        }
        let key: WireGuardSecretKey
        do throws(SystemError) { key = try Self.randomKey() } catch { throw .system(error) }
        return String(decoding: (isPreshared ? key : key.clamped).keyFile, as: UTF8.self)
    }

    static func randomKey() throws(SystemError) -> WireGuardSecretKey {
        guard let key = WireGuardSecretKey(bytes: try RandomOctets.make(32)) else {
            preconditionFailure("32 octets are a key")
        }
        return key
    }

    private static func privateKey(in file: String?) throws(KeyFailure) -> WireGuardSecretKey {
        let octets: [UInt8]
        do throws(SystemError) {
            if let file {
                octets = try Files.read(file, limit: 4096)
            } else {
                octets = try Files.read(FileDescriptor.duplicating(0), limit: 4096)
            }
        } catch {
            throw .system(error)
        }
        guard let key = WireGuardSecretKey(base64: octets), !key.isZero else {
            throw .noKey(file.map { "'\($0)'" } ?? "standard input")
        }
        return key
    }
}

/// Why there is no key; what was read is never repeated, for it may be a key with a slip in it.
private enum KeyFailure: Error, CustomStringConvertible {
    case openToOthers
    case noKey(String)
    case system(SystemError)

    var description: String {
        switch self {
        case .openToOthers:
            """
            the file that this would go to is open to others than its owner; nothing was written
              (umask 077; pnetctl keygen > FILE), or chmod 600 a file that is there
            """
        case .noKey(let place):
            """
            \(place) holds no WireGuard private key
              It is one line of 44 characters, as pnetctl keygen prints
            """
        case .system(let error): error.description
        }
    }
}
