//! `leasehold check`: looks for damage in a data directory, and changes nothing.

use std::process::ExitCode;

use bytes::Bytes;
use leasehold_api::codec::protobuf;
use leasehold_registry::resources;
use leasehold_store::Key;
use leasehold_store::embedded::{self, OpenError};

use super::report;
use crate::cli::{Check, Form};
use crate::failure::{Failure, Kind};
use crate::{data_dir, printer};

/// Prints what was found. Damage is a failure, after the report.
pub(crate) fn check(wish: &Check) -> Result<ExitCode, Failure> {
    let dir = data_dir::store_in(&wish.data_dir);
    let found = embedded::inspect(&dir, &mut judge).map_err(|error| failure(&error, wish))?;
    printer::data(&match wish.form {
        Form::Text => report::text(&found),
        Form::Json => report::json(&found),
    });
    if found.problems.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let damaged = Failure::new(Kind::Runtime, format!("{} is damaged", dir.display()));
    Err(damaged.hint("leave it as it is, and restore the last backup into another directory"))
}

/// Whether a value is an object of the resource, and the one that its key says.
pub(crate) fn judge(key: &Key, value: &Bytes) -> Result<(), String> {
    let row = resources::TABLE.iter().find(|row| row.storage == key.resource);
    let row = row.ok_or("there is no such resource")?;
    let object = protobuf::from_stored(&row.stored.1, value).map_err(|error| {
        // What a client is told begins with whose fault it is, which goes without saying here.
        let text = error.to_string();
        text.strip_prefix("Internal error occurred: ")
            .map_or(text.clone(), str::to_owned)
    })?;
    let metadata = object.metadata();
    if (&*metadata.namespace, &*metadata.name) != (&*key.namespace, &*key.name) {
        return Err(format!(
            "it is the object {}/{} instead",
            metadata.namespace, metadata.name
        ));
    }
    Ok(())
}

fn failure(error: &OpenError, wish: &Check) -> Failure {
    let path = wish.data_dir.display();
    let failure = Failure::new(Kind::DataDir, format!("data directory {path}: {error}"));
    match error {
        OpenError::Locked { .. } => {
            failure.hint("stop the server first; 'leasehold backup' reads and checks everything while it runs")
        }
        _ => failure,
    }
}
