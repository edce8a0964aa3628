//! Lists on their way out.
//!
//! A list is written while it is sent: a part of it when the client has taken the part before. So a long one takes no more
//! memory than its objects, which it shares with the store, and no more of a processor at once than a part does. Only the
//! first part is written before the reply begins; a list that ends with it has a length and, should it come to that, an
//! error of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use leasehold_api::codec::stored::Stored;
use leasehold_api::codec::{Format, json, protobuf};
use leasehold_api::{ApiError, Encode, Gvk};
use leasehold_registry::{Item, List};

use super::{Form, ITEMS_PER_TURN, Typed, partial};
use crate::body::{Body, Broken, Pieces};

/// A part ends with the item that makes it as long as this, in bytes: four pieces as they go to the connection.
const PART: usize = 64 << 10;

/// What is written of each item.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// All of it.
    Whole,
    /// Its metadata, as an object of this kind.
    Metadata(Gvk),
}

impl Of {
    /// Hands the item to one of two, depending on whether it has to be read first.
    fn write<W, T>(
        self,
        item: &Item,
        to: W,
        stored: impl FnOnce(W, &Stored<'_>) -> Result<T, ApiError>,
        read: impl FnOnce(W, &dyn Encode) -> T,
    ) -> Result<T, ApiError> {
        match self {
            Self::Whole => match item.straight()? {
                Some(item) => stored(to, &item),
                None => Ok(read(to, item.object()?.as_encode())),
            },
            Self::Metadata(gvk) => Ok(read(to, &Typed(gvk, &partial(&mut *item.stored()?)))),
        }
    }
}

/// A list in one of the two formats that are written item by item.
enum Writer {
    Json(json::ListWriter),
    Protobuf(protobuf::ListWriter),
}

impl Writer {
    fn item(&mut self, of: Of, item: &Item) -> Result<(), ApiError> {
        match self {
            Self::Json(writer) => of.write(item, writer, json::ListWriter::stored, json::ListWriter::item),
            Self::Protobuf(writer) => of.write(item, writer, protobuf::ListWriter::stored, protobuf::ListWriter::item),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Json(writer) => writer.len(),
            Self::Protobuf(writer) => writer.len(),
        }
    }

    fn take(&mut self) -> Vec<u8> {
        // The item that ends a part is seldom longer than the room for it.
        let next = Vec::with_capacity(PART + PART / 8);
        match self {
            Self::Json(writer) => writer.take(next),
            Self::Protobuf(writer) => writer.take(next),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Json(writer) => writer.finish(),
            Self::Protobuf(writer) => writer.finish(),
        }
    }
}

/// A list of which a part has been written.
struct Parts {
    of: Of,
    items: std::vec::IntoIter<Item>,
    /// `None` once the end is written.
    writer: Option<Writer>,
}

impl Parts {
    /// The next part, if there is one.
    fn write(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(None);
        };
        for item in self.items.by_ref() {
            writer.item(self.of, &item)?;
            if writer.len() >= PART {
                let part = writer.take();
                self.writer = Some(writer);
                return Ok(Some(part));
            }
        }
        Ok(Some(writer.finish()))
    }
}

impl Iterator for Parts {
    type Item = Result<Bytes, Broken>;

    fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        // A panic must not take the connection's other requests along.
        match catch_unwind(AssertUnwindSafe(|| self.write())) {
            Ok(Ok(part)) => part.map(|part| Ok(part.into())),
            Ok(Err(error)) => {
                tracing::error!(%error, "a list breaks off");
                Some(Err(Broken))
            }
            Err(_) => {
                tracing::error!("a list ended with a panic");
                Some(Err(Broken))
            }
        }
    }
}

/// The reply's body for a list of `gvk`, the list's own kind.
///
/// # Errors
/// 500 when the store holds what cannot be read, as far as that is known before the reply begins.
pub(super) async fn body(form: &Form<'_>, gvk: Gvk, of: Of, list: List) -> Result<Body, ApiError> {
    let mut parts = parts(form, gvk, of, list).await?;
    let first = parts.write()?.unwrap_or_default();
    if parts.writer.is_none() {
        return Ok(first.into());
    }
    let first = std::iter::once(Ok(first.into()));
    Ok(Body::Pieces(Pieces::new(first.chain(parts))))
}

/// The whole list at once, for a form that is made from that.
///
/// # Errors
/// 500 when the store holds what cannot be read.
pub(super) async fn bytes(form: &Form<'_>, gvk: Gvk, of: Of, list: List) -> Result<Vec<u8>, ApiError> {
    let mut parts = parts(form, gvk, of, list).await?;
    let mut out = Vec::new();
    while let Some(part) = parts.write()? {
        out.extend_from_slice(&part);
        tokio::task::yield_now().await;
    }
    Ok(out)
}

async fn parts(form: &Form<'_>, gvk: Gvk, of: Of, list: List) -> Result<Parts, ApiError> {
    let writer = match form.answer.format {
        Format::Protobuf => {
            let items_len = items_len(of, &list.items).await?;
            Writer::Protobuf(protobuf::ListWriter::new(gvk, &list.metadata, items_len))
        }
        Format::Json | Format::Yaml => Writer::Json(json::ListWriter::new(gvk, &list.metadata)),
    };
    Ok(Parts {
        of,
        items: list.items.into_iter(),
        writer: Some(writer),
    })
}

/// How long the items are in protobuf, whose envelope begins with its length.
async fn items_len(of: Of, items: &[Item]) -> Result<usize, ApiError> {
    let mut len = 0;
    for (turn, items) in items.chunks(ITEMS_PER_TURN).enumerate() {
        if turn > 0 {
            tokio::task::yield_now().await;
        }
        for item in items {
            let item_len = |(), item: &dyn Encode| protobuf::ListWriter::item_len(item);
            len += of.write(item, (), |(), item| protobuf::ListWriter::stored_len(item), item_len)?;
        }
    }
    Ok(len)
}
