// SPDX-License-Identifier: Apache-2.0

extension Charon {
    /// Loads a connection, in the place of one of the same name. What is the same but for its children keeps its IKE_SA;
    /// what is not keeps it too, under the old terms, unless a child was started by its start action (vici_config.c:
    /// merge_config): whoever wants the new terms at once terminates it.
    public func load(_ connection: IPsecConnection, _ completion: @escaping Completion<Void>) {
        order("load-conn", connection.message, completion)
    }

    /// Unloads a connection. Its IKE_SA stays, unless a child was started by its start action.
    public func unload(connection name: String, _ completion: @escaping Completion<Void>) {
        order("unload-conn", Self.naming("name", name), completion)
    }

    /// The names of all connections that were loaded over VICI, ours and those of others.
    public func connectionNames(_ completion: @escaping Completion<[String]>) {
        names("get-conns", "conns", completion)
    }

    /// All connections, or the one of a name.
    public func connections(named name: String? = nil, _ completion: @escaping Completion<[LoadedConnection]>) {
        var message = VICIMessage()
        message.append("ike", name)
        list("list-conns", message, stream: "list-conn", LoadedConnection.init(name:_:), completion)
    }

    /// The policies that wait for a first packet (traps), of one child or of all.
    public func policies(of child: String? = nil, _ completion: @escaping Completion<[InstalledPolicy]>) {
        var message = VICIMessage()
        message.append("trap", true)
        message.append("child", child)
        list("list-policies", message, stream: "list-policy", InstalledPolicy.init(key:_:), completion)
    }

    static func naming(_ key: String, _ name: String) -> VICIMessage {
        var message = VICIMessage()
        message.append(key, name)
        return message
    }
}

/// A policy as list-policies tells of it.
public struct InstalledPolicy: Hashable, Sendable {
    /// The child's name.
    public var child: String
    /// The connection's name.
    public var connection: String
    /// `TUNNEL` or another of charon's names.
    public var mode: String
    /// What of this end goes across.
    public var localSelectors: [String]
    /// What of the other end goes across.
    public var remoteSelectors: [String]

    /// - Parameter key: the section's name: `connection/child`, of older charons the child's alone.
    init(key: String, _ message: VICIMessage) {
        child = message.text("child") ?? key
        connection = message.text("ike") ?? ""
        mode = message.text("mode") ?? ""
        localSelectors = message.texts("local-ts")
        remoteSelectors = message.texts("remote-ts")
    }
}
