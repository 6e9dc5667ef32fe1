// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes

extension Page {
    /// What is to be done with a key that was made, for people.
    func prepared(_ key: PreparedKey, _ publicKey: WireGuardPublicKey) -> String {
        """
        \(key.path): the other end has to know this public key beside the old one:
          \(publicKey)
        Then: pnetctl rotate \(key.path)\(key.option)

        """
    }

    /// What became of a key that is not wanted any more, for people.
    func cancelled(_ key: PreparedKey, _ wasThere: Bool) -> String {
        "\(key.path): \(wasThere ? "the prepared key is removed" : "no key was prepared")\n"
    }

    /// How far a rotation is, for people.
    func rotated(_ report: RotateReport, _ key: PreparedKey) -> String {
        let reason = report.reason.map { ": \($0)" } ?? ""
        let meanwhile = report.meanwhile.isEmpty ? "" : " (\(report.meanwhile.joined(separator: ", ")))"
        switch report.outcome {
        case .awaiting: return "\(report.path): waiting for the other end to know the new key\(meanwhile)\n"
        case .verified:
            let targets = report.meanwhile.isEmpty ? "" : ", and targets answer"
            return "\(report.path): the other end knows the new key\(targets)\n"
        case .kept:
            return "\(report.path): " + painted("rotated", .good)
                + "; \(key.earlier) holds the old key, which the other end may forget\n"
        case .rolledBack: return "\(report.path): " + painted("the old key is in force again", .bad) + "\(reason)\n"
        default: return "\(report.path): " + painted("not rotated", .bad) + "\(reason)\n"
        }
    }
}
