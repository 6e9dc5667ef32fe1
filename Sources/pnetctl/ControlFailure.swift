// SPDX-License-Identifier: Apache-2.0

import ControlAPI
import NetworkTypes
import SystemIO

/// Why pnetd could not be asked, or did not do what it was asked.
enum ControlFailure: Error, Hashable {
    /// Nobody listens.
    case noDaemon(socket: String, cause: String)
    /// The socket is not for this user; the group is the one it is for.
    case notPermitted(socket: String, group: String?)
    /// pnetd took the question and does not answer.
    case silent(socket: String, Duration)
    /// pnetd ended the connection.
    case ended
    /// What came is no answer.
    case broken(String)
    /// pnetd answered that it will not.
    case refused(ControlError)

    /// What the kernel said to an attempt to connect.
    init(connectingTo socket: String, _ error: SystemError) {
        if error.isPermissionDenied {
            let group = (try? Files.status(of: socket)).flatMap { Account.groupName(of: $0.group) }
            self = .notPermitted(socket: socket, group: group)
        } else {
            self = .noDaemon(socket: socket, cause: SystemError.text(of: error.code))
        }
    }
}

extension ControlFailure: CustomStringConvertible {
    /// What happened and what to do about it.
    var description: String {
        switch self {
        case .noDaemon(let socket, let cause):
            """
            no pnetd answers on \(socket): \(cause)
              Is it running? systemctl status pnetd; journalctl -u pnetd
              Does it listen elsewhere? pnetctl --socket PATH; 'control: socket:' in its file says where
            """
        case .notPermitted(let socket, let group?) where group != "root":
            """
            you may not use \(socket)
              Its group is '\(group)': sudo usermod -aG \(group) USER and log in again, or use sudo
            """
        case .notPermitted(let socket, _):
            """
            you may not use \(socket)
              It is root's alone: use sudo, or name a group under 'control: group:' in the file
            """
        case .silent(let socket, let limit):
            """
            pnetd took the question on \(socket) and has not answered for \(limit.shortText)
              journalctl -u pnetd says what it is doing
            """
        case .ended: "pnetd ended the connection"
        case .broken(let what): "the answer of pnetd cannot be used: \(what)"
        case .refused(let error) where error.code == .notPermitted: "\(error)\n  Use sudo"
        case .refused(let error): error.description
        }
    }
}
