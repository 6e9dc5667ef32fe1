// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Octets with open descriptors beside them, over a UNIX socket (SCM_RIGHTS, unix(7)).
public enum DescriptorPassing {
    /// The most descriptors that one message of ours carries.
    public static let limit = 128
    /// The most that the kernel lets anybody pass at once (SCM_MAX_FD, include/net/scm.h). What there is no room for
    /// would be closed by the receiver's own hand.
    private static let kernelLimit = 253

    /// Sends octets; the descriptors travel with the first of them and stay open here.
    /// - Returns: how many octets went; 0 where sending would block (then no descriptor went either).
    public static func send(
        _ bytes: Span<UInt8>,
        with descriptors: [Int32],
        over socket: Int32
    ) throws(SystemError) -> Int {
        precondition(descriptors.count <= limit, "at most \(limit) descriptors a message")
        let payload = descriptors.count * MemoryLayout<Int32>.size
        let space = descriptors.isEmpty ? 0 : pn_cmsg_space(payload)
        let sent = unsafe withUnsafeTemporaryAllocation(byteCount: max(space, 1), alignment: 16) { control in
            unsafe bytes.withUnsafeBufferPointer { buffer in
                var vector = unsafe iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress),
                    iov_len: buffer.count
                )
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = vector
                    unsafe message.msg_iovlen = 1
                    if space > 0 {
                        unsafe message.msg_control = control.baseAddress
                        unsafe message.msg_controllen = space
                        unsafe fill(&message, descriptors, payload)
                    }
                    return retryingInterrupted {
                        unsafe sendmsg(socket, &message, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                    }
                }
            }
        }
        guard let sent else {
            if pn_errno() == EAGAIN { return 0 }
            throw .last("send over the private socket")
        }
        return sent
    }

    private static func fill(_ message: inout msghdr, _ descriptors: [Int32], _ payload: Int) {
        guard let header = unsafe pn_cmsg_first(&message) else { return }
        unsafe header.pointee.cmsg_level = SOL_SOCKET
        unsafe header.pointee.cmsg_type = Int32(SCM_RIGHTS)
        unsafe header.pointee.cmsg_len = pn_cmsg_len(payload)
        unsafe descriptors.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe memcpy(pn_cmsg_data(header), source, payload)
        }
    }

    /// Receives octets and the descriptors that came with them, which the caller owns and closes.
    /// - Returns: nil where nothing waits; no octets at end of file.
    public static func receive(
        upTo limit: Int,
        from socket: Int32
    ) throws(SystemError) -> (bytes: [UInt8], descriptors: [Int32])? {
        var descriptors: [Int32] = []
        var failure: SystemError?
        let space = pn_cmsg_space(Self.kernelLimit * MemoryLayout<Int32>.size)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            var vector = unsafe iovec(iov_base: UnsafeMutableRawPointer(buffer.baseAddress), iov_len: limit)
            unsafe withUnsafeTemporaryAllocation(byteCount: space, alignment: 16) { control in
                unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = vector
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = space
                    let flags = Int32(MSG_CMSG_CLOEXEC) | Int32(MSG_DONTWAIT)
                    guard let got = retryingInterrupted({ unsafe recvmsg(socket, &message, flags) }) else {
                        failure = .last("receive over the private socket")
                        return
                    }
                    count = got
                    unsafe descriptors = passed(&message)
                }
            }
        }
        if let failure {
            if failure.code == EAGAIN { return nil }
            throw failure
        }
        return (bytes, descriptors)
    }

    private static func passed(_ message: inout msghdr) -> [Int32] {
        var descriptors: [Int32] = []
        var item = unsafe pn_cmsg_first(&message)
        while let header = unsafe item {
            if unsafe header.pointee.cmsg_level == SOL_SOCKET && header.pointee.cmsg_type == Int32(SCM_RIGHTS) {
                let count = unsafe (header.pointee.cmsg_len - pn_cmsg_len(0)) / MemoryLayout<Int32>.size
                guard let data = unsafe pn_cmsg_data(header) else { break }
                for index in 0..<count {
                    unsafe descriptors.append(
                        UnsafeRawPointer(data).loadUnaligned(fromByteOffset: index * 4, as: Int32.self)
                    )
                }
            }
            unsafe item = pn_cmsg_next(&message, header)
        }
        return descriptors
    }
}
