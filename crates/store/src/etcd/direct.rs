//! Reads that go to etcd, past what is held here.

use leasehold_etcd::{self as etcd, KeyValue, RangeRequest};

use super::keys::Span;
use super::mirror::{number, revision};
use super::shared::Shared;
use crate::view::state::{Item, Table};
use crate::{Range, Revision};

/// Keys read at a time: etcd and others need not wait for a larger reply to be put together.
const PAGE: i64 = 1000;

impl Shared {
    /// Hands every key of a span to `take`, in etcd's order, as it was at a revision, or is now, and says at which.
    pub(super) async fn read_span(
        &self,
        span: &Span,
        at: Option<Revision>,
        mut take: impl FnMut(KeyValue),
    ) -> Result<Revision, etcd::Error> {
        let (mut start, mut at) = (span.start.clone(), at.map_or(0, number));
        loop {
            let page = RangeRequest::range(start, span.end.clone()).limit(PAGE).at(at);
            let reply = self.range(page).await?;
            if at == 0 {
                at = reply.revision;
            }
            let last = reply.kvs.last().map(|kv| [&*kv.key, b"\0"].concat());
            reply.kvs.into_iter().for_each(&mut take);
            match last {
                Some(after) if reply.more => start = after.into(),
                _ => return Ok(revision(at)),
            }
        }
    }

    /// The objects of a range, and perhaps others of its resource, as they were at a revision, or are now.
    pub(super) async fn read_table(
        &self,
        range: &Range,
        at: Option<Revision>,
    ) -> Result<(Table, Revision), etcd::Error> {
        let mut table = Table::default();
        let resource = [range.resource()];
        let take = |kv: KeyValue| {
            if let Some(key) = self.keys.decode_of(&resource, &kv.key) {
                table.set(&key, Some(item(kv)));
            }
        };
        let at = self.read_span(&self.keys.span(range), at, take).await?;
        Ok((table, at))
    }
}

/// What etcd holds at a key, as we hold it.
pub(super) fn item(kv: KeyValue) -> Item {
    Item {
        revision: revision(kv.mod_revision),
        value: kv.value,
    }
}
