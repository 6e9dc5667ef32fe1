// SPDX-License-Identifier: Apache-2.0

/// What makes octets no DNS message that we take.
public enum FormatError: Error, Hashable {
    /// The message ends inside something it announces.
    case truncated
    /// A label's type is neither plain nor a pointer (RFC 1035 section 4.1.4).
    case unknownLabelType
    /// A name is longer than 255 octets (RFC 1035 section 2.3.4).
    case nameTooLong
    /// A compression pointer does not point strictly backwards, past the header.
    case pointerNotBackwards
    /// More compression pointers in one name than any honest sender needs.
    case tooManyPointers
    /// More records than any resolver needs, or more names than fit in a message when they are written out.
    case tooMuchWork
    /// Not exactly one question (RFC 9619).
    case questionCount
    /// A query that brings answers or authority.
    case recordsInQuery
    /// More than one OPT, or one that the root does not own (RFC 6891 section 6.1.1).
    case malformedOPT
    /// A COOKIE option whose length is none that a cookie can have (RFC 7873 section 5.2.2).
    case malformedCookie
    /// RDATA is longer or shorter than its type has it.
    case malformedData
    /// Octets after the last record.
    case trailingOctets
    /// It is not the answer to what was asked: another id, another question, or a query.
    case notTheAnswer
}
