//! `leasehold backup`: fetches everything from a running server into a file.
//!
//! The file gets its name only when it is whole, synced, and every byte of it was read back and checked.

use leasehold_store::embedded::{self, BackupContent};

use super::client::{self, Reply};
use crate::access;
use crate::cli::Backup;
use crate::failure::{Failure, Kind};
use crate::files::Draft;

const PATH: &str = "/leasehold/backup";
/// Of a refusal; it is one line.
const MAX_REFUSAL: usize = 16 << 10;

/// Makes the backup, and says what it holds.
pub(crate) fn backup(wish: &Backup) -> Result<String, Failure> {
    let access = access::read(&wish.kubeconfig, None)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Kind::Runtime, format!("cannot start: {error}")))?;
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
        return Err(refused(reply).await);
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

/// What the server says in place of a backup.
async fn refused(mut reply: Reply) -> Failure {
    let (code, mut body) = (reply.code(), Vec::new());
    while let Ok(Some(piece)) = reply.piece().await
        && body.len() < MAX_REFUSAL
    {
        body.extend_from_slice(&piece);
    }
    let status: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let message = status.as_ref().and_then(|status| status["message"].as_str());
    let failure = Failure::new(
        Kind::Runtime,
        format!("the server answers {code}: {}", message.unwrap_or("it has no backups")),
    );
    match code {
        401 | 403 => failure.hint("a backup takes the credentials of someone in system:masters"),
        _ => failure,
    }
}
