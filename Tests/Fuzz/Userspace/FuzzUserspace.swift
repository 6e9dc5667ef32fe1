// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a userspace WireGuard process answers.

import FuzzKit
import NetworkTypes

@testable import Tunnel

/// The input is the whole answer.
@c(LLVMFuzzerTestOneInput)
public func fuzzUserspace(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let device = try? UserspaceAnswer.parse(input) else { return 0 }
    // What was understood can be told to another, and is understood in the same way.
    let change = WireGuardChange(from: WireGuardDevice(), to: device.settings, toldBefore: [:])
    let text = UserspaceWireGuard.request(change).joined()
    precondition((try? UserspaceAnswer.parse(Array(text.utf8))) == device.fresh)
    return 0
}
