// SPDX-License-Identifier: Apache-2.0

import Logging
import ProcessLink
import SystemIO

/// The listening sockets that the agent handed over: kept while the agent is away, served by the web server, or as names
/// over TLS.
final class ServedListeners {
    private final class Listener {
        let descriptor: FileDescriptor
        let service: ListenerService

        init(_ descriptor: consuming FileDescriptor, _ service: ListenerService) {
            self.descriptor = descriptor
            self.service = service
        }
    }

    private let server: WebServer
    private let names: NameTraffic
    private let log: Logger
    private var served: [(description: ListenerDescription, listener: Listener)] = []

    init(server: WebServer, names: NameTraffic, log: Logger) {
        self.server = server
        self.names = names
        self.log = log
    }

    /// What is held, and the descriptors in the same order.
    var descriptions: [ListenerDescription] { served.map(\.description) }
    var descriptors: [Int32] { served.map { $0.listener.descriptor.raw } }

    /// Serves what is wanted and closes everything else.
    /// - Parameters:
    ///   - attached: which of the wanted come with a descriptor.
    ///   - descriptors: those, in order; they are owned from here on.
    func replace(by wanted: [ListenerDescription], attached: [Bool], _ descriptors: [Int32]) {
        var rest = descriptors[...]
        for (description, isAttached) in zip(wanted, attached) where isAttached {
            guard let raw = rest.popFirst() else { break }
            begin(description, FileDescriptor(owning: raw))
        }
        for raw in rest { _ = FileDescriptor(owning: raw) }
        served.removeAll { description, listener in
            guard !wanted.contains(description) else { return false }
            listener.service.stop()
            log.info("no longer listening", metadata: ["on": "\(description.endpoint)"])
            return true
        }
        for description in wanted where !descriptions.contains(description) {
            log.error("the agent sent no usable socket", metadata: ["for": "\(description.endpoint)"])
        }
    }

    private func begin(_ description: ListenerDescription, _ descriptor: consuming FileDescriptor) {
        guard description.kind.role == .frontend else { return }
        do {
            // The server closes its own copy when it stops; this one is for the agent's successor.
            let copy = try descriptor.duplicate().release()
            let service = try description.kind == .dnsTLS ? names.serve(copy) : server.serve(copy)
            if let index = served.firstIndex(where: { $0.description == description }) {
                served.remove(at: index).listener.service.stop()
            }
            served.append((description, Listener(descriptor, service)))
            log.info("listening", metadata: ["on": "\(description.endpoint)"])
        } catch {
            log.error("cannot serve \(description.endpoint): \(error)")
        }
    }
}
