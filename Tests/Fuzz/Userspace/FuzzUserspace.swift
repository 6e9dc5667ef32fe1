// SPDX-License-Identifier: Apache-2.0
// Fuzzes what a userspace WireGuard process answers.

import FuzzKit
import NetworkTypes

@testable import Tunnel

/// The input is the whole answer.
@c(LLVMFuzzerTestOneInput)
public func fuzzUserspace(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    guard let device = try? UserspaceWireGuard.parse(input.split(separator: "\n")) else { return 0 }
    // What was understood can be told to another, and is understood in the same way.
    let change = WireGuardChange(from: WireGuardDevice(), to: device.settings, toldBefore: [:])
    let text = UserspaceWireGuard.text(of: change)
    precondition((try? UserspaceWireGuard.parse(text.split(separator: "\n"))) == device.fresh)
    return 0
}
