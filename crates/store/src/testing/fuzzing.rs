//! Bodies of fuzz targets: what a start makes of files with anything in them.
//!
//! Checksums would keep a fuzzer out of everything behind them. So the bytes given are cut into pieces, and the pieces are
//! sealed as a store would; what is left over follows as it is.

use std::sync::Arc;

use leasehold_clock::SimulatedClock;

use super::{Image, MemoryDisk};
use crate::Revision;
use crate::embedded::disk::Disk;
use crate::embedded::log::{frame, record, segment};
use crate::embedded::{OpenError, Options, format, recover, snapshot};
use crate::view::state::State;

const SALT: u32 = 7;
/// The revision that the log and the snapshot begin with.
const FIRST: Revision = Revision(1);

/// One record: refused, or read as what it says.
///
/// # Panics
/// When what was read is written as something else.
pub fn log_record(data: &[u8]) {
    let mut rest = data;
    let Some(read) = record::decode(&mut rest) else {
        return;
    };
    let mut written = Vec::new();
    record::encode(&mut written, &read.key, read.revision, read.value.as_ref());
    assert_eq!(written, data[..data.len() - rest.len()]);
}

/// A log that is the whole of a store: refused, or the same whenever it is read.
///
/// # Panics
/// When a second start finds something else, or nothing at all.
pub fn log(data: &[u8]) {
    let head = segment::Head {
        sequence: segment::FIRST,
        base: FIRST,
        salt: SALT,
    };
    let mut bytes = head.encode().to_vec();
    seal_pieces(
        data,
        FIRST,
        |header| Revision(header.previous.0 + header.step),
        &mut bytes,
    );
    let version = b"leasehold-store 1\n".to_vec();
    let disk = MemoryDisk::new(&Image::from([
        ("format".to_owned(), version),
        (segment::name(segment::FIRST), bytes),
    ]));
    if let Ok(first) = start(&disk) {
        let again = start(&disk).expect("what was started once can be started again");
        assert!(again.revision == first.revision && again.same_content(&first));
    }
}

/// A snapshot: refused, or read.
pub fn snapshot(data: &[u8]) {
    let mut bytes = snapshot::header(FIRST, SALT).to_vec();
    seal_pieces(data, Revision(0), |_| FIRST, &mut bytes);
    if let Ok(state) = snapshot::parse(&bytes, FIRST) {
        assert_eq!(state.revision, FIRST);
    }
}

/// What a piece says about the frame it is to be in.
struct Piece {
    previous: Revision,
    count: u8,
    /// By how much the revision rises, or the number of entries.
    step: u64,
}

/// Appends the frames that `data` describes: two bytes of length, one for the number of records and one for the revisions
/// taken, then the payload. What is no whole piece is appended as it is.
fn seal_pieces(mut data: &[u8], first: Revision, last: impl Fn(&Piece) -> Revision, out: &mut Vec<u8>) {
    let (mut previous, mut buffer) = (first, Vec::new());
    while let Some(([low, high, count, step], rest)) = data.split_first_chunk::<4>() {
        let len = usize::from(u16::from_le_bytes([*low, *high]));
        let Some((payload, rest)) = rest.split_at_checked(len) else {
            break;
        };
        let piece = Piece {
            previous,
            count: *count,
            step: u64::from(*step),
        };
        frame::begin(&mut buffer);
        buffer.extend_from_slice(payload);
        frame::seal(&mut buffer, SALT, u32::from(piece.count), previous, last(&piece));
        out.extend_from_slice(&buffer);
        previous = Revision(previous.0 + piece.step);
        data = rest;
    }
    out.extend_from_slice(data);
}

fn start(disk: &MemoryDisk) -> Result<State, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    format::check(disk.as_ref())?;
    let clock = Arc::new(SimulatedClock::default());
    recover::recover(&disk, &(clock as _), &Options::new("")).map(|recovered| recovered.state)
}
