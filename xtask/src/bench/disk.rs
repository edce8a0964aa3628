//! The disk itself, in the same run: how long an fdatasync of 4 KiB in a preallocated file takes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::figures::Figures;
use super::program::Stopwatch;
use super::scratch;

const BLOCK: usize = 4 << 10;
const SYNCS: usize = 1_000;

/// Adds the median and the 99th percentile.
pub(super) fn measure(into: &mut Figures) -> Result<(), String> {
    let mut times = times().map_err(|error| format!("measuring the disk: {error}"))?;
    times.sort_unstable();
    into.add("disk.p50", times[times.len() / 2].as_secs_f64());
    into.add("disk.p99", times[times.len() * 99 / 100].as_secs_f64());
    Ok(())
}

fn times() -> std::io::Result<Vec<Duration>> {
    let directory = scratch().map_err(std::io::Error::other)?;
    let file = File::create_new(directory.path().join("disk"))?;
    // Written once, so that no block has to be allocated while it is measured.
    file.write_all_at(&vec![1; BLOCK * SYNCS], 0)?;
    file.sync_all()?;
    let mut times = Vec::with_capacity(SYNCS);
    for at in 0..SYNCS {
        let watch = Stopwatch::start();
        file.write_all_at(&[2; BLOCK], (at * BLOCK) as u64)?;
        file.sync_data()?;
        times.push(watch.elapsed());
    }
    Ok(times)
}
