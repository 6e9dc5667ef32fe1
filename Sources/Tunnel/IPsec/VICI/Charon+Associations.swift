// SPDX-License-Identifier: Apache-2.0

/// Which SAs a command is for. Names are the connection's and its child's; numbers are charon's ``IKEAssociation/uniqueID``
/// and ``ChildAssociation/uniqueID``. With several, all must fit.
public struct CharonSelection: Hashable, Sendable {
    /// IKE_SAs of this connection.
    public var connection: String?
    /// The IKE_SA of this number.
    public var associationID: UInt32?
    /// CHILD_SAs of this name.
    public var child: String?
    /// The CHILD_SA of this number.
    public var childID: UInt32?

    private init() {}

    /// All IKE_SAs of a connection, with their children.
    public static func connection(_ name: String) -> Self {
        var selection = Self()
        selection.connection = name
        return selection
    }

    /// One IKE_SA with its children.
    public static func association(_ uniqueID: UInt32) -> Self {
        var selection = Self()
        selection.associationID = uniqueID
        return selection
    }

    /// All CHILD_SAs of a name in a connection; their IKE_SA stays.
    public static func child(_ name: String, of connection: String? = nil) -> Self {
        var selection = Self()
        selection.child = name
        selection.connection = connection
        return selection
    }

    /// One CHILD_SA; its IKE_SA stays.
    public static func child(_ uniqueID: UInt32) -> Self {
        var selection = Self()
        selection.childID = uniqueID
        return selection
    }

    var message: VICIMessage {
        var message = VICIMessage()
        message.append("child", child)
        message.append("ike", connection)
        message.append("child-id", childID)
        message.append("ike-id", associationID)
        return message
    }
}

extension Charon {
    /// Lets charon begin to build a child, and its IKE_SA where there is none. Done is when it began: events tell the rest.
    /// - Parameters:
    ///   - child: the child's name; nil: only the IKE_SA.
    ///   - connection: the connection's name.
    public func initiate(child: String?, of connection: String, _ completion: @escaping Completion<Void>) {
        var message = VICIMessage()
        message.append("child", child)
        message.append("ike", connection)
        message.append("timeout", -1)
        order("initiate", message, completion)
    }

    /// Lets charon end SAs. Done is when it began; ``VICIError/refused(_:reason:)`` where there are none, and where one of
    /// several went by itself just then, as after a rekeying: the others end all the same.
    /// - Parameters:
    ///   - isForced: whether IKE_SAs end at once, without waiting for the other end.
    ///   - completion: gets how many SAs it is about.
    public func terminate(
        _ selection: CharonSelection,
        isForced: Bool = false,
        _ completion: @escaping Completion<Int>
    ) {
        var message = selection.message
        if isForced { message.append("force", true) }
        message.append("timeout", -1)
        client.ask("terminate", message) { completion($0.map { $0.message.number("matches") ?? 0 }) }
    }

    /// Lets charon renew the keys of SAs. Done is when it began; ``VICIError/refused(_:reason:)`` where there are none.
    /// - Parameters:
    ///   - reauthenticates: whether the ends prove themselves again, by another IKE_SA.
    ///   - completion: gets how many SAs it is about.
    public func rekey(
        _ selection: CharonSelection,
        reauthenticates: Bool = false,
        _ completion: @escaping Completion<Int>
    ) {
        var message = selection.message
        if reauthenticates { message.append("reauth", true) }
        client.ask("rekey", message) { completion($0.map { $0.message.number("matches") ?? 0 }) }
    }

    /// All IKE_SAs, or those of a connection, with their children.
    ///
    /// One that charon is at work on just then is left out, as charon does not wait for it (`noblock`); in answer to an
    /// event that is often the very one that the event is about. Only what is missing time and again is gone.
    public func associations(
        of connection: String? = nil,
        _ completion: @escaping Completion<[IKEAssociation]>
    ) {
        var message = VICIMessage()
        message.append("noblock", true)
        message.append("ike", connection)
        list("list-sas", message, stream: "list-sa", IKEAssociation.init(name:_:), completion)
    }
}
