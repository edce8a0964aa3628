//! What a power cut could leave of a [`MemoryDisk`](super::MemoryDisk).
//!
//! The model: a sync makes durable what was written to that file before it; syncing names does that for names. Of
//! everything else any sector of 512 bytes may have been written or not, a file may have its new size or not, and any of
//! the last calls that change names may have happened or not. A sector is written whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::memory_disk::{Image, Op, SECTOR, index, put};

/// The disk after a number of calls: what is certain, and what is on its way.
#[derive(Clone, Debug)]
pub struct Cut {
    names: BTreeMap<String, usize>,
    /// As a process sees them.
    seen: BTreeMap<String, usize>,
    /// Calls that changed names since they were made durable, with the number of the file that they were about: a name on
    /// the disk refers to a file, not to another name.
    pending_names: Vec<(Op, usize)>,
    files: Vec<File>,
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    /// Writes and sizes since.
    pending: Vec<Op>,
}

/// What of the uncertain part survived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivors {
    /// Sectors, counted over all uncertain writes, that are on the disk.
    pub sectors: BTreeSet<usize>,
    /// Whether files have their new sizes.
    pub sizes: bool,
    /// Which of the uncertain changes of names happened: one bit each, for the first 64.
    pub names: u64,
}

impl Cut {
    /// Before the first call, with these files.
    pub fn new(image: &Image) -> Self {
        let names: BTreeMap<String, usize> = image.keys().cloned().zip(0..).collect();
        let files = image
            .values()
            .map(|durable| File {
                durable: durable.clone(),
                pending: Vec::new(),
            })
            .collect();
        Self {
            seen: names.clone(),
            names,
            pending_names: Vec::new(),
            files,
        }
    }

    /// One call later.
    pub fn advance(&mut self, op: &Op) {
        match op {
            Op::Create(_) => {
                self.change_names(op, self.files.len());
                self.files.push(File::default());
            }
            Op::Rename(name, _) | Op::Unlink(name) => self.change_names(op, self.seen[name]),
            Op::Write(file, ..) | Op::Resize(file, _) => self.files[*file].pending.push(op.clone()),
            Op::Sync(file) => self.files[*file].sync(),
            // Nothing of it was written, and nothing of it ever will be.
            Op::FailedSync(file) => self.files[*file].pending.clear(),
            Op::SyncNames => {
                let pending = std::mem::take(&mut self.pending_names);
                pending.iter().for_each(|change| rename(&mut self.names, change));
            }
        }
    }

    fn change_names(&mut self, op: &Op, file: usize) {
        let change = (op.clone(), file);
        rename(&mut self.seen, &change);
        self.pending_names.push(change);
    }

    /// How many sectors are uncertain.
    pub fn sectors(&self) -> usize {
        self.files
            .iter()
            .flat_map(|file| &file.pending)
            .map(|op| shares(op).len())
            .sum()
    }

    /// The sets of survivors to try: nothing, everything, all but any one or two sectors, any one or two sectors alone,
    /// every number of sectors from the front, each of these with and without the rest; and any of the last few changes
    /// of names.
    pub fn survivors(&self) -> Vec<Survivors> {
        let count = self.sectors();
        let mut sets: BTreeSet<BTreeSet<usize>> = (0..=count).map(|end| (0..end).collect()).collect();
        let all: BTreeSet<usize> = (0..count).collect();
        for first in 0..count {
            for second in first..count {
                let pair = BTreeSet::from([first, second]);
                sets.insert(all.difference(&pair).copied().collect());
                sets.insert(pair);
            }
        }
        let names = self.name_sets();
        let mut survivors = Vec::new();
        for sectors in sets {
            for sizes in [false, true] {
                survivors.extend(names.iter().map(|names| Survivors {
                    sectors: sectors.clone(),
                    sizes,
                    names: *names,
                }));
            }
        }
        survivors
    }

    fn name_sets(&self) -> Vec<u64> {
        match self.pending_names.len() {
            few @ 0..=4 => (0..1 << few).collect(),
            many => (0..=many.min(63)).map(|first| (1 << first) - 1).collect(),
        }
    }

    /// The files that a start would find.
    pub fn image(&self, survivors: &Survivors) -> Image {
        let mut names = self.names.clone();
        for (position, change) in self.pending_names.iter().enumerate() {
            if position < 64 && survivors.names & (1 << position) != 0 {
                rename(&mut names, change);
            }
        }
        let mut sector = 0;
        let contents: Vec<Vec<u8>> = self
            .files
            .iter()
            .map(|file| file.after(survivors, &mut sector))
            .collect();
        names
            .into_iter()
            .map(|(name, file)| (name, contents[file].clone()))
            .collect()
    }
}

impl File {
    fn sync(&mut self) {
        for op in std::mem::take(&mut self.pending) {
            match op {
                Op::Write(_, offset, bytes) => put(&mut self.durable, offset, &bytes),
                Op::Resize(_, size) => self.durable.resize(index(size), 0),
                _ => {}
            }
        }
    }

    /// The content after a cut. `sector` counts over all files.
    fn after(&self, survivors: &Survivors, sector: &mut usize) -> Vec<u8> {
        let mut content = self.durable.clone();
        for op in &self.pending {
            if let (Op::Resize(_, size), true) = (op, survivors.sizes) {
                content.resize(index(*size), 0);
            }
            for (offset, bytes) in shares(op) {
                if survivors.sectors.contains(sector) {
                    put(&mut content, offset as u64, bytes);
                }
                *sector += 1;
            }
        }
        content
    }
}

/// The parts of a write, one for each sector.
fn shares(op: &Op) -> Vec<(usize, &[u8])> {
    let Op::Write(_, offset, bytes) = op else {
        return Vec::new();
    };
    let (start, mut from, mut shares) = (index(*offset), 0, Vec::new());
    while from < bytes.len() {
        let to = (from + SECTOR - (start + from) % SECTOR).min(bytes.len());
        shares.push((start + from, &bytes[from..to]));
        from = to;
    }
    shares
}

/// Applies a change of names. One before it may have got lost, so a name need not be there, nor refer to the same file.
fn rename(names: &mut BTreeMap<String, usize>, (op, file): &(Op, usize)) {
    if let Op::Rename(name, _) | Op::Unlink(name) = op
        && names.get(name) == Some(file)
    {
        names.remove(name);
    }
    if let Op::Create(name) | Op::Rename(_, name) = op {
        names.insert(name.clone(), *file);
    }
}
