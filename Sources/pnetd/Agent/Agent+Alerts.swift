// SPDX-License-Identifier: Apache-2.0

import Configuration
import ControlAPI
import Logging
import NetworkTypes
import ProcessLink
import SystemIO

extension Agent {
    /// Tells the receivers that a network's state changed. That it came up for the first time is no news.
    func raiseAlert(_ event: WatchEvent, since: String) {
        guard !site.alerts.isEmpty,
            let from = saved.alerts.news(of: event.network, from: event.from, to: event.to)
        else { return }
        saved.alerts.add(
            { id in
                AlertText(
                    id: id,
                    status: event.to == .up ? .resolved : .firing,
                    site: site.site,
                    network: event.network,
                    from: from,
                    to: event.to,
                    path: event.path,
                    reasons: event.reasons,
                    since: since
                ).json
            },
            to: site.alerts.map(AlertDelivery.Receiver.init),
            site: site.site
        )
        // On disk before it leaves: a crash in between must neither lose it nor use its number again.
        save()
        offerAlerts()
    }

    /// Offers the first waiting alert of each receiver to the frontend, but for those on their way or resting.
    func offerAlerts() {
        guard processes.isConnected(.frontend) else { return }
        for entry in saved.alerts.due where alertTimers[entry.delivery.id] == nil {
            guard alertsUnderWay.insert(entry.delivery.id).inserted else { continue }
            processes.send(.deliver(entry.delivery), to: .frontend)
        }
    }

    func alertDelivered(_ id: String) {
        alertsUnderWay.remove(id)
        if let timer = alertTimers.removeValue(forKey: id) { loop.cancel(timer) }
        guard saved.alerts.delivered(id) else { return }
        counters.alertsDelivered += 1
        save()
        offerAlerts()
    }

    func alertFailed(_ id: String, _ reason: String) {
        guard alertsUnderWay.remove(id) != nil, let delay = saved.alerts.failed(id) else { return }
        counters.alertsFailed += 1
        log.warning(
            "alert \(id) did not reach its receiver",
            metadata: ["reason": "\(reason)", "again in": "\(delay.shortText)"]
        )
        alertTimers[id] = loop.schedule(after: delay) { [weak self] in
            self?.alertTimers[id] = nil
            self?.offerAlerts()
        }
    }
}
