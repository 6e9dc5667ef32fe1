// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// The form of both sides' messages: one JSON object a line, ended by a line feed.
public enum ControlLine {
    /// The longest request that a server reads, in octets.
    public static let requestLimit = 4096
    /// The longest answer that a client reads, in octets.
    public static let responseLimit = 8 << 20

    /// Why a line is no message.
    public struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        /// What the decoder says.
        public let description: String
    }

    /// The line of a message, line feed included; keys in alphabetical order, so that equal values are equal text.
    public static func encode(_ message: some Encodable) throws(Malformed) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(message)) + [UInt8(ascii: "\n")]
        } catch {
            throw Malformed(description: "\(error)")
        }
    }

    /// Reads a message from a line, with or without its line feed.
    public static func decode<Message: Decodable>(
        _ type: Message.Type,
        from line: some Collection<UInt8>
    ) throws(Malformed) -> Message {
        do {
            return try JSONDecoder().decode(type, from: Data(line))
        } catch let error as DecodingError {
            throw Malformed(description: text(of: error))
        } catch {
            throw Malformed(description: "\(error)")
        }
    }

    /// One short line of a decoder's error: the innermost message and where it belongs.
    private static func text(of error: DecodingError) -> String {
        let context: DecodingError.Context
        switch error {
        case .dataCorrupted(let inner), .typeMismatch(_, let inner), .valueNotFound(_, let inner):
            context = inner
        case .keyNotFound(_, let inner):
            context = inner
        @unknown default:
            return "not the JSON that was expected"
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
}
