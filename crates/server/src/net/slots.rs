//! How many connections there may be, in total and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts connections against their bounds.
#[derive(Debug)]
pub(super) struct Slots {
    total: usize,
    per_address: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The right to be connected, given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    address: IpAddr,
}

impl Slots {
    pub(super) fn new(total: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            per_address,
            open: Mutex::default(),
        })
    }

    /// A place for a connection from this address, if there is one.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let address = network(address);
        let mut open = self.open.lock();
        let here = open.by_address.get(&address).copied().unwrap_or_default();
        if open.total >= self.total || here >= self.per_address {
            return None;
        }
        open.total += 1;
        open.by_address.insert(address, here + 1);
        Some(Slot {
            slots: Arc::clone(self),
            address,
        })
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.open.lock().total
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock();
        open.total -= 1;
        if let Some(here) = open.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: of IPv6 the /64 network, since whoever has one of its addresses mostly has them all.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = v6.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_all() {
        let slots = Slots::new(3, 2);
        let a = slots.take(address("10.0.0.1"));
        let b = slots.take(address("10.0.0.1"));
        assert!(a.is_some() && b.is_some());
        assert!(slots.take(address("10.0.0.1")).is_none());
        assert!(slots.take(address("::ffff:10.0.0.1")).is_none());
        let c = slots.take(address("10.0.0.2"));
        assert!(c.is_some());
        assert!(slots.take(address("10.0.0.3")).is_none(), "all are taken");
        drop(a);
        assert!(slots.take(address("10.0.0.3")).is_some());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let slots = Slots::new(10, 1);
        let _first = slots.take(address("2001:db8::1")).unwrap();
        assert!(slots.take(address("2001:db8::ffff:2")).is_none());
        assert!(slots.take(address("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_who_left() {
        let slots = Slots::new(2, 2);
        drop(slots.take(address("10.0.0.1")));
        let open = slots.open.lock();
        assert_eq!((open.total, open.by_address.len()), (0, 0));
    }
}
