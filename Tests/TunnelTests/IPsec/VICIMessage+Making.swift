// SPDX-License-Identifier: Apache-2.0

@testable import Tunnel

extension VICIPacket {
    static func event(_ name: String, _ message: VICIMessage = VICIMessage()) -> VICIPacket {
        .event(name: Array(name.utf8), message)
    }
}

extension VICIMessage {
    static func made(_ build: (inout VICIMessage) -> Void) -> VICIMessage {
        var message = VICIMessage()
        build(&message)
        return message
    }
}
