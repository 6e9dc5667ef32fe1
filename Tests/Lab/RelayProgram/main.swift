// SPDX-License-Identifier: Apache-2.0

import Lab
import NetworkTypes

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 4, let listening = SocketEndpoint(words[0]), let gateway = SocketEndpoint(words[1]),
    let delay = Duration(text: words[2]), let jitter = Duration(text: words[3])
else { preconditionFailure("usage: lab-relay LISTEN GATEWAY DELAY JITTER") }
try Relay(from: listening, to: gateway, Delay(eachWay: delay, jitter: jitter)).run()
