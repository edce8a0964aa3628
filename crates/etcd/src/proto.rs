//! The messages that callers never see, with the field numbers of etcd's published rpc.proto and kv.proto. Fields that nobody
//! here reads are left out: prost skips them.

use bytes::Bytes;
use prost::Message;

use crate::reply::{Event, EventKind, KeyValue, OpReply, RangeReply, Status, TxnReply};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Header {
    #[prost(uint64, tag = "2")]
    pub(crate) member_id: u64,
    #[prost(int64, tag = "3")]
    pub(crate) revision: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RangeResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) kvs: Vec<KeyValue>,
    #[prost(bool, tag = "3")]
    pub(crate) more: bool,
    #[prost(int64, tag = "4")]
    pub(crate) count: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct PutResponse {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeleteResponse {
    #[prost(int64, tag = "2")]
    pub(crate) deleted: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct TxnResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<Header>,
    #[prost(bool, tag = "2")]
    pub(crate) succeeded: bool,
    #[prost(message, repeated, tag = "3")]
    pub(crate) responses: Vec<OpResponse>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct OpResponse {
    #[prost(oneof = "OpResult", tags = "1, 2, 3, 4")]
    pub(crate) result: Option<OpResult>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum OpResult {
    #[prost(message, tag = "1")]
    Range(RangeResponse),
    #[prost(message, tag = "2")]
    Put(PutResponse),
    #[prost(message, tag = "3")]
    Delete(DeleteResponse),
    #[prost(message, tag = "4")]
    Txn(TxnResponse),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CompactionRequest {
    #[prost(int64, tag = "1")]
    pub(crate) revision: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct CompactionResponse {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StatusRequest {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<Header>,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
    #[prost(int64, tag = "3")]
    pub(crate) db_size: i64,
    #[prost(uint64, tag = "4")]
    pub(crate) leader: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WatchRequest {
    #[prost(oneof = "WatchAsk", tags = "1, 3")]
    pub(crate) ask: Option<WatchAsk>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum WatchAsk {
    #[prost(message, tag = "1")]
    Create(WatchCreate),
    #[prost(message, tag = "3")]
    Progress(WatchProgress),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WatchCreate {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) range_end: Bytes,
    #[prost(int64, tag = "3")]
    pub(crate) start_revision: i64,
    #[prost(bool, tag = "4")]
    pub(crate) progress_notify: bool,
    #[prost(bool, tag = "8")]
    pub(crate) fragment: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WatchProgress {}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WatchResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<Header>,
    #[prost(bool, tag = "3")]
    pub(crate) created: bool,
    #[prost(bool, tag = "4")]
    pub(crate) canceled: bool,
    #[prost(int64, tag = "5")]
    pub(crate) compact_revision: i64,
    #[prost(string, tag = "6")]
    pub(crate) cancel_reason: String,
    #[prost(bool, tag = "7")]
    pub(crate) fragment: bool,
    #[prost(message, repeated, tag = "11")]
    pub(crate) events: Vec<EventMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EventMessage {
    #[prost(int32, tag = "1")]
    pub(crate) kind: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) kv: Option<KeyValue>,
}

/// etcd's number for a deletion; 0 is a put.
pub(crate) const DELETE: i32 = 1;

fn revision(header: Option<&Header>) -> i64 {
    header.map_or(0, |header| header.revision)
}

impl From<RangeResponse> for RangeReply {
    fn from(response: RangeResponse) -> Self {
        Self {
            revision: revision(response.header.as_ref()),
            kvs: response.kvs,
            more: response.more,
            count: response.count,
        }
    }
}

impl From<TxnResponse> for TxnReply {
    fn from(response: TxnResponse) -> Self {
        Self {
            succeeded: response.succeeded,
            revision: revision(response.header.as_ref()),
            responses: response.responses.into_iter().map(OpReply::from).collect(),
        }
    }
}

impl From<OpResponse> for OpReply {
    fn from(response: OpResponse) -> Self {
        match response.result {
            Some(OpResult::Range(range)) => Self::Range(range.into()),
            Some(OpResult::Delete(DeleteResponse { deleted })) => Self::Delete { deleted },
            Some(OpResult::Txn(txn)) => Self::Txn(txn.into()),
            Some(OpResult::Put(_)) | None => Self::Put,
        }
    }
}

impl From<StatusResponse> for Status {
    fn from(response: StatusResponse) -> Self {
        Self {
            member: response.header.as_ref().map_or(0, |header| header.member_id),
            revision: revision(response.header.as_ref()),
            version: response.version,
            leader: response.leader,
            db_size: response.db_size,
        }
    }
}

impl From<EventMessage> for Event {
    fn from(message: EventMessage) -> Self {
        Self {
            kind: if message.kind == DELETE {
                EventKind::Delete
            } else {
                EventKind::Put
            },
            kv: message.kv.unwrap_or_default(),
        }
    }
}
