// SPDX-License-Identifier: Apache-2.0
// The assigned numbers that the resolver acts on. Types that it only passes through have no name here.

/// A resource record type.
struct RecordType: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt16

    static let a = RecordType(rawValue: 1)
    static let ns = RecordType(rawValue: 2)
    static let cname = RecordType(rawValue: 5)
    static let soa = RecordType(rawValue: 6)
    static let ptr = RecordType(rawValue: 12)
    static let hinfo = RecordType(rawValue: 13)
    static let mx = RecordType(rawValue: 15)
    static let aaaa = RecordType(rawValue: 28)
    static let dname = RecordType(rawValue: 39)
    static let opt = RecordType(rawValue: 41)
    static let ds = RecordType(rawValue: 43)
    static let rrsig = RecordType(rawValue: 46)
    static let dnskey = RecordType(rawValue: 48)
    static let nsec = RecordType(rawValue: 47)
    static let nsec3 = RecordType(rawValue: 50)
    static let svcb = RecordType(rawValue: 64)
    static let https = RecordType(rawValue: 65)
    static let any = RecordType(rawValue: 255)

    /// What proves that something is there, or is not (RFC 4035 section 3.1, RFC 5155 section 7).
    var isOfProofs: Bool { [.soa, .ds, .rrsig, .nsec, .nsec3].contains(self) }

    /// TSIG, transfers and the like: 128 to 254 are meta types and questions (RFC 6895 section 3.1).
    var isMeta: Bool { self == .opt || (128...255).contains(rawValue) || rawValue == 0 }
}

/// A response code with the extension of EDNS (RFC 6891 section 6.1.3).
public struct ResponseCode: RawRepresentable, Hashable, Sendable {
    /// The twelve bits.
    public let rawValue: UInt16

    /// Makes a code of its number.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// No error.
    public static let noError = ResponseCode(rawValue: 0)
    /// The query makes no sense.
    public static let formErr = ResponseCode(rawValue: 1)
    /// No answer could be had.
    public static let servFail = ResponseCode(rawValue: 2)
    /// The name does not exist.
    public static let nxDomain = ResponseCode(rawValue: 3)
    /// The opcode is not implemented.
    public static let notImp = ResponseCode(rawValue: 4)
    /// Policy forbids an answer.
    public static let refused = ResponseCode(rawValue: 5)
    /// A name would be longer than names can be (RFC 6672 section 2.2).
    public static let yxDomain = ResponseCode(rawValue: 6)
    /// The EDNS version is not known.
    public static let badVers = ResponseCode(rawValue: 16)
    /// The server cookie is missing or none of ours (RFC 7873 section 8).
    public static let badCookie = ResponseCode(rawValue: 23)

    /// The text that metrics and logs carry.
    public var text: String {
        switch self {
        case .noError: "NOERROR"
        case .formErr: "FORMERR"
        case .servFail: "SERVFAIL"
        case .nxDomain: "NXDOMAIN"
        case .notImp: "NOTIMP"
        case .refused: "REFUSED"
        case .yxDomain: "YXDOMAIN"
        case .badVers: "BADVERS"
        case .badCookie: "BADCOOKIE"
        default: "RCODE\(rawValue)"
        }
    }
}

/// The bits of the header's second word (RFC 1035 section 4.1.1, RFC 4035 section 3).
enum HeaderFlags {
    static let response: UInt16 = 0x8000
    static let opcode: UInt16 = 0x7800
    static let authoritative: UInt16 = 0x0400
    static let truncated: UInt16 = 0x0200
    static let recursionDesired: UInt16 = 0x0100
    static let recursionAvailable: UInt16 = 0x0080
    static let authenticData: UInt16 = 0x0020
    static let checkingDisabled: UInt16 = 0x0010
    static let responseCode: UInt16 = 0x000f
}

/// Sizes that a message is measured by.
enum MessageSize {
    static let header = 12
    /// What a client without EDNS takes over UDP (RFC 1035 section 4.2.1).
    static let plain = 512
    /// The largest datagram that we send or ask for: it crosses every tunnel unfragmented (RFC 9715).
    static let datagram = 1232
    /// What a length prefix of TCP can say.
    static let stream = 65535
}

/// The class of the Internet, the only one that is served.
let internetClass: UInt16 = 1
