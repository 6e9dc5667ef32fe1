// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import SystemIO
import Tunnel

/// Certificates, their keys and lists of revoked ones are replaced by others, by people and by programs, while the file
/// that names them stays: they are taken as they come.
extension Agent {
    private static let credentialInterval = Duration.seconds(5)

    /// Looks at the files for as long as the agent runs.
    func watchCredentialFiles() {
        lookAtCredentialFiles()
        loop.schedule(after: Self.credentialInterval) { [weak self] in self?.watchCredentialFiles() }
    }

    private func lookAtCredentialFiles() {
        guard !isEnding, trial == nil, rotation == nil else { return }
        let others = inForce.credentialFiles.filter { path, status in (try? Files.status(of: path)) != status }
        guard !others.isEmpty else { return }
        let problem = takeCredentials(others.keys.sorted())
        if let problem, credentialProblem != problem { log.error("\(problem)") }
        credentialProblem = problem
    }

    /// What is half written is refused, and asked for again.
    ///
    /// - Returns: why they are not in force, in words.
    private func takeCredentials(_ files: [String]) -> String? {
        let names = files.joined(separator: ", ")
        let loaded: LoadedConfiguration
        do {
            // The file itself may have been edited since, and so may zone files: that waits for a reload.
            loaded = try Configuration.read(inForce.text, file: file, zoneFiles: .kept(inForce.zoneFiles))
        } catch {
            let faults = error.diagnostics.map(\.description).joined(separator: "; ")
            return "\(names) changed, and what was read before stays in force: \(faults)"
        }
        guard loaded.configuration.paths.map(\.wireGuard) == site.paths.map(\.wireGuard) else {
            return "\(names) changed, and so did a key of WireGuard: pnetctl reload takes all of it"
        }
        for path in loaded.configuration.paths {
            guard case .certificates(let proof)? = path.ipsec?.proof, let own = proof.own.first else { continue }
            // One may have been put in its place, and the other not yet.
            guard CertificateFacts.fits(Array(own.utf8), privateKey: proof.privateKey) else {
                return "\(names) changed, and what was read before stays in force: certificate and private-key-file of "
                    + "\(path.name) do not belong together"
            }
        }
        if let identity = loaded.configuration.resolver?.tls?.identity, !identity.fits {
            return
                "\(names) changed, and what was read before stays in force: certificate-file and private-key-file of the "
                + "resolver's tls do not belong together"
        }
        guard loaded.configuration != site else {
            inForce = loaded
            return nil
        }
        log.notice("\(names) changed")
        _ = take(loaded)
        return nil
    }
}
