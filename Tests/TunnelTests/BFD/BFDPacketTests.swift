// SPDX-License-Identifier: Apache-2.0

import PathHealth
import Testing

@testable import Tunnel

struct BFDPacketTests {
    static let golden: [UInt8] = [
        0x23,  // version 1, diagnostic 3
        0xe8,  // state Up, Poll, Control Plane Independent
        0x05,  // Detect Mult
        0x18,  // Length
        0x12, 0x34, 0x56, 0x78,  // My Discriminator
        0x9a, 0xbc, 0xde, 0xf0,  // Your Discriminator
        0x00, 0x04, 0x93, 0xe0,  // Desired Min TX Interval, 300 ms
        0x00, 0x00, 0xc3, 0x50,  // Required Min RX Interval, 50 ms
        0x00, 0x00, 0x00, 0x00,  // Required Min Echo RX Interval
    ]

    private func changed(_ places: [Int: UInt8], _ more: [UInt8] = []) -> [UInt8] {
        var octets = Self.golden + more
        for (place, value) in places { octets[place] = value }
        return octets
    }

    private func refusal(_ octets: [UInt8]) -> BFDRefusal? {
        do throws(BFDRefusal) {
            _ = try BFDPacket(octets[...])
            return nil
        } catch {
            return error
        }
    }

    @Test func readsAndWritesEveryField() throws {
        let packet = try BFDPacket(Self.golden[...])
        #expect(packet.diagnostic == .neighborSignaledSessionDown)
        #expect(packet.state == .up)
        #expect(packet.poll && packet.controlPlaneIndependent && !packet.final && !packet.demand)
        #expect(packet.detectMultiplier == 5)
        #expect(packet.myDiscriminator == 0x1234_5678)
        #expect(packet.yourDiscriminator == 0x9abc_def0)
        #expect(packet.desiredMinTxInterval == 300_000)
        #expect(packet.requiredMinRxInterval == 50_000)
        #expect(packet.requiredMinEchoRxInterval == 0)
        #expect(packet.authentication == nil)
        #expect(packet.octets == Self.golden)
    }

    @Test func readsAnAuthenticationSection() throws {
        // Simple password (section 4.2): type 1, length 6, key 7, "abc".
        let octets = changed([1: 0xec, 3: 30], [1, 6, 7, 0x61, 0x62, 0x63])
        let packet = try BFDPacket(octets[...])
        #expect(packet.authentication == BFDPacket.Authentication(type: 1, data: [7, 0x61, 0x62, 0x63]))
        #expect(packet.octets == octets)
    }

    @Test func takesPaddingForNothing() throws {
        let padded = Self.golden + Array(repeating: 0xff, count: 1_400)
        #expect(try BFDPacket(padded[...]) == BFDPacket(Self.golden[...]))
    }

    @Test func refusesWhatBreaksARule() {
        for count in 0..<24 { #expect(refusal(Array(Self.golden.prefix(count))) == .truncated) }
        #expect(refusal(changed([0: 0x03])) == .version)
        #expect(refusal(changed([0: 0x43])) == .version)
        #expect(refusal(changed([3: 23])) == .length)
        #expect(refusal(changed([3: 25])) == .length, "more than there is")
        #expect(refusal(changed([3: 255], Array(repeating: 0, count: 100))) == .length)
        #expect(refusal(changed([2: 0])) == .detectMultiplier)
        #expect(refusal(changed([1: 0xe9])) == .multipoint)
        #expect(refusal(changed([4: 0, 5: 0, 6: 0, 7: 0])) == .myDiscriminator)
        #expect(refusal(changed([1: 0xec, 3: 24])) == .length, "no room for an authentication section")
        #expect(refusal(changed([1: 0xec, 3: 26], [1, 1])) == .length, "a section shorter than its head")
        #expect(refusal(changed([1: 0xec, 3: 26], [1, 3])) == .length, "a section beyond the packet")
    }

    /// What is read is written as it was, whatever it is.
    @Test func everyPacketIsReadAsItWasWritten() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var octets = (0..<Int.random(in: 24...60)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            octets[0] = octets[0] & 0x1f | 0x20
            octets[3] = UInt8(octets.count)
            guard let packet = try? BFDPacket(octets[...]) else { continue }
            let again = try BFDPacket(packet.octets[...])
            #expect(again == packet)
        }
    }
}
