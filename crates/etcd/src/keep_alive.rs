//! When to ask a silent peer for a sign of life: pure, one decision each tick.
//!
//! Without traffic, a peer that is gone looks like one that has nothing to say. HTTP/2 pings tell them apart, but etcd punishes
//! those who ping much: as grpc-go does, it ends the connection after three pings that came within five seconds of the one
//! before, unless it sent something of a call in between. So most pings are made only after we heard something since the last
//! one, and of the others one may be early, which leaves one in reserve for a frame that crosses with a ping.

use std::time::Duration;

/// etcd's default for `--grpc-keepalive-min-time`, with room for a ping that is delayed on its way and one that is not.
const MIN_INTERVAL: Duration = Duration::from_millis(5500);

/// Decides on pings.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    tick: Duration,
    since_ping: Duration,
    heard_since_ping: bool,
    early_left: bool,
}

impl KeepAlive {
    /// For a decision each `tick`, just after a first ping.
    pub(crate) fn new(tick: Duration) -> Self {
        Self {
            tick,
            since_ping: Duration::ZERO,
            heard_since_ping: false,
            early_left: true,
        }
    }

    /// Whether to ping at the end of this tick, given whether anything of a call was heard during it, and whether any call is
    /// open: nobody suffers from a dead peer that nobody waits for, and etcd wants no pings then.
    pub(crate) fn tick(&mut self, was_heard: bool, is_awaited: bool) -> bool {
        self.since_ping += self.tick;
        if was_heard {
            self.heard_since_ping = true;
            self.early_left = true;
            return false;
        }
        if !is_awaited {
            return false;
        }
        let is_free = self.heard_since_ping || self.since_ping >= MIN_INTERVAL;
        if !is_free && !std::mem::take(&mut self.early_left) {
            return false;
        }
        self.since_ping = Duration::ZERO;
        self.heard_since_ping = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each character is a tick of a second: `h` heard, `.` silent with a call open, `-` silent with none.
    fn pings(ticks: &str) -> String {
        let mut keep_alive = KeepAlive::new(Duration::from_secs(1));
        let tick = |tick| {
            let pings = keep_alive.tick(tick == 'h', tick != '-');
            if pings { 'P' } else { ' ' }
        };
        ticks.chars().map(tick).collect()
    }

    #[test]
    fn a_peer_that_falls_silent_is_asked_in_the_next_tick() {
        assert_eq!(pings("hhh.hh."), "   P  P");
    }

    #[test]
    fn silence_costs_one_early_ping_and_then_one_every_six_seconds() {
        assert_eq!(pings("h................"), " PP     P     P  ");
    }

    #[test]
    fn nobody_waits_nobody_asks() {
        assert_eq!(pings("h---------"), "          ");
        assert_eq!(pings("h---."), "    P");
    }

    /// What grpc-go's server counts: see the module's text.
    #[test]
    fn etcd_never_counts_three_strikes() {
        let traffic = "h.h..h...h....h.....h..........h....................";
        for start in 0..traffic.len() {
            let (mut strikes, mut since, mut was_sent) = (0, 0, true);
            for (tick, ping) in traffic[start..].chars().zip(pings(&traffic[start..]).chars()) {
                since += 1;
                was_sent |= tick == 'h';
                if ping == 'P' {
                    strikes = if was_sent { 0 } else { strikes + i32::from(since < 5) };
                    (since, was_sent) = (0, false);
                }
                assert!(strikes < 2, "from {start}");
            }
        }
    }
}
