//! The network between the nodes and the server: slow, lossy, and at times cut in one direction or both.

use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::time::Nanos;
use crate::world::NodeId;

/// How the network behaves when it is not cut. Shares are in per mille.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Weather {
    /// The longest delay of an ordinary message, in nanoseconds; the shortest is nothing.
    pub delay_max: Nanos,
    /// The longest delay there is, twice the lease duration.
    pub delay_worst: Nanos,
    /// How many messages take anything up to the worst.
    pub slow: u32,
    /// How many requests are lost on their way to the server.
    pub requests_lost: u32,
    /// How many replies are lost on their way back.
    pub replies_lost: u32,
    /// How many watches turn deaf: they stay open and bring nothing.
    pub watches_deaf: u32,
}

impl Weather {
    /// Nothing is lost, and nothing takes longer than this.
    #[must_use]
    pub fn calm(delay_max: Nanos) -> Self {
        Self {
            delay_max,
            delay_worst: delay_max,
            slow: 0,
            requests_lost: 0,
            replies_lost: 0,
            watches_deaf: 0,
        }
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    FromServer,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It gets there after this.
    Arrives(Nanos),
    /// It does not, and the sender is told so after this.
    Fails(Nanos),
    /// It does not, and nobody is told.
    Vanishes,
}

/// See the module.
pub(crate) struct Network {
    weather: Weather,
    links: Vec<Link>,
}

/// The way between one node and the server.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    cut_to: bool,
    cut_from: bool,
    until: Nanos,
}

impl Network {
    pub(crate) fn new(nodes: usize, weather: Weather) -> Self {
        Self {
            weather,
            links: vec![Link::default(); nodes],
        }
    }

    pub(crate) fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    pub(crate) fn cut(&mut self, node: NodeId, to: bool, from: bool, until: Nanos) {
        let link = &mut self.links[node];
        link.cut_to |= to;
        link.cut_from |= from;
        link.until = link.until.max(until);
    }

    /// Whether the link is whole again now.
    pub(crate) fn mend(&mut self, node: NodeId, now: Nanos) -> bool {
        let due = self.links[node].until <= now;
        if due {
            self.links[node] = Link::default();
        }
        due
    }

    /// Makes the link whole, whatever was to come.
    pub(crate) fn heal(&mut self, node: NodeId) {
        self.links[node] = Link::default();
    }

    pub(crate) fn is_cut(&self, node: NodeId, way: Way) -> bool {
        match way {
            Way::ToServer => self.links[node].cut_to,
            Way::FromServer => self.links[node].cut_from,
        }
    }

    pub(crate) fn fate(&self, rng: &mut StdRng, node: NodeId, way: Way) -> Fate {
        let share = match way {
            Way::ToServer => self.weather.requests_lost,
            Way::FromServer => self.weather.replies_lost,
        };
        let delay = self.delay(rng);
        if !self.is_cut(node, way) && !happens(rng, share) {
            return Fate::Arrives(delay);
        }
        // Half of the connections that are dead seem to live.
        if rng.random_bool(0.5) {
            Fate::Vanishes
        } else {
            Fate::Fails(delay)
        }
    }

    pub(crate) fn delay(&self, rng: &mut StdRng) -> Nanos {
        let slow = happens(rng, self.weather.slow);
        let most = if slow {
            self.weather.delay_worst
        } else {
            self.weather.delay_max
        };
        rng.random_range(0..=most)
    }

    pub(crate) fn watch_is_deaf(&self, rng: &mut StdRng) -> bool {
        happens(rng, self.weather.watches_deaf)
    }
}

fn happens(rng: &mut StdRng, per_mille: u32) -> bool {
    per_mille > 0 && rng.random_range(0..1000) < per_mille
}
