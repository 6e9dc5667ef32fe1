// SPDX-License-Identifier: Apache-2.0

import Digests
import NetworkTypes

extension IPsecConnection {
    /// load-conn's message: one section of the connection's name.
    public var message: VICIMessage {
        var message = VICIMessage()
        message.append(name, section: section)
        return message
    }

    /// SHA-256 over load-conn's message, to compare with what was loaded last: charon does not tell all of it again. nil
    /// where the host's library refuses to make one.
    public var digest: [UInt8]? {
        var octets: [UInt8] = []
        var plain = self
        (plain.edition, plain.uniqueness) = (0, .replace)
        guard (try? plain.message.encode(into: &octets)) != nil else { return nil }
        return Digest.sha256.of(octets)
    }

    private var section: VICIMessage {
        var section = VICIMessage()
        section.append("version", 2)
        section.append("local_addrs", texts: localAddresses.map(\.description))
        section.append("remote_addrs", texts: remoteAddresses.map(\.description))
        section.append("local_port", localPort)
        section.append("remote_port", remotePort)
        section.append("proposals", texts: proposals)
        // One path, one way: the tunnel must not move to another uplink by itself.
        section.append("mobike", false)
        section.append("dpd_delay", deadPeerDelay.wholeSeconds)
        section.append("encap", forcesEncapsulation)
        section.append("fragmentation", fragmentation.rawValue)
        section.append("keyingtries", 0)
        section.append("unique", uniqueness.rawValue)
        section.append("send_cert", certificateSending.rawValue)
        section.append("rekey_time", rekeyTime?.wholeSeconds)
        section.append("reauth_time", reauthenticationTime?.wholeSeconds)
        section.append("over_time", editedOverTime)
        section.append("rand_time", randomTime?.wholeSeconds)
        if let postQuantumKey {
            section.append("ppk_id", postQuantumKey.identity)
            section.append("ppk_required", postQuantumKey.isRequired)
        }
        interfaceIDs?.append(to: &section)
        section.append("local", section: local.section)
        var other = remote.section
        other.append("revocation", revocation?.rawValue)
        section.append("remote", section: other)
        var all = VICIMessage()
        for child in children { all.append(child.name, section: child.section) }
        section.append("children", section: all)
        return section
    }

    /// In seconds. What is added to is what charon takes where nothing is said, a tenth of the time to the renewal.
    private var editedOverTime: Int64? {
        guard edition > 0 else { return overTime?.wholeSeconds }
        return (overTime ?? (rekeyTime ?? Self.usualRekeyTime) / 10).wholeSeconds + Int64(edition)
    }

    /// charon's default (swanctl.conf(5)).
    private static let usualRekeyTime = Duration.seconds(4 * 3_600)
}

extension IPsecConnection.Party {
    fileprivate var section: VICIMessage {
        var section = VICIMessage()
        switch proof {
        case .presharedKey:
            section.append("auth", "psk")
        case .certificate(let certificates, let authorities):
            section.append("auth", "pubkey")
            if !certificates.isEmpty { section.append("certs", list: certificates) }
            if !authorities.isEmpty { section.append("cacerts", list: authorities) }
        }
        section.append("id", identity)
        return section
    }
}

extension IPsecConnection.Child {
    fileprivate var section: VICIMessage {
        var section = VICIMessage()
        section.append("mode", "tunnel")
        section.append("policies", true)
        section.append("hw_offload", false)
        section.append("esp_proposals", texts: proposals)
        section.append("local_ts", texts: localSelectors.map(\.description))
        section.append("remote_ts", texts: remoteSelectors.map(\.description))
        interfaceIDs?.append(to: &section)
        section.append("reqid", requestID)
        section.append("set_mark_out", outboundMark?.text)
        section.append("rekey_time", rekeyTime?.wholeSeconds)
        section.append("life_time", lifeTime?.wholeSeconds)
        section.append("rand_time", randomTime?.wholeSeconds)
        section.append("start_action", startAction.rawValue)
        section.append("close_action", closeAction.rawValue)
        section.append("dpd_action", deadPeerAction.asDeadPeerAction)
        section.append("replay_window", replayWindow)
        return section
    }
}

extension IPsecConnection.Action {
    /// Its name where an end is dead: older charons know only these.
    fileprivate var asDeadPeerAction: String {
        switch self {
        case .none: "clear"
        case .trap: "trap"
        case .start: "restart"
        }
    }
}

extension IPsecConnection.Mark {
    fileprivate var text: String {
        "0x\(String(value, radix: 16))/0x\(String(mask, radix: 16))"
    }
}

extension IPsecInterfaceIDs {
    fileprivate func append(to section: inout VICIMessage) {
        section.append("if_id_in", inbound)
        section.append("if_id_out", outbound)
    }
}

extension Duration {
    /// In whole seconds, as charon's times are; what is more than none is at least one.
    var wholeSeconds: Int64 {
        components.attoseconds > 0 ? components.seconds + 1 : components.seconds
    }
}
