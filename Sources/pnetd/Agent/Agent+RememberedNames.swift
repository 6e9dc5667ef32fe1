// SPDX-License-Identifier: Apache-2.0

import Configuration
import Logging
import NetworkTypes
import ProcessLink
import SystemIO

/// What the resolver remembers of private names outlives it: else a host that boots while the cloud's DNS servers are
/// down has no names, though its path and its hosts are well.
extension Agent {
    /// How long a copy waits for a later one before it is written, however often the resolver gives one.
    private static let restOfCopies = Duration.seconds(2)

    private var rememberedNamesFile: RememberedNamesFile { RememberedNamesFile(in: site.state.directory) }

    /// Keeps what the resolver remembers.
    func keep(_ copy: RememberedNames) {
        let isFirst = names.unsavedCopy == nil
        names.unsavedCopy = copy
        guard isFirst else { return }
        loop.schedule(after: Self.restOfCopies) { [weak self] in self?.saveRememberedNames() }
    }

    /// Writes the last copy down, beside the loop: a card that is busy may take a second for it.
    private func saveRememberedNames() {
        guard let copy = names.unsavedCopy, !namesWriter.isBusy else { return }
        let file = rememberedNamesFile
        namesWriter.begin {
            Result { () throws(SystemError) in try file.save(copy) }
        } _: { [weak self] outcome in
            guard let self else { return }
            keepInMind(Self.cannotSave) { try outcome.get() }
            if names.unsavedCopy == copy { names.unsavedCopy = nil }
            saveRememberedNames()
        }
    }

    /// Writes down at the end what is not written yet.
    func endRememberedNames() {
        guard let copy = names.unsavedCopy else { return }
        keepInMind(Self.cannotSave) { try rememberedNamesFile.save(copy) }
    }

    private static let cannotSave = "cannot save what names were good last"

    /// Gives a resolver what an earlier one remembered; one that has lived on knows better and does not take it.
    func handBackRememberedNames() {
        do {
            guard let copy = try names.unsavedCopy ?? rememberedNamesFile.load() else { return }
            processes.send(.rememberedNames(copy), to: .resolver)
        } catch {
            log.warning("what names were good last is forgotten: \(error)")
        }
    }
}
