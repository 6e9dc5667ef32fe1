// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import NetworkTypes

/// Reads an argument as what it stands for. Called in a command's `validate()`, so that a slip shows this command's usage.
func read<Value: LosslessStringConvertible>(_ text: String, as type: Value.Type, _ problem: String) throws -> Value {
    guard let value = Value(text) else { throw ValidationError("'\(text)' \(problem)") }
    return value
}

/// Reads the name of a path.
func pathName(_ text: String) throws -> PathName { try read(text, as: PathName.self, "cannot be the name of a path") }

/// Reads the name of a network.
func networkName(_ text: String) throws -> NetworkName {
    try read(text, as: NetworkName.self, "cannot be the name of a network")
}
