//! What `/debug/controllers` says: each controller, what it is doing and why, and who runs those that one server runs for all.

use std::sync::Arc;

use leasehold_api::MicroTime;
use leasehold_clock::{Clock, Monotonic};
use leasehold_controllers::leadership::NAMESPACE;
use leasehold_controllers::{Standing, Standings, Status, Statuses};
use leasehold_server::StatusSource;
use serde_json::{Value, json};

/// Tells of these whenever it is asked.
pub(super) fn of(statuses: Statuses, standings: Standings, clock: Arc<dyn Clock>) -> StatusSource {
    Box::new(move || {
        let now = Now::of(&*clock);
        let controllers: Vec<_> = statuses.read().iter().map(|status| controller(status, &now)).collect();
        let leadership: Vec<_> = standings.read().iter().map(|standing| leads(standing, &now)).collect();
        json!({ "now": now.stamp(now.point), "controllers": controllers, "leadership": leadership })
    })
}

/// Both clocks at one moment, to show points of the one on the other.
struct Now {
    point: Monotonic,
    wall: std::time::SystemTime,
}

impl Now {
    fn of(clock: &dyn Clock) -> Self {
        Self {
            point: clock.now(),
            wall: clock.wall(),
        }
    }

    fn stamp(&self, point: Monotonic) -> String {
        let wall = if point >= self.point {
            self.wall.checked_add(point.since(self.point))
        } else {
            self.wall.checked_sub(self.point.since(point))
        };
        MicroTime::from_system(wall.unwrap_or(self.wall)).to_string()
    }
}

fn controller(status: &Status, now: &Now) -> Value {
    let last = status.last.as_ref().zip(status.ended).map(|(result, ended)| {
        let (ok, text) = match result {
            Ok(did) => (true, did),
            Err(error) => (false, error),
        };
        json!({ "ended": now.stamp(ended), "ok": ok, "result": text })
    });
    json!({
        "name": status.name,
        "state": match (status.is_on, status.running) {
            (false, _) => "off",
            (true, true) => "running",
            (true, false) => "idle",
        },
        "activations": status.activations,
        "cause": status.cause.name(),
        "last": last,
        "next": status.next.map(|next| now.stamp(next)),
        "why": status.why,
    })
}

fn leads(standing: &Standing, now: &Now) -> Value {
    json!({
        "lease": format!("{NAMESPACE}/{}", standing.lease),
        "holder": standing.holder,
        "identity": standing.identity,
        "leads": standing.leads,
        "since": now.stamp(standing.since),
        "why": standing.why,
        "controllers": standing.controllers,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use leasehold_clock::SimulatedClock;
    use leasehold_controllers::Cause;

    use super::*;

    #[test]
    fn points_in_time_are_shown_on_the_calendar() {
        let clock = SimulatedClock::default();
        let status = Status {
            name: "c",
            is_on: true,
            running: true,
            activations: 3,
            cause: Cause::Change,
            last: Some(Err("broken".to_owned())),
            ended: Some(clock.now() - Duration::from_millis(1500)),
            why: "because".to_owned(),
            next: Some(clock.now() + Duration::from_secs(10)),
        };
        let shown = controller(&status, &Now::of(&clock));
        let wanted = json!({
            "name": "c", "state": "running", "activations": 3, "cause": "change", "why": "because",
            "last": {"ended": "2019-12-31T23:59:58.500000Z", "ok": false, "result": "broken"},
            "next": "2020-01-01T00:00:10.000000Z",
        });
        assert_eq!(shown, wanted);
        let new = controller(&Status::default(), &Now::of(&clock));
        assert!(new["last"].is_null() && new["next"].is_null());
        assert_eq!(new["state"], "off");
    }

    #[test]
    fn who_leads_is_told_of_each_lease() {
        let clock = SimulatedClock::default();
        let standing = Standing {
            lease: "l",
            controllers: vec!["c"],
            identity: "me".to_owned(),
            leads: false,
            holder: Some("you".to_owned()),
            why: "you hold it".to_owned(),
            since: clock.now(),
        };
        let wanted = json!({
            "lease": "kube-system/l", "holder": "you", "identity": "me", "leads": false,
            "since": "2020-01-01T00:00:00.000000Z", "why": "you hold it", "controllers": ["c"],
        });
        assert_eq!(leads(&standing, &Now::of(&clock)), wanted);
    }
}
