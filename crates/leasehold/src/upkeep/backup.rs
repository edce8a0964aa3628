//! `leasehold backup`: fetches everything from a running server into a file.
//!
//! The file gets its name only when it is whole, synced, and every byte of it was read back and checked.

use leasehold_store::embedded::{self, BackupContent};

use crate::access;
use crate::cli::Backup;
use crate::client::{self, Reply};
use crate::failure::{Failure, Kind};
use crate::files::Draft;
use crate::runtime;

const PATH: &str = "/leasehold/backup";

/// Makes the backup, and says what it holds.
pub(crate) fn backup(wish: &Backup) -> Result<String, Failure> {
    let access = access::read(&wish.kubeconfig, None)?;
    let runtime = runtime::of_one_thread()?;
    let content = runtime.block_on(async {
        let reply = client::get(&access, PATH).await?;
        keep(reply, wish).await
    })?;
    let BackupContent {
        revision,
        objects,
        bytes,
    } = content;
    let to = wish.to.display();
    Ok(format!(
        "{objects} objects at resourceVersion {revision} are in {to} ({bytes} bytes)"
    ))
}

async fn keep(mut reply: Reply, wish: &Backup) -> Result<BackupContent, Failure> {
    if reply.code() != 200 {
        return Err(reply.refused("backup").await);
    }
    let unwritable = |error| Failure::new(Kind::Runtime, format!("cannot write {}: {error}", wish.to.display()));
    let mut draft = Draft::create(&wish.to).map_err(unwritable)?;
    while let Some(piece) = reply.piece().await? {
        draft.append(&piece).map_err(unwritable)?;
    }
    draft.sync().map_err(unwritable)?;
    let content = embedded::verify_backup(draft.for_now()).map_err(|error| {
        Failure::new(
            Kind::Runtime,
            format!("the backup did not arrive as it was sent: {error}"),
        )
    })?;
    draft.finish().map_err(unwritable)?;
    Ok(content)
}
