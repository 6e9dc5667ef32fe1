// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import SystemIO

extension Reading {
    /// The whole file.
    func site(_ root: YAMLNode) -> SiteConfiguration? {
        guard
            let section = Section(
                root,
                of: "the file",
                keys: [
                    "version", "site", "paths", "networks", "resolver", "metrics", "control", "state", "alerts",
                    "reserve", "management", "ipsec", "views", "name-sets",
                ],
                planned: ["segments", "gateway", "preset"],
                reading: self
            )
        else { return nil }
        let version = section.required("version", hint: "version: 1").flatMap(self.version)
        let site = section.required("site").flatMap { node -> SiteName? in
            text(node, "site").flatMap { name($0, at: node.mark, "site") }
        }
        let paths = section.required("paths").map(self.paths)
        let networks = section.required("networks").map(self.networks)
        let resolver = section["resolver"].map(self.resolver)
        let views = section["views"].map { node in
            if resolver == nil {
                error(node.mark, "views: the file has no resolver", hint: "resolver: {listen: [...]}")
            }
            return self.views(node)
        }
        let nameSets = section["name-sets"].map { node in
            if resolver == nil {
                error(node.mark, "name-sets: the file has no resolver", hint: "resolver: {listen: [...]}")
            }
            return self.nameSets(node)
        }
        let metricsListen = section["metrics"].map(self.metrics) ?? []
        let control = section["control"].map(self.control)
        let state = section["state"].map(self.state)
        let alerts = section["alerts"].map(self.alerts) ?? []
        let reserve = section["reserve"].map(self.reserve) ?? .standard
        let management = section["management"].map(self.management) ?? .standard
        guard let version, let site, let paths, let networks else { return nil }
        return SiteConfiguration(
            version: version,
            site: site,
            paths: paths,
            networks: networks,
            resolver: resolver ?? nil,
            views: views ?? [],
            nameSets: nameSets ?? [],
            metricsListen: metricsListen,
            control: control ?? ControlConfiguration(socket: ControlConfiguration.defaultSocket, group: nil),
            state: state ?? .standard,
            alerts: alerts,
            reserve: reserve,
            management: management,
            charonSocket: section["ipsec"].flatMap(self.charonSocket) ?? SiteConfiguration.usualCharonSocket
        )
    }

    private func charonSocket(_ node: YAMLNode) -> String? {
        let section = Section(node, of: "ipsec", keys: ["socket"], reading: self)
        return section?.required("socket", hint: "where charon's vici plugin listens").flatMap {
            socketPath($0, "ipsec socket")
        }
    }

    /// The path of a UNIX socket.
    private func socketPath(_ node: YAMLNode, _ what: String) -> String? {
        guard let path = absolutePath(node, what) else { return nil }
        // sun_path of sockaddr_un, unix(7).
        if path.utf8.count > 107 { error(node.mark, "\(what): a path of at most 107 octets") }
        return path
    }

    private func management(_ node: YAMLNode) -> ManagementConfiguration {
        let section = Section(node, of: "management", keys: ["ports"], reading: self)
        guard let ports = section?.required("ports", hint: "ports: [22]").flatMap({ list($0, "management ports") })
        else { return .standard }
        let numbers = ports.compactMap { integer($0, "a management port", in: 1...65_535) }
        return ManagementConfiguration(ports: Set(numbers.map { UInt16($0) }))
    }

    private func version(_ node: YAMLNode) -> Int? {
        guard let version = integer(node, "version", in: 0...Int.max) else { return nil }
        guard version == 1 else {
            error(node.mark, "version \(version) is not known", hint: "this pnetd reads version 1")
            return nil
        }
        return version
    }

    private func metrics(_ node: YAMLNode) -> [SocketEndpoint] {
        guard let section = Section(node, of: "metrics", keys: ["listen"], reading: self) else { return [] }
        guard let node = section.required("listen") else { return [] }
        let listen = listenEndpoints(node, "metrics listen")
        // The agent hands all of them over in one message.
        if listen.count > DescriptorPassing.limit {
            error(node.mark, "metrics listen has \(listen.count) addresses", hint: "at most \(DescriptorPassing.limit)")
        }
        return listen
    }

    private func control(_ node: YAMLNode) -> ControlConfiguration {
        let section = Section(node, of: "control", keys: ["socket", "group"], reading: self)
        let socket = section?["socket"].flatMap { socketPath($0, "control socket") }
        return ControlConfiguration(
            socket: socket ?? ControlConfiguration.defaultSocket,
            group: section?["group"].flatMap { text($0, "control group") }
        )
    }

    private func state(_ node: YAMLNode) -> StateConfiguration {
        let section = Section(node, of: "state", keys: ["directory", "runtime-directory"], reading: self)
        return StateConfiguration(
            directory: section?["directory"].flatMap { absolutePath($0, "directory") }
                ?? StateConfiguration.standard.directory,
            runtimeDirectory: section?["runtime-directory"].flatMap { absolutePath($0, "runtime-directory") }
                ?? StateConfiguration.standard.runtimeDirectory
        )
    }

    private func alerts(_ node: YAMLNode) -> [AlertReceiver] {
        (list(node, "alerts", mayBeEmpty: true) ?? []).compactMap(alertReceiver)
    }

    private func alertReceiver(_ node: YAMLNode) -> AlertReceiver? {
        guard let section = Section(node, of: "an alert receiver", keys: ["webhook", "command"], reading: self) else {
            return nil
        }
        switch (section["webhook"], section["command"]) {
        case (let webhook?, nil):
            guard let url = text(webhook, "webhook") else { return nil }
            let rest = ["https://", "http://"].first { url.hasPrefix($0) }.map { url.dropFirst($0.count) }
            if let rest, let first = rest.first, first != "/", !url.utf8.contains(where: { $0 <= 0x20 }) {
                return .webhook(url)
            }
            error(webhook.mark, "webhook is not a URL that can be called", hint: "https://HOST/… or http://HOST/…")
        case (nil, let command?):
            guard let words = list(command, "command") else { return nil }
            let arguments = words.compactMap { $0.text ?? text($0, "command") }
            if let program = arguments.first, arguments.count == words.count, !program.hasPrefix("/") {
                error(words[0].mark, "command: '\(program)' is not an absolute path", hint: "no shell looks it up")
            }
            return .command(arguments)
        default:
            if !section.hasUnknownKeys { error(node.mark, "an alert receiver has either 'webhook' or 'command'") }
        }
        return nil
    }
}

extension ControlConfiguration {
    /// Where pnetctl looks unless it is told otherwise.
    public static let defaultSocket = "/run/pnetd/control.sock"
}

extension SiteConfiguration {
    /// Where Debian's charon listens unless its own file says otherwise.
    public static let usualCharonSocket = "/var/run/charon.vici"
}

extension StateConfiguration {
    /// Where pnetd writes unless it is told otherwise.
    public static let standard = StateConfiguration(directory: "/var/lib/pnetd", runtimeDirectory: "/run/pnetd")
}
