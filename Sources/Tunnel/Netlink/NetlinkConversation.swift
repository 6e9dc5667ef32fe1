// SPDX-License-Identifier: Apache-2.0

import CLinux
import SystemIO

/// Requests and their answers over one transport, matched by sequence number.
final class NetlinkConversation {
    private let transport: any NetlinkTransport
    private var sequence: UInt32 = 0
    /// Messages sent that change something: a run that changes nothing sends none.
    private(set) var mutations = 0

    init(over transport: any NetlinkTransport) {
        self.transport = transport
    }

    /// Asks for a change and waits for the kernel's word.
    func change(_ message: NetlinkMessage, _ operation: @autoclosure () -> String) throws(NetlinkError) {
        mutations += 1
        _ = try exchange(message, flags: NLM_F_ACK, operation())
    }

    /// Asks for changes in one datagram: each is carried out in its turn, whatever becomes of the others. A hundred or
    /// two at a time keep within the buffers.
    ///
    /// - Returns: the errors, by the messages' places.
    func change(
        _ messages: [NetlinkMessage],
        _ operation: (Int) -> String
    ) throws(NetlinkError) -> [Int: NetlinkError] {
        guard !messages.isEmpty else { return [:] }
        mutations += messages.count
        let first = sequence &+ 1
        var bytes: [UInt8] = []
        for (place, message) in messages.enumerated() {
            sequence &+= 1
            // The kernel tells of errors unasked; its word on the last one says that all are done.
            var numbered = place == messages.count - 1 ? message.asking(NLM_F_ACK) : message
            numbered.address(sequence: sequence)
            bytes += numbered.bytes
        }
        try transport.send(bytes[...])
        var errors: [Int: NetlinkError] = [:]
        while true {
            guard let datagram = try transport.receive() else {
                throw .noAnswer(operation: operation(messages.count - 1))
            }
            for reply in NetlinkReply.parse(datagram) where reply.type == NLMSG_ERROR {
                let place = Int(reply.sequence &- first)
                guard messages.indices.contains(place) else { continue }
                if let error = Self.error(in: reply, operation(place)) { errors[place] = error }
                if reply.sequence == sequence { return errors }
            }
        }
    }

    /// Asks one question that has one answer.
    func ask(_ message: NetlinkMessage, _ operation: @autoclosure () -> String) throws(NetlinkError) -> [NetlinkReply] {
        try exchange(message, flags: NLM_F_ACK, operation())
    }

    /// Asks for everything of a kind; asks again where it changed meanwhile.
    func dump(_ message: NetlinkMessage, _ operation: @autoclosure () -> String) throws(NetlinkError) -> [NetlinkReply]
    {
        for _ in 0..<10 {
            let replies = try exchange(message, flags: NLM_F_DUMP, operation())
            if !replies.contains(where: { $0.flags & NLM_F_DUMP_INTR != 0 }) { return replies }
        }
        throw .neverConsistent(operation: operation())
    }

    /// Asks for everything of a kind, and hands on each message as it comes, for as long as the closure wants more.
    ///
    /// - Returns: whether all was handed on. Otherwise, and after an error, the rest of the answer is still on its way,
    ///   and the transport is of no more use.
    func dump(
        _ message: NetlinkMessage,
        _ operation: @autoclosure () -> String,
        each body: (NetlinkReply) -> Bool
    ) throws(NetlinkError) -> Bool {
        try exchange(message, flags: NLM_F_DUMP, operation(), each: body)
    }

    /// Sends messages that take effect together or not at all (nfnetlink batches); the last of `messages` is acked.
    ///
    /// - Parameters:
    ///   - opening: the message that begins the batch; the kernel answers it only with an error.
    ///   - closing: the message that ends it.
    func batch(
        opening: NetlinkMessage,
        _ messages: [NetlinkMessage],
        closing: NetlinkMessage,
        _ operation: @autoclosure () -> String
    ) throws(NetlinkError) {
        mutations += 1
        var bytes: [UInt8] = []
        var operations: ClosedRange<UInt32> = sequence + 1...sequence + 1
        let all = [opening] + messages + [closing]
        for (index, message) in all.enumerated() {
            sequence &+= 1
            operations = operations.lowerBound...sequence
            let isLastChange = index == all.count - 2
            var numbered = isLastChange ? message.asking(NLM_F_ACK) : message
            numbered.address(sequence: sequence)
            bytes += numbered.bytes
        }
        try transport.send(bytes[...])
        while true {
            guard let datagram = try transport.receive() else { throw .noAnswer(operation: operation()) }
            for reply in NetlinkReply.parse(datagram) where operations.contains(reply.sequence) {
                guard reply.type == NLMSG_ERROR else { continue }
                if let error = Self.error(in: reply, operation()) { throw error }
                return
            }
        }
    }

    private func exchange(
        _ message: NetlinkMessage,
        flags: Int32,
        _ operation: @autoclosure () -> String
    ) throws(NetlinkError) -> [NetlinkReply] {
        var replies: [NetlinkReply] = []
        _ = try exchange(message, flags: flags, operation()) { reply in
            replies.append(reply)
            return true
        }
        return replies
    }

    private func exchange(
        _ message: NetlinkMessage,
        flags: Int32,
        _ operation: @autoclosure () -> String,
        each body: (NetlinkReply) -> Bool
    ) throws(NetlinkError) -> Bool {
        sequence &+= 1
        var numbered = message.asking(flags)
        numbered.address(sequence: sequence)
        try transport.send(numbered.bytes)
        while true {
            guard let datagram = try transport.receive() else { throw .noAnswer(operation: operation()) }
            for reply in NetlinkReply.parse(datagram) where reply.sequence == sequence {
                switch reply.type {
                case Int(NLMSG_ERROR):
                    if let error = Self.error(in: reply, operation()) { throw error }
                    return true
                case Int(NLMSG_DONE):
                    // A dump that failed says so in the number behind its end.
                    if let code = reply.header(Int32.self), code < 0 {
                        throw .refused(operation: operation(), code: 0 &- code, text: nil)
                    }
                    if reply.flags & NLM_F_DUMP_INTR != 0 { _ = body(reply) }
                    return true
                default:
                    guard body(reply) else { return false }
                }
            }
        }
    }

    private static func error(in reply: NetlinkReply, _ operation: String) -> NetlinkError? {
        guard let code = reply.header(Int32.self), code != 0 else { return nil }
        // struct nlmsgerr: i32 code, then the request's header (NETLINK_CAP_ACK), then attributes.
        let hasText = reply.flags & Int32(NLM_F_ACK_TLVS) != 0
        let attributes = NetlinkAttributes(reply.payload.dropFirst(MemoryLayout<nlmsgerr>.size))
        let text = hasText ? attributes.text(NLMSGERR_ATTR_MSG) : nil
        return .refused(operation: operation, code: 0 &- code, text: text)
    }
}

extension NetlinkMessage {
    /// The message with more flags.
    func asking(_ flags: Int32) -> NetlinkMessage {
        var message = self
        message.addFlags(flags)
        return message
    }
}
