//! From etcd's watch responses to replies: pure.
//!
//! etcd never splits what happened at one revision, unless a response grows so large that it is sent in fragments. Those come
//! one after the other; whole revisions are passed on as they come, and what may be cut waits for the next fragment.

use crate::proto::WatchResponse;
use crate::{Error, Event, WatchError, WatchReply};

/// What of a response in fragments has not been passed on.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    held: Vec<Event>,
}

impl Assembler {
    /// Takes a response; the reply that is due, if any.
    pub(crate) fn take(&mut self, response: WatchResponse) -> Result<Option<WatchReply>, WatchError> {
        if response.canceled {
            return Err(end(&response));
        }
        if response.created {
            return Ok(None);
        }
        let header = response.header.map_or(0, |header| header.revision);
        let mut events = std::mem::take(&mut self.held);
        events.extend(response.events.into_iter().map(Event::from));
        if response.fragment {
            let last = events.last().map_or(0, |event| event.kv.mod_revision);
            let whole = events.partition_point(|event| event.kv.mod_revision < last);
            self.held = events.split_off(whole);
            return Ok(reply(events));
        }
        Ok(reply(events).or(Some(WatchReply {
            events: Vec::new(),
            revision: header,
            is_progress: true,
        })))
    }
}

/// A reply with these events, if there are any. Its revision is the last event's: the response's header tells how far etcd is,
/// which is no promise for this watch.
fn reply(events: Vec<Event>) -> Option<WatchReply> {
    let revision = events.last()?.kv.mod_revision;
    Some(WatchReply {
        events,
        revision,
        is_progress: false,
    })
}

/// Why etcd ended the watch.
fn end(response: &WatchResponse) -> WatchError {
    match response.compact_revision {
        0 if response.cancel_reason.is_empty() => WatchError::Lost("etcd ended it".to_owned()),
        0 => WatchError::Lost(response.cancel_reason.clone()),
        revision => WatchError::Compacted { revision },
    }
}

/// What the first response of a watch says about its opening. A revision that is compacted is for the stream to tell.
pub(crate) fn opening(response: &WatchResponse) -> Result<(), Error> {
    let reason = &response.cancel_reason;
    if !response.canceled || response.compact_revision != 0 {
        return Ok(());
    }
    if reason.contains("permission denied") || reason.contains("auth token") || reason.contains("user name is empty") {
        return Err(Error::Denied(reason.clone()));
    }
    Err(Error::Unavailable(format!("etcd refuses the watch: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventKind;
    use crate::KeyValue;
    use crate::proto::{DELETE, EventMessage, Header};

    fn response(fragment: bool, revisions: &[i64]) -> WatchResponse {
        let event = |revision: &i64| EventMessage {
            kind: 0,
            kv: Some(KeyValue {
                mod_revision: *revision,
                ..KeyValue::default()
            }),
        };
        WatchResponse {
            header: Some(Header {
                member_id: 1,
                revision: 100,
            }),
            fragment,
            events: revisions.iter().map(event).collect(),
            ..WatchResponse::default()
        }
    }

    /// The revisions of the events of each reply, and the replies' own.
    fn told(responses: impl IntoIterator<Item = WatchResponse>) -> Vec<(Vec<i64>, i64)> {
        let mut assembler = Assembler::default();
        let replies = responses
            .into_iter()
            .filter_map(|response| assembler.take(response).unwrap());
        let revisions = |reply: WatchReply| {
            assert_eq!(reply.is_progress, reply.events.is_empty());
            let events = reply.events.iter().map(|event| event.kv.mod_revision).collect();
            (events, reply.revision)
        };
        replies.map(revisions).collect()
    }

    #[test]
    fn a_reply_is_as_far_as_its_last_event_and_progress_as_far_as_its_header() {
        let replies = told([response(false, &[3, 3, 5]), response(false, &[])]);
        assert_eq!(replies, [(vec![3, 3, 5], 5), (vec![], 100)]);
    }

    #[test]
    fn fragments_are_passed_on_by_whole_revisions() {
        let replies = told([
            response(true, &[3, 4, 4]),
            response(true, &[4]),
            response(true, &[4, 5, 6]),
            response(false, &[6, 7]),
            response(false, &[8]),
        ]);
        assert_eq!(
            replies,
            [(vec![3], 3), (vec![4, 4, 4, 4, 5], 5), (vec![6, 6, 7], 7), (vec![8], 8)]
        );
    }

    #[test]
    fn deletions_are_told_apart() {
        let mut deletion = response(false, &[3]);
        deletion.events[0].kind = DELETE;
        let reply = Assembler::default().take(deletion).unwrap().unwrap();
        assert_eq!(reply.events[0].kind, EventKind::Delete);
    }

    #[test]
    fn the_end_tells_a_gap_from_a_loss() {
        let mut canceled = response(false, &[]);
        canceled.canceled = true;
        let end = |response: &WatchResponse| Assembler::default().take(response.clone()).unwrap_err();
        assert_eq!(end(&canceled), WatchError::Lost("etcd ended it".to_owned()));
        canceled.cancel_reason = "why".to_owned();
        assert_eq!(end(&canceled), WatchError::Lost("why".to_owned()));
        canceled.compact_revision = 7;
        assert_eq!(end(&canceled), WatchError::Compacted { revision: 7 });
    }

    #[test]
    fn an_opening_is_refused_unless_the_stream_can_tell_why() {
        let mut first = response(false, &[]);
        first.created = true;
        assert_eq!(opening(&first), Ok(()));
        first.canceled = true;
        first.cancel_reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied".to_owned();
        assert!(matches!(opening(&first), Err(Error::Denied(_))));
        first.cancel_reason = "too busy".to_owned();
        assert!(matches!(opening(&first), Err(Error::Unavailable(text)) if text.ends_with("too busy")));
        first.compact_revision = 7;
        assert_eq!(opening(&first), Ok(()));
    }
}
