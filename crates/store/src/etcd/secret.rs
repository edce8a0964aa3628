//! What all replicas know and nobody else: made by the first that needs it.

use bytes::Bytes;
use leasehold_etcd::{Compare, Op, OpReply, Txn};

use super::Etcd;
use super::shared::unavailable;
use crate::Error;

impl Etcd {
    /// The secret of this name that all processes over this etcd and prefix share. The first to ask stores what `make` gives it;
    /// from then on it is what is stored. Names are paths without a slash.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Full`].
    pub async fn shared_secret(&self, name: &str, make: impl FnOnce() -> Bytes) -> Result<Bytes, Error> {
        let (key, made) = (self.shared.keys.own(name), make());
        let txn = Txn {
            compare: vec![Compare::mod_revision(key.clone(), 0)],
            success: vec![Op::put(key.clone(), made.clone())],
            failure: vec![Op::get(key)],
        };
        let reply = self.shared.txn(txn).await.map_err(|error| unavailable(&error))?;
        if reply.succeeded {
            return Ok(made);
        }
        let found = match reply.responses.into_iter().next() {
            Some(OpReply::Range(found)) => found.kvs.into_iter().next(),
            _ => None,
        };
        let found = found.ok_or_else(|| Error::Unavailable("etcd's answer contradicts itself".into()))?;
        Ok(found.value)
    }
}
