//! The server's disk: what survives a power cut, and what is torn by one.

use leasehold_store::testing::{Cut, Image, MemoryDisk, Op, Sectors, Survivors};
use rand::RngExt;
use rand::rngs::StdRng;

/// A disk, and what it held durably when the server started last.
#[derive(Default)]
pub(crate) struct Disk {
    image: Image,
    disk: MemoryDisk,
    /// How many calls had been made before the present request.
    mark: usize,
    /// The call at which the power goes, where that is not the last one.
    torn_at: Option<usize>,
}

impl Disk {
    pub(crate) fn current(&self) -> &MemoryDisk {
        &self.disk
    }

    /// A request begins.
    pub(crate) fn mark(&mut self) {
        self.mark = self.disk.position();
    }

    /// The power goes somewhere in what the present request has written.
    pub(crate) fn tear(&mut self, rng: &mut StdRng) {
        self.torn_at = Some(rng.random_range(self.mark..=self.disk.position()));
    }

    /// Replaces the disk by what is left of it: all that was synced, and anything of the rest.
    pub(crate) fn cut_power(&mut self, rng: &mut StdRng) {
        let ops = self.disk.ops();
        let last = self.torn_at.take().unwrap_or(ops.len());
        self.image = image(&self.image, &ops[..last], rng);
        self.disk = MemoryDisk::new(&self.image);
        self.mark = 0;
    }
}

fn image(before: &Image, ops: &[Op], rng: &mut StdRng) -> Image {
    let mut cut = Cut::new(before);
    ops.iter().for_each(|op| cut.advance(op));
    let sectors = (0..cut.sectors()).filter(|_| rng.random()).collect();
    cut.image(&Survivors {
        sectors: Sectors::Only(sectors),
        sizes: rng.random(),
        names: rng.random(),
    })
}
