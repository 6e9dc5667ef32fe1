// SPDX-License-Identifier: Apache-2.0

import Lab
import SystemIO

/// What befalls the first path.
enum Fault: String, CaseIterable {
    /// Nothing arrives any more, either way.
    case both
    /// Nothing arrives at the site.
    case inward
    /// Nothing arrives at the cloud.
    case outward
    /// The far end's program dies and nobody there starts it again.
    case gatewayKilled = "gateway-killed"
    /// The underlay's link goes down.
    case linkDown = "link-down"
    /// One packet in ten is lost at random, each way.
    case brownout
    /// Round trips take 100 ms longer.
    case delay

    /// Whether the path still carries traffic, only worse: what counts is how soon that leaves it.
    var isWorseOnly: Bool { self == .brownout || self == .delay }

    /// The site's file, where pnetd runs.
    var options: SiteFile {
        var options = SiteFile()
        options.failback = "1s"
        options.damping = false
        switch self {
        case .brownout: options.degraded = "{loss: 5%}"
        case .delay:
            options.degraded = "{rtt: 50ms}"
            options.delayed = [.a: Self.usual]
        default: break
        }
        return options
    }

    private static let usual = Delay(eachWay: .zero)

    func strike(_ lab: Lab, _ contender: any Contender) throws {
        switch self {
        case .both: try lab.impair(.a, .blackout)
        case .inward: try lab.impair(.a, .oneWayFromCloud)
        case .outward: try lab.impair(.a, .oneWayFromSite)
        case .gatewayKilled: try contender.killGateway()
        case .linkDown: try lab.setCarrier(.a, false)
        case .brownout: try lab.impair(.a, .randomLoss(percent: 10))
        case .delay: try lab.delay(.a, Delay(eachWay: .milliseconds(50)))
        }
    }

    func heal(_ lab: Lab, _ contender: any Contender) throws {
        switch self {
        case .both, .inward, .outward, .brownout: try lab.heal(.a)
        case .gatewayKilled: try contender.reviveGateway()
        case .linkDown: try lab.setCarrier(.a, true)
        case .delay: try lab.delay(.a, Self.usual)
        }
    }
}
