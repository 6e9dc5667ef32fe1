// SPDX-License-Identifier: Apache-2.0
// Messages of D-Bus: what the system's bus, or whoever has its place, sends to the agent.

@testable import HostDNS

/// Reads a message; one that is whole is written and read again, and must be the same.
@c(LLVMFuzzerTestOneInput)
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let octets = unsafe Array(UnsafeBufferPointer(start: data, count: size))
    guard let length = try? DBusMessage.length(octets[...]), length <= octets.count,
        let message = try? DBusMessage(octets.prefix(length))
    else { return 0 }
    let again = try? DBusMessage(message.bytes[...])
    precondition(again == message, "a message that was written and read is another")
    return 0
}
