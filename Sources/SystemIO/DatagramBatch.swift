// SPDX-License-Identifier: Apache-2.0
// Many datagrams a system call, in memory that is set out once: nothing is allocated per packet. What came and what
// goes are two types, so that one can be read while the other is written.

import CLinux

/// Datagrams that came, through recvmmsg(2).
public struct DatagramInbox: ~Copyable {
    private let room: DatagramRoom

    /// Sets out room for so many datagrams of at most so many octets.
    public init(capacity: Int, datagramSize: Int) {
        room = DatagramRoom(capacity: capacity, datagramSize: datagramSize)
    }

    /// How many datagrams one call may bring.
    public var capacity: Int { room.capacity }

    /// Takes what waits on a non-blocking socket; the datagrams of the last call are gone after that.
    /// - Returns: how many came; 0 where none waits.
    public mutating func receive(from socket: Int32) throws(SystemError) -> Int {
        for index in 0..<room.capacity {
            unsafe room.headers[index].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_in6>.size)
            unsafe room.headers[index].msg_hdr.msg_control = room.control(index)
            unsafe room.headers[index].msg_hdr.msg_controllen = DatagramRoom.controlSize
        }
        let count = unsafe recvmmsg(socket, room.headers, UInt32(room.capacity), Int32(MSG_DONTWAIT), nil)
        guard count >= 0 else {
            let code = pn_errno()
            if code == EAGAIN || code == EINTR { return 0 }
            throw SystemError(operation: "receive datagrams", code: code)
        }
        return Int(count)
    }

    /// The octets of one datagram of the last call; none where it was longer than the room for it.
    @_lifetime(borrow self)
    public func octets(of index: Int) -> Span<UInt8> {
        precondition(index < room.capacity, "a datagram of this batch")
        let isCut = unsafe room.headers[index].msg_hdr.msg_flags & Int32(MSG_TRUNC) != 0
        let count = unsafe isCut ? 0 : min(Int(room.headers[index].msg_len), room.datagramSize)
        let span = unsafe Span(_unsafeStart: room.octets(index), count: count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Who sent one datagram of the last call.
    public func peer(of index: Int) -> DatagramPeer {
        precondition(index < room.capacity, "a datagram of this batch")
        var peer = DatagramPeer()
        unsafe peer.name = room.names[index]
        unsafe peer.nameLength = room.headers[index].msg_hdr.msg_namelen
        if unsafe room.headers[index].msg_hdr.msg_controllen > 0 {
            unsafe peer.takeLocalEnd(from: &room.headers[index].msg_hdr)
        }
        return peer
    }
}

/// Datagrams that go, through sendmmsg(2).
public struct DatagramOutbox: ~Copyable {
    private let room: DatagramRoom
    /// How many datagrams wait to be sent.
    public private(set) var count = 0

    /// Sets out room for so many datagrams of at most so many octets.
    public init(capacity: Int, datagramSize: Int) {
        room = DatagramRoom(capacity: capacity, datagramSize: datagramSize)
    }

    /// Whether no further datagram may be committed before ``send(to:)``.
    public var isFull: Bool { count == room.capacity }

    /// Where the next datagram is written; there is one only while the outbox is not full.
    @_lifetime(&self)
    public mutating func nextRoom() -> MutableSpan<UInt8> {
        precondition(!isFull, "send before writing more")
        let span = unsafe MutableSpan(_unsafeStart: room.octets(count), count: room.datagramSize)
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// Puts what was written into ``nextRoom()`` in the queue.
    public mutating func commit(_ octets: Int, to peer: DatagramPeer) {
        precondition(!isFull && octets <= room.datagramSize, "what was written lies in the room")
        unsafe room.names[count] = peer.name
        unsafe room.headers[count].msg_hdr.msg_namelen = peer.nameLength
        unsafe room.vectors[count].iov_len = octets
        unsafe peer.putLocalEnd(into: &room.headers[count].msg_hdr, room: room.control(count))
        count += 1
    }

    /// Sends what waits and forgets it.
    /// - Returns: how many could not be sent; a datagram may be lost at any time, so there is no second try.
    public mutating func send(to socket: Int32) -> Int {
        var lost = 0
        var first = 0
        while first < count {
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            let sent = unsafe sendmmsg(socket, room.headers + first, UInt32(count - first), flags)
            if sent > 0 {
                first += Int(sent)
            } else if pn_errno() != EINTR {
                // The error is that of the first one alone: a route or a firewall that refuses one client.
                first += 1
                lost += 1
            }
        }
        count = 0
        return lost
    }
}

/// The memory behind a batch. A class, since release builds of other modules cannot link to the destruction of a
/// private non-copyable struct.
@safe private final class DatagramRoom {
    /// What holds either family's packet information.
    static var controlSize: Int { 64 }

    let capacity: Int
    let datagramSize: Int
    let headers: UnsafeMutablePointer<mmsghdr>
    let vectors: UnsafeMutablePointer<iovec>
    let names: UnsafeMutablePointer<sockaddr_in6>
    private let bytes: UnsafeMutablePointer<UInt8>
    private let controls: UnsafeMutableRawPointer

    init(capacity: Int, datagramSize: Int) {
        self.capacity = capacity
        self.datagramSize = datagramSize
        unsafe headers = .allocate(capacity: capacity)
        unsafe vectors = .allocate(capacity: capacity)
        unsafe names = .allocate(capacity: capacity)
        unsafe bytes = .allocate(capacity: capacity * datagramSize)
        unsafe controls = .allocate(byteCount: capacity * Self.controlSize, alignment: 16)
        unsafe headers.initialize(repeating: mmsghdr(), count: capacity)
        unsafe vectors.initialize(repeating: iovec(), count: capacity)
        unsafe names.initialize(repeating: sockaddr_in6(), count: capacity)
        unsafe bytes.initialize(repeating: 0, count: capacity * datagramSize)
        unsafe memset(controls, 0, capacity * Self.controlSize)
        for index in 0..<capacity {
            unsafe vectors[index].iov_base = UnsafeMutableRawPointer(octets(index))
            unsafe vectors[index].iov_len = datagramSize
            unsafe headers[index].msg_hdr.msg_iov = vectors + index
            unsafe headers[index].msg_hdr.msg_iovlen = 1
            unsafe headers[index].msg_hdr.msg_name = UnsafeMutableRawPointer(names + index)
        }
    }

    deinit {
        unsafe headers.deallocate()
        unsafe vectors.deallocate()
        unsafe names.deallocate()
        unsafe bytes.deallocate()
        unsafe controls.deallocate()
    }

    func octets(_ index: Int) -> UnsafeMutablePointer<UInt8> { unsafe bytes + index * datagramSize }
    func control(_ index: Int) -> UnsafeMutableRawPointer { unsafe controls + index * Self.controlSize }
}
