//! Whole lists, as informers ask for them when they start: all leases of the namespace, in one piece or in pages.

use std::sync::Arc;

use memchr::{memchr, memmem};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::api::Encoding;
use crate::crew::{Crew, Station};
use crate::measure::{Load, measure};
use crate::pool::Failed;
use crate::report::Measured;
use crate::tally::Outcome;
use crate::{Error, Report, Run, Setup, fleet, protobuf};

/// Bytes at the beginning of a list that hold its metadata.
const HEAD: usize = 8 << 10;

/// Lists to read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct List {
    /// Leases to create first. Others in the namespace are listed too.
    pub nodes: u32,
    /// Items of a page; everything at once where `None`.
    pub page: Option<u32>,
    /// When lists are read; a list is one operation, however many pages it has.
    pub load: Load,
    /// Leave the leases there afterwards.
    pub keep: bool,
}

/// Creates leases, reads lists of them, and deletes them.
///
/// # Errors
/// When the plan makes no sense, the server cannot be reached, or it refuses to create leases.
pub async fn list(setup: &Setup, plan: List, run: &Run) -> Result<Report, Error> {
    let at_once = plan.load.pace.in_flight();
    setup.check(at_once)?;
    plan.load.check()?;
    if plan.page == Some(0) {
        return Err(Error::plan("a page has at least one item"));
    }
    let crew = Crew::gather(setup, run, setup.threads(at_once)).await?;
    let listed = lists(&crew, setup, plan, run).await;
    let left_over = fleet::clean_up(&crew, setup, plan.nodes, plan.keep, run).await?;
    Ok(listed?.report("list", setup, run.stop.is_cancelled(), left_over))
}

async fn lists(crew: &Crew, setup: &Setup, plan: List, run: &Run) -> Result<Measured, Error> {
    run.meter.begin("creating leases", plan.nodes.into());
    fleet::create(crew, setup, plan.nodes, |_, name| name.to_owned()).await?;
    if run.stop.is_cancelled() {
        return Err(Error::Stopped);
    }
    run.meter.begin("listing", 0);
    measure(crew, run, &setup.pids, plan.load, move |station, _| {
        whole(station, plan.page)
    })
    .await
}

/// One list, all its pages.
async fn whole(station: Arc<Station>, page: Option<u32>) -> Outcome {
    let (mut bytes, mut token) = (0, String::new());
    loop {
        let query = match page {
            None => String::new(),
            Some(limit) if token.is_empty() => format!("limit={limit}"),
            Some(limit) => format!("limit={limit}&continue={token}"),
        };
        match one_page(&station, &query).await {
            Ok((200, more, next)) => {
                bytes += more;
                token = next;
            }
            Ok((status, ..)) => return Outcome::Failed(status.to_string()),
            Err(failed) => return failed.into(),
        }
        if token.is_empty() {
            return Outcome::Read(bytes);
        }
    }
}

/// The status of a page, its bytes, and the token for the next one: empty on the last.
async fn one_page(station: &Station, query: &str) -> Result<(u16, u64, String), Failed> {
    let mut head = Vec::with_capacity(HEAD);
    let call = station.api.list(query);
    let (status, bytes) = station.pool.exchange_head(call, &mut head, HEAD).await?;
    let token = next_token(station.encoding, &head).unwrap_or_default();
    let token = utf8_percent_encode(token, NON_ALPHANUMERIC).to_string();
    Ok((status.as_u16(), bytes, token))
}

/// The token for the next page. The metadata comes before the items, in both encodings and from every server.
fn next_token(encoding: Encoding, head: &[u8]) -> Option<&str> {
    const CONTINUE: &[u8] = b"\"continue\":\"";
    let token = match encoding {
        Encoding::Protobuf => protobuf::continue_token(head)?,
        Encoding::Json => {
            let metadata = &head[..memmem::find(head, b"\"items\":").unwrap_or(head.len())];
            let rest = &metadata[memmem::find(metadata, CONTINUE)? + CONTINUE.len()..];
            &rest[..memchr(b'"', rest)?]
        }
    };
    std::str::from_utf8(token).ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use leasehold_api::coordination::Lease;
    use leasehold_api::meta::ListMeta;
    use leasehold_api::{Gvk, codec};

    use super::*;

    #[test]
    fn the_token_of_the_next_page_is_found_in_the_metadata_only() {
        let list = Gvk {
            group: "coordination.k8s.io",
            version: "v1",
            kind: "LeaseList",
        };
        let mut lease = Lease::default();
        lease
            .metadata
            .annotations
            .insert("continue".to_owned(), "no".to_owned());
        for token in ["", "eyJ2IjoibWV0YS5rOHMuaW8ifQ"] {
            let metadata = ListMeta {
                resource_version: "12".to_owned(),
                r#continue: token.to_owned(),
                ..ListMeta::default()
            };
            let mut json = codec::json::ListWriter::new(list, &metadata);
            let items_len = 200 * codec::protobuf::ListWriter::item_len(&lease);
            let mut protobuf = codec::protobuf::ListWriter::new(list, &metadata, items_len);
            for _ in 0..200 {
                json.item(&lease);
                protobuf.item(&lease);
            }
            for (encoding, body) in [
                (Encoding::Json, Bytes::from(json.finish())),
                (Encoding::Protobuf, protobuf.finish().into()),
            ] {
                for len in [body.len(), 1_000] {
                    assert_eq!(
                        next_token(encoding, &body[..len]).unwrap_or_default(),
                        token,
                        "{encoding:?}"
                    );
                }
            }
        }
    }
}
