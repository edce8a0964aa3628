//! Plans that once failed, in files: what was wrong, and everything that made it show.
//!
//! They hold the whole plan and not just its seed, so that they stay what they were when the way plans are made changes.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// A plan, and why it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// What was wrong.
    pub why: String,
    /// How it showed.
    pub plan: Plan,
}

/// Where they are.
#[must_use]
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("kept")
}

/// Reads one.
///
/// # Errors
/// When the file cannot be read, or holds something else.
pub fn read(file: &Path) -> std::io::Result<Kept> {
    Ok(serde_json::from_slice(&std::fs::read(file)?)?)
}

/// Writes one, and says where.
///
/// # Errors
/// Those of the file system.
pub fn write(directory: &Path, why: &str, plan: &Plan) -> std::io::Result<PathBuf> {
    let kept = Kept {
        why: why.to_owned(),
        plan: plan.clone(),
    };
    std::fs::create_dir_all(directory)?;
    let file = directory.join(format!("seed-{}.json", plan.seed));
    std::fs::write(&file, serde_json::to_string_pretty(&kept)? + "\n")?;
    Ok(file)
}
