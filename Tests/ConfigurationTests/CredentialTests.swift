// SPDX-License-Identifier: Apache-2.0

import Configuration
import NetworkTypes
import SystemIO
import Testing

/// Keys that the service manager hands over (systemd's `LoadCredential=`).
struct CredentialTests {
    private static let file = "    private-key-file: keys/a.key\n    listen-port"

    private func load(
        _ change: (String, String),
        _ credentials: (TemporaryFile) -> Credentials
    ) throws -> (loaded: LoadedConfiguration?, said: [String]) {
        let file = try TemporaryFile(Example.replacing([change]))
        defer { try? file.remove() }
        func words(_ diagnostics: [Diagnostic]) -> [String] {
            diagnostics.map { $0.description.replacing(file.path + ":", with: "") }
        }
        do {
            let loaded = try Configuration.load(path: file.path, credentials: credentials(file))
            return (loaded, words(loaded.warnings))
        } catch {
            return (nil, words(error.diagnostics))
        }
    }

    @Test func aKeyIsReadFromTheDirectoryOfCredentials() throws {
        let (loaded, _) = try load((Self.file, "    private-key-credential: a.key\n    listen-port")) {
            .directory("\($0.directory)/keys")
        }
        let key = try #require(WireGuardSecretKey(base64: Array(TemporaryFile.goodKey.utf8)))
        #expect(loaded?.configuration.paths.first?.wireGuard?.privateKey == key)
    }

    @Test func aPresharedKeyToo() throws {
        let (loaded, _) = try load(("preshared-key-file: keys/a.psk", "preshared-key-credential: a.psk")) {
            .directory("\($0.directory)/keys")
        }
        let key = try #require(WireGuardSecretKey(base64: Array(TemporaryFile.goodKey.utf8)))
        #expect(loaded?.configuration.paths.first?.peers.first?.presharedKey == key)
    }

    @Test func withoutCredentialsThereIsAnError() throws {
        let (_, said) = try load((Self.file, "    private-key-credential: a.key\n    listen-port")) { _ in
            .directory(nil)
        }
        #expect(
            said == [
                "8:29: error: private-key-credential: pnetd was handed no credentials "
                    + "(LoadCredential=a.key:FILE in pnetd.service)"
            ]
        )
    }

    @Test func aCheckByHandCannotLookAtThem() throws {
        let (loaded, said) = try load((Self.file, "    private-key-credential: a.key\n    listen-port")) { _ in
            .ofTheService
        }
        #expect(loaded != nil)
        #expect(
            said == [
                "8:29: warning: private-key-credential: 'a.key' cannot be looked at here, only by pnetd.service"
            ]
        )
    }

    @Test(arguments: ["../a.key", "/etc/passwd", "..", "keys/a.key"])
    func aCredentialIsNoPath(name: String) throws {
        let (_, said) = try load((Self.file, "    private-key-credential: \(name)\n    listen-port")) {
            .directory("\($0.directory)/keys")
        }
        #expect(
            said == [
                "8:29: error: private-key-credential must be the name of a credential, not a path (or use a key file)"
            ]
        )
    }

    @Test func oneOfTheTwo() throws {
        let both = "    private-key-file: keys/a.key\n    private-key-credential: a.key\n    listen-port"
        let (_, said) = try load((Self.file, both)) { .directory("\($0.directory)/keys") }
        #expect(
            said == [
                "9:29: error: path 'vpn-a' has both 'private-key-file' and 'private-key-credential' (remove one)"
            ]
        )
    }

    @Test func aCredentialThatIsNotThereIsSaid() throws {
        let (_, said) = try load((Self.file, "    private-key-credential: none\n    listen-port")) {
            .directory("\($0.directory)/keys")
        }
        #expect(said == ["8:29: error: private-key-credential: cannot read 'none': No such file or directory"])
    }
}
