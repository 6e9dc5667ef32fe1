// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import NetworkTypes
import PrivateDNS
import ProcessLink
import SystemIO

/// What pnetctl asks about names: the resolver finds it out, and the agent passes it on.
extension Agent {
    /// How long the resolver has: longer than any question of its own takes.
    private static let inquiryPatience = Duration.seconds(8)
    /// How many may be under way.
    private static let inquiryLimit = 8

    /// Has the resolver find something out; `done` is called once.
    func inquire(_ request: NamesRequest, _ done: @escaping (Result<NamesReport, ControlError>) -> Void) {
        if let objection = objection(to: request) { return done(.failure(objection)) }
        names.lastInquiry += 1
        let number = names.lastInquiry
        names.inquiries[number] = done
        let interface = request.interface.flatMap { NetworkSocket.index(of: $0) } ?? 0
        processes.send(.names(request: number, request, interface: interface), to: .resolver)
        loop.schedule(after: Self.inquiryPatience) { [weak self] in
            self?.end(number, .failure(ControlError(code: .failed, message: "the resolver does not answer")))
        }
    }

    private func objection(to request: NamesRequest) -> ControlError? {
        if site.resolver == nil { return ControlError(code: .failed, message: "the file has no resolver") }
        guard processes.isConnected(.resolver) else {
            return ControlError(code: .failed, message: "the resolver does not run; pnetctl status says more")
        }
        if let type = request.type, RecordTypeText.number(of: type) == nil {
            return ControlError(code: .malformedRequest, message: "'\(type)' is no type of records, as A or AAAA")
        }
        if request.action == .explain, request.name == nil {
            return ControlError(code: .malformedRequest, message: "the request names no name")
        }
        if let interface = request.interface, NetworkSocket.index(of: interface) == nil {
            let message = "there is no interface '\(interface)' (ip link shows those that there are)"
            return ControlError(code: .malformedRequest, message: message)
        }
        if let view = request.view, !site.views.contains(where: { $0.name == view }) {
            let known = site.views.map(\.name).joined(separator: ", ")
            let message = "the file has no view '\(view)'" + (known.isEmpty ? "" : " (it has \(known))")
            return ControlError(code: .malformedRequest, message: message)
        }
        guard names.inquiries.count < Self.inquiryLimit else {
            return ControlError(code: .busy, message: "too much is being found out about names already")
        }
        return nil
    }

    /// Takes what the resolver found.
    func foundOut(_ request: UInt64, _ report: NamesReport) { end(request, .success(report)) }

    /// The resolver is gone, and with it what it was finding out.
    func endInquiries() {
        for number in names.inquiries.keys.sorted() {
            end(number, .failure(ControlError(code: .failed, message: "the resolver has ended meanwhile")))
        }
    }

    private func end(_ number: UInt64, _ result: Result<NamesReport, ControlError>) {
        names.inquiries.removeValue(forKey: number)?(result)
    }
}
