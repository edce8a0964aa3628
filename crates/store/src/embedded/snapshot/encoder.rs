//! A snapshot as a row of byte pieces, each made when it is asked for: what is written to a file and sent as a backup.
//!
//! The header is one piece and each frame another, so whoever takes them holds about [`FRAME`] bytes at a time, however
//! large the store is.

use std::ops::ControlFlow;

use crate::embedded::log::frame;
use crate::embedded::log::new_salt;
use crate::embedded::log::record::encode;
use crate::view::state::State;
use crate::{Key, Revision};

use super::header;

/// Payload after which a frame ends. One large value makes a larger frame.
pub(crate) const FRAME: usize = 256 * 1024;

/// See the module. It is given the same state for every piece.
pub(crate) struct Encoder {
    salt: u32,
    /// Entries so far, in the shape that a frame's chain has.
    entries: Revision,
    next: Next,
}

/// What comes next.
enum Next {
    Header,
    /// The entries after this one, or all of them.
    Entries(Option<Key>),
    Nothing,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self {
            salt: new_salt(),
            entries: Revision(0),
            next: Next::Header,
        }
    }

    /// Replaces what is in `buffer` by the next piece. Breaks, and leaves it empty, when there is none.
    pub(crate) fn next(&mut self, state: &State, buffer: &mut Vec<u8>) -> ControlFlow<()> {
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Header => {
                buffer.clear();
                buffer.extend_from_slice(&header(state.revision, self.salt));
                self.next = Next::Entries(None);
            }
            Next::Entries(after) => self.frame(state, after.as_ref(), buffer),
            Next::Nothing => {
                buffer.clear();
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// A frame of the entries after this one. An empty one is the end.
    fn frame(&mut self, state: &State, after: Option<&Key>, buffer: &mut Vec<u8>) {
        frame::begin(buffer);
        let (mut count, mut last) = (0, None);
        for (key, item) in state.entries_after(after) {
            encode(buffer, &key, item.revision, Some(&item.value));
            count += 1;
            last = Some(key);
            if buffer.len() >= FRAME {
                break;
            }
        }
        frame::seal(buffer, self.salt, count, self.entries, state.revision);
        self.entries.0 += u64::from(count);
        if last.is_some() {
            self.next = Next::Entries(last);
        }
    }
}
