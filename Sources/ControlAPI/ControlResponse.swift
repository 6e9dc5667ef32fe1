// SPDX-License-Identifier: Apache-2.0

/// One line of the server: `{"result":{…}}` or `{"error":{…}}`.
public enum ControlResponse<Result: Hashable & Sendable & Codable>: Hashable, Sendable {
    /// What was asked for.
    case result(Result)
    /// Why there is none.
    case error(ControlError)

    /// The result. Throws the error where there is none.
    public func get() throws(ControlError) -> Result {
        switch self {
        case .result(let result): return result
        case .error(let error): throw error
        }
    }
}

extension ControlResponse: Codable {
    private enum CodingKeys: String, CodingKey {
        case result
        case error
    }

    /// Reads an error where there is one, else the result.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let error = try container.decodeIfPresent(ControlError.self, forKey: .error) {
            self = .error(error)
        } else {
            self = .result(try container.decode(Result.self, forKey: .result))
        }
    }

    /// Writes the one key that applies.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .result(let result): try container.encode(result, forKey: .result)
        case .error(let error): try container.encode(error, forKey: .error)
        }
    }
}

/// Why a request failed: `{"code":"not-permitted","message":"…","cause":null}`.
public struct ControlError: Error, Hashable, Sendable, Codable {
    /// What kind of failure it is, for programs. The set is open: a client meets codes that it does not know.
    public struct Code: Hashable, Sendable, RawRepresentable, Codable {
        /// The code as it stands in JSON.
        public var rawValue: String

        /// Makes a code of its text.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The line was no request.
        public static let malformedRequest = Code(rawValue: "malformed-request")
        /// The user at the other end may not ask this.
        public static let notPermitted = Code(rawValue: "not-permitted")
        /// Another request of this kind is being carried out.
        public static let busy = Code(rawValue: "busy")
        /// The kernel or another process refused.
        public static let failed = Code(rawValue: "failed")
    }

    /// What kind of failure it is, for programs.
    public var code: Code
    /// What went wrong, for people.
    public var message: String
    /// What lies beneath, as in the kernel's own text; null where there is nothing.
    @ExplicitNull public var cause: String?

    /// Makes an error.
    public init(code: Code, message: String, cause: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension ControlError: CustomStringConvertible {
    /// The message and, where there is one, its cause.
    public var description: String {
        cause.map { "\(message): \($0)" } ?? message
    }
}
