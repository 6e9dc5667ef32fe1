// SPDX-License-Identifier: Apache-2.0

extension MutableSpan<UInt8> {
    /// Copies all octets of the source to an offset, at once; traps where they do not fit, as a subscript does.
    ///
    /// The standard library has no bulk copy into a MutableSpan yet, and a loop costs ten times as much.
    @inlinable
    public mutating func copy(_ source: Span<UInt8>, at offset: Int) {
        precondition(offset >= 0 && source.count <= count - offset, "the copy lies within the span")
        unsafe withUnsafeMutableBufferPointer { target in
            unsafe source.withUnsafeBufferPointer { source in
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                unsafe (to + offset).update(from: from, count: source.count)
            }
        }
    }
}

extension RangeReplaceableCollection<UInt8> {
    /// Makes a collection of a span's octets.
    @inlinable
    public init(_ span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Self($0) }
    }

    /// Appends a span's octets.
    public mutating func append(_ span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
