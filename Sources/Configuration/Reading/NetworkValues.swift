// SPDX-License-Identifier: Apache-2.0

import NetworkTypes

extension Reading {
    /// An address without a length.
    func address(_ node: YAMLNode, _ what: String) -> IPAddress? {
        value(node, what, as: IPAddress.self, form: "an address")
    }

    /// A prefix without host bits.
    func prefix(_ node: YAMLNode, _ what: String) -> IPPrefix? {
        guard let text = text(node, what) else { return nil }
        if let prefix = IPPrefix(text) { return prefix }
        if let meant = InterfaceAddress(text)?.prefix {
            error(node.mark, "\(what): '\(text)' has host bits set", hint: "did you mean \(meant)?")
        } else {
            let hint = IPAddress(text).map { "add the length: \(IPPrefix(host: $0))" }
            error(node.mark, "\(what): '\(text)' is not a prefix", hint: hint)
        }
        return nil
    }

    /// An address with the length of its link's prefix.
    func interfaceAddress(_ node: YAMLNode, _ what: String) -> InterfaceAddress? {
        value(node, what, as: InterfaceAddress.self, form: "an address with a prefix length") { text in
            IPAddress(text).map { "add the length, as in \(IPPrefix(host: $0))" }
        }
    }

    /// The name of an interface.
    func interface(_ node: YAMLNode, _ what: String) -> InterfaceName? {
        let hint = "1 to 15 characters, no '/', ':' or space"
        return value(node, what, as: InterfaceName.self, form: "an interface's name", hint: { _ in hint })
    }

    /// An address and a port; with a default, the port may be left out.
    func endpoint(_ node: YAMLNode, _ what: String, defaultPort: UInt16? = nil) -> SocketEndpoint? {
        guard let text = text(node, what) else { return nil }
        if let endpoint = defaultPort.map({ SocketEndpoint(text, defaultPort: $0) }) ?? SocketEndpoint(text) {
            return endpoint
        }
        let hint = IPAddress(text).map { "add the port, as in \(SocketEndpoint(address: $0, port: 9731))" }
        let form = defaultPort == nil ? "an address and a port" : "an address, with or without a port"
        error(node.mark, "\(what): '\(text)' is not \(form)", hint: hint)
        return nil
    }

    /// Endpoints that are listened on; they are declared, so that none is used twice.
    func listenEndpoints(_ node: YAMLNode, _ what: String, defaultPort: UInt16? = nil) -> [SocketEndpoint] {
        (list(node, what) ?? []).compactMap { item in
            guard let endpoint = endpoint(item, what, defaultPort: defaultPort) else { return nil }
            declared.listens.append(Sighting(value: endpoint, owner: what, mark: item.mark))
            return endpoint
        }
    }

    /// Octets of the largest packet of a path, or to a network.
    func mtu(_ node: YAMLNode, of owner: String) -> Sighting<Int>? {
        integer(node, "mtu", in: 1280...9000, hint: "IPv6 needs 1280 (RFC 8200 section 5)").map {
            Sighting(value: $0, owner: owner, mark: node.mark)
        }
    }

    /// What names something in the file.
    func name<Kind>(_ text: String, at mark: Mark, _ what: String) -> Name<Kind>? {
        if let name = Name<Kind>(text) { return name }
        let hint = "1 to 32 letters, digits, '-', '_' or '.', the first a letter or a digit"
        error(mark, "\(what): '\(text)' is not a name", hint: hint)
        return nil
    }
}
