//! What a power cut could leave of a [`MemoryDisk`](super::MemoryDisk).
//!
//! The model: a sync makes durable what was written to that file before it; syncing names does that for names. Of
//! everything else any sector of 512 bytes may have been written or not, a file may have its new size or not, and any of
//! the last calls that change names may have happened or not. A sector is written whole or not at all.

use std::collections::BTreeMap;

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
    /// Which sectors are on the disk.
    pub sectors: Sectors,
    /// Whether files have their new sizes.
    pub sizes: bool,
    /// Which of the uncertain changes of names happened: one bit each, for the first 64.
    pub names: u64,
}

impl Survivors {
    /// Nothing that was not certain.
    pub const NONE: Self = Self {
        sectors: Sectors::First(0),
        sizes: false,
        names: 0,
    };
}

/// A set of sectors, counted over all uncertain writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sectors {
    /// So many of the first: a write that was torn.
    First(usize),
    /// These.
    Only(Vec<usize>),
    /// All but these.
    AllBut(Vec<usize>),
}

impl Sectors {
    fn contains(&self, sector: usize) -> bool {
        match self {
            Self::First(count) => sector < *count,
            Self::Only(sectors) => sectors.contains(&sector),
            Self::AllBut(sectors) => !sectors.contains(&sector),
        }
    }
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
            // As uncertain as before.
            Op::FailedSyncNames => {}
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

    /// The sets of survivors to try: every number of sectors from the front, any one to `most` sectors alone, and all but
    /// any one to `most`, each of these with and without new sizes, where there are any; and any of the last few changes of
    /// names.
    pub fn survivors(&self, most: usize) -> impl Iterator<Item = Survivors> {
        let count = self.sectors();
        let few = subsets(count, most);
        let others = few
            .into_iter()
            .flat_map(|few| [Sectors::Only(few.clone()), Sectors::AllBut(few)]);
        let sizes: &[bool] = if self.has_new_sizes() { &[false, true] } else { &[false] };
        let names = self.name_sets();
        (0..=count).map(Sectors::First).chain(others).flat_map(move |sectors| {
            let each = |sizes: bool, names: u64| Survivors {
                sectors: sectors.clone(),
                sizes,
                names,
            };
            let all = sizes
                .iter()
                .flat_map(|sizes| names.iter().map(|names| each(*sizes, *names)));
            all.collect::<Vec<_>>()
        })
    }

    fn has_new_sizes(&self) -> bool {
        let mut pending = self.files.iter().flat_map(|file| &file.pending);
        pending.any(|op| matches!(op, Op::Resize(..)))
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
                if survivors.sectors.contains(*sector) {
                    put(&mut content, offset as u64, bytes);
                }
                *sector += 1;
            }
        }
        content
    }
}

/// Every set of one to `most` of `count` sectors, in order.
fn subsets(count: usize, most: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = Vec::new();
    let mut last = vec![Vec::new()];
    for _ in 0..most {
        last = last
            .iter()
            .flat_map(|set: &Vec<usize>| {
                let from = set.last().map_or(0, |last| last + 1);
                (from..count).map(move |next| set.iter().copied().chain([next]).collect())
            })
            .collect();
        all.extend(last.iter().cloned());
    }
    all
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_up_to_three_sectors_is_tried_once() {
        // 5 + 10 + 10 of five, and 4 + 6 + 4 of four: each by itself, and in order.
        for (count, sets) in [(5, 25), (4, 14), (1, 1), (0, 0)] {
            let mut found = subsets(count, 3);
            assert_eq!(found.len(), sets);
            assert!(found.iter().all(|set| set.is_sorted() && set.len() <= 3));
            found.sort();
            found.dedup();
            assert_eq!(found.len(), sets, "one comes twice");
        }
    }
}
