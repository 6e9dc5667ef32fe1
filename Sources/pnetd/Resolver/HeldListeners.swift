// SPDX-License-Identifier: Apache-2.0

import PrivateDNS
import ProcessLink
import SystemIO

/// The sockets that this process got from the agent, and keeps while the agent is away.
struct HeldListeners {
    private final class Held {
        let description: ListenerDescription
        let descriptor: FileDescriptor

        init(_ description: ListenerDescription, _ descriptor: consuming FileDescriptor) {
            self.description = description
            self.descriptor = descriptor
        }
    }

    private var held: [Held] = []

    /// What is held, and the descriptors in the same order.
    var descriptions: [ListenerDescription] { held.map(\.description) }
    var descriptors: [Int32] { held.map { $0.descriptor.raw } }

    /// The sockets as the workers serve them: one of each set a worker.
    var forWorkers: [WorkerPool.Listener] {
        held.compactMap { listener in
            guard listener.description.kind.role == .resolver, (0..<64).contains(listener.description.index) else {
                return nil
            }
            return WorkerPool.Listener(
                worker: listener.description.index,
                descriptor: listener.descriptor.raw,
                isStream: listener.description.kind == .dnsTCP
            )
        }
    }

    /// Holds what is wanted and closes everything else.
    /// - Parameters:
    ///   - attached: which of the wanted come with a descriptor.
    ///   - descriptors: those, in order; they are owned from here on.
    /// - Returns: what is wanted but not there.
    mutating func replace(
        by wanted: [ListenerDescription],
        attached: [Bool],
        _ descriptors: [Int32]
    ) -> [ListenerDescription] {
        var arrived: [Held?] = []
        var rest = descriptors[...]
        for (description, isAttached) in zip(wanted, attached) {
            guard isAttached, let raw = rest.popFirst() else {
                arrived.append(nil)
                continue
            }
            arrived.append(Held(description, FileDescriptor(owning: raw)))
        }
        while let raw = rest.popFirst() { _ = FileDescriptor(owning: raw) }
        var missing: [ListenerDescription] = []
        var next: [Held] = []
        for (index, description) in wanted.enumerated() {
            let new = index < arrived.count ? arrived[index] : nil
            if let listener = new ?? held.first(where: { $0.description == description }) {
                next.append(listener)
            } else {
                missing.append(description)
            }
        }
        held = next
        return missing
    }
}
