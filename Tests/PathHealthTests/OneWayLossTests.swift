// SPDX-License-Identifier: Apache-2.0

import NetworkTypes
import Testing

@testable import PathHealth

/// Where packets are lost, by the numbers in the answers.
struct OneWayLossTests {
    /// A far end that numbers its answers, and a way there and back that lose.
    private struct Wire {
        var meter = OneWayLossMeter()
        var question: UInt32 = 0
        var number: UInt32 = 0
        var lost = OneWayLoss()
        var generator = SystemRandomNumberGenerator()
        var isCopying = false

        mutating func ask(_ times: Int, there: Int = 0, back: Int = 0) {
            for count in 0..<times {
                defer { question = OneWayLossMeter.question(after: question) }
                if count % 50 == 49 { meter.endPeriod() }
                guard Int.random(in: 0..<100, using: &generator) >= there else {
                    lost.there.lost += 1
                    continue
                }
                defer { number &+= 1 }
                guard Int.random(in: 0..<100, using: &generator) >= back else {
                    lost.back.lost += 1
                    continue
                }
                let isNew = meter.answered(question: question, number: isCopying ? question : number)
                #expect(isNew)
            }
        }
    }

    @Test(arguments: [(there: 0, back: 0), (20, 0), (0, 20), (10, 30), (60, 5)], [0, UInt32.max - 200])
    func placesEachLoss(losses: (there: Int, back: Int), begin: UInt32) {
        var wire = Wire()
        wire.number = begin
        wire.ask(50)
        wire.ask(1_400, there: losses.there, back: losses.back)
        wire.ask(50)
        #expect(wire.meter.numbering == .own)
        let total = wire.meter.total
        #expect(total.there.lost == wire.lost.there.lost && total.back.lost == wire.lost.back.lost)
        let loss = wire.meter.loss
        #expect(loss == total, "thirty periods are all there was")
        #expect(abs((loss?.there.ratio ?? 1) * 100 - Double(losses.there)) < 8)
        #expect(abs((loss?.back.ratio ?? 1) * 100 - Double(losses.back)) < 8)
        wire.ask(1_550)
        #expect(wire.meter.loss?.there.lost == 0 && wire.meter.loss?.back.lost == 0, "what is long ago does not count")
        #expect(wire.meter.total.there.lost == total.there.lost)
    }

    /// What an outage of both ways took is lost on neither.
    @Test func anOutageIsNoLossOfOneWay() {
        var wire = Wire()
        wire.ask(500)
        for _ in 0..<20 { wire.ask(50, there: 100) }
        wire.ask(200)
        #expect(wire.meter.loss?.there.lost ?? .max <= 50 && wire.meter.loss?.back.lost == 0)
        #expect(wire.meter.loss?.there.exceeds(0.05) == false)
        // What is lost from then on counts again.
        wire.ask(1_000, there: 20)
        #expect(wire.meter.loss?.there.exceeds(0.05) == true)
    }

    @Test func aFaultEndsWhereNothingTellsOfItAnyMore() {
        var fault = OneWayFault(limit: 0.05)
        fault.take(.answering(OneWayLoss(there: LossShare(lost: 40, of: 400), back: LossShare(lost: 0, of: 360))))
        #expect(fault.reason != nil)
        fault.take(.silent)
        #expect(fault.reason == nil)
        fault.take(.answering(OneWayLoss(there: LossShare(lost: 0, of: 400), back: LossShare(lost: 0, of: 400))))
        #expect(fault.reason == nil)
    }

    @Test func doesNotPlaceWhatAFarEndWithoutNumbersLoses() {
        var wire = Wire()
        wire.isCopying = true
        wire.ask(500, there: 20)
        #expect(wire.meter.numbering == .copied)
        #expect(wire.meter.loss == nil && wire.meter.total == OneWayLoss())
    }

    @Test(arguments: [10, 60, 1_000])
    func aFarEndThatBeginsAnewLosesNothing(after count: Int) {
        var wire = Wire()
        wire.ask(count)
        wire.number = 0
        wire.ask(1_000)
        wire.number = 4_000_000
        wire.ask(400)
        #expect(wire.meter.total.there.lost == 0 && wire.meter.total.back.lost == 0)
        wire.ask(100, back: 50)
        wire.ask(100)
        #expect(wire.meter.total.back.lost == wire.lost.back.lost && wire.meter.total.there.lost == 0)
    }

    @Test func packetsThatOvertakeEachOtherOrComeTwiceAreNotLost() {
        var meter = OneWayLossMeter()
        var taken = [meter.answered(question: 2, number: 1)]
        for pair in stride(from: UInt32(3), to: 400, by: 2) {
            // On the way there.
            taken.append(meter.answered(question: pair + 1, number: pair - 1))
            taken.append(meter.answered(question: pair, number: pair))
            let isCopyTaken = meter.answered(question: pair, number: pair)
            #expect(!isCopyTaken)
        }
        meter.endPeriod()
        #expect(meter.loss?.there.lost == 0 && meter.loss?.back.lost == 0)
        for pair in stride(from: UInt32(401), to: 800, by: 2) {
            // On the way back.
            taken.append(meter.answered(question: pair + 1, number: pair))
            taken.append(meter.answered(question: pair, number: pair - 1))
        }
        meter.endPeriod()
        #expect(taken.allSatisfy { $0 })
        #expect(meter.loss?.there.lost == 0 && meter.loss?.back.lost == 0)
    }

    @Test func noNumbersBringItOutOfItsRules() {
        var generator = SystemRandomNumberGenerator()
        var meter = OneWayLossMeter()
        for round in 0..<20_000 {
            let isWild = Bool.random(using: &generator)
            let question = isWild ? UInt32.random(in: .min ... .max, using: &generator) : UInt32(round)
            let number = Bool.random(using: &generator) ? UInt32.random(in: .min ... .max) : UInt32(round / 2)
            _ = meter.answered(question: question, number: number)
            if round % 20 == 0 { meter.endPeriod() }
            guard let loss = meter.loss else { continue }
            #expect((0...1).contains(loss.there.ratio) && (0...1).contains(loss.back.ratio))
        }
    }
}
