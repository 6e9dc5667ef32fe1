// SPDX-License-Identifier: Apache-2.0

public import NetworkTypes

/// What is asked about names, with the command `names`:
/// `{"action":"explain","name":"hub1.azure-devices.net","type":"A","from":"10.1.0.7","interface":"eth1"}`.
public struct NamesRequest: Hashable, Sendable, Codable {
    /// What is wanted.
    public enum Action: String, Hashable, Sendable, Codable, CaseIterable {
        /// How the answer to a question comes about; one ``NameExplanation``.
        case explain
        /// To forget what is kept; one ``FlushReport``.
        case flush
        /// What is kept; one ``NameDump``.
        case dump
        /// Whether the site's names lead where they should; one ``NameAudit``.
        case audit
    }

    /// What is wanted.
    public var action: Action
    /// With `explain`: the name. With `flush` and `dump`: that name and all below it; all names where it is left out.
    public var name: DomainName?
    /// With `explain`: the type, as in `AAAA` or `TYPE28`; A where it is left out.
    public var type: String?
    /// With `explain`: the client who is answered; one that may ask where it is left out.
    public var from: IPAddress?
    /// With `explain`: the interface on which that client asks, as views may say; unknown where it is left out.
    public var interface: InterfaceName?
    /// With `explain`: the view that the client sees, whoever it is.
    public var view: String?

    /// With `explain`: what the upstreams say is wanted, whatever zones there are. No client gets that.
    public var ignoringZones: Bool?

    /// With `audit`: names to ask for besides those that the site has.
    public var names: [DomainName]?

    /// Makes a request.
    public init(
        _ action: Action,
        name: DomainName? = nil,
        type: String? = nil,
        from: IPAddress? = nil,
        interface: InterfaceName? = nil,
        view: String? = nil,
        ignoringZones: Bool? = nil,
        names: [DomainName]? = nil
    ) {
        self.names = names
        self.ignoringZones = ignoringZones
        self.action = action
        self.name = name
        self.type = type
        self.from = from
        self.interface = interface
        self.view = view
    }
}
