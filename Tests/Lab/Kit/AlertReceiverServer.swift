// SPDX-License-Identifier: Apache-2.0

import SystemIO

/// Takes webhooks in the cloud: socat answers every request with 200 and keeps the body.
public final class AlertReceiverServer {
    private let file: String

    /// Begins to listen.
    public init(_ lab: Lab, port: Int) throws {
        file = "\(lab.cloud.folder)/alerts"
        let answer = try lab.cloud.write(
            "receive.sh",
            """
            length=0
            while read -r line; do
              line=$(printf %s "$line" | tr -d '\\r')
              case "$line" in [Cc]ontent-[Ll]ength:*) length=${line#*: } ;; "") break ;; esac
            done
            body=$(head -c "$length")
            printf '%s\\n' "$body" >> \(file)
            printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n'

            """
        )
        _ = try lab.cloud.start("receiver", "socat", "TCP-LISTEN:\(port),reuseaddr,fork", "SYSTEM:sh \(answer)")
        try waitUntil("the receiver listens") {
            try lab.cloud.run("ss", "-ltn").contains(":\(port)")
        }
    }

    /// The bodies so far, in the order of their coming.
    public var bodies: [String] {
        String(decoding: (try? Files.read(file)) ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
