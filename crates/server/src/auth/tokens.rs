//! Bearer tokens from a static file: Kubernetes' `--token-auth-file`.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::User;
use super::csv::{self, Record};

/// Why a token file cannot be used. Never repeats what the file holds.
#[derive(Debug, Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It makes no sense.
    #[error("{}, line {line}: {what}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// A file of tokens, read again on [`TokenFile::reload`].
pub struct TokenFile {
    path: PathBuf,
    tokens: RwLock<Arc<Tokens>>,
}

impl TokenFile {
    /// Reads the file: a line is `token,user,uid` or `token,user,uid,"group1,group2"`. Warns in the log when others
    /// than the owner can read it.
    ///
    /// # Errors
    /// When the file cannot be read or a line is wrong.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TokenFileError> {
        let path = path.into();
        let tokens = RwLock::new(Arc::new(read(&path)?));
        warn_if_others_can_read(&path);
        Ok(Self { path, tokens })
    }

    /// Reads the file again and says whether it had changed; warns as [`TokenFile::open`] does, but only then. What is in use stays so when the file is wrong.
    ///
    /// # Errors
    /// When the file cannot be read or a line is wrong.
    pub fn reload(&self) -> Result<bool, TokenFileError> {
        let read = read(&self.path)?;
        let mut tokens = self.tokens.write();
        let changed = tokens.file_digest != read.file_digest;
        if changed {
            *tokens = Arc::new(read);
            warn_if_others_can_read(&self.path);
        }
        Ok(changed)
    }

    /// Whose token this is.
    #[must_use]
    pub fn user(&self, token: &[u8]) -> Option<User> {
        self.tokens.read().user(token).cloned()
    }
}

fn read(path: &Path) -> Result<Tokens, TokenFileError> {
    let unreadable = |source| TokenFileError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    Tokens::parse(&text).map_err(|(line, what)| TokenFileError::Malformed {
        path: path.to_owned(),
        line,
        what,
    })
}

#[cfg(unix)]
fn warn_if_others_can_read(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = path.metadata() else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), mode = format!("{mode:04o}"), "others than its owner can use the token file");
    }
}

#[cfg(not(unix))]
fn warn_if_others_can_read(_path: &Path) {}

/// Tokens by what they begin with when hashed: the tokens themselves are not kept.
struct Tokens {
    by_prefix: HashMap<u64, Vec<Token>>,
    file_digest: [u8; 32],
}

struct Token {
    digest: [u8; 32],
    user: User,
}

type Problem = (usize, &'static str);

impl Tokens {
    fn parse(text: &str) -> Result<Self, Problem> {
        let mut tokens = Self {
            by_prefix: HashMap::new(),
            file_digest: digest(text.as_bytes()),
        };
        for record in csv::records(text).map_err(|error| (error.line, error.what))? {
            tokens.add(&record)?;
        }
        Ok(tokens)
    }

    fn add(&mut self, record: &Record) -> Result<(), Problem> {
        let [token, name, _uid, rest @ ..] = record.fields.as_slice() else {
            return Err((
                record.line,
                "at least three columns are needed: token, user name, user uid",
            ));
        };
        if token.is_empty() {
            tracing::warn!(line = record.line, "an empty token in the token file is passed over");
            return Ok(());
        }
        if name.is_empty() {
            return Err((record.line, "the user name is empty"));
        }
        let groups = rest.first().map_or("", String::as_str).split(',');
        let user = User::authenticated(name, groups.filter(|group| !group.is_empty()));
        self.insert(record.line, digest(token.as_bytes()), user);
        Ok(())
    }

    /// As in Kubernetes, the last line of a token counts.
    fn insert(&mut self, line: usize, digest: [u8; 32], user: User) {
        let bucket = self.by_prefix.entry(prefix(&digest)).or_default();
        match bucket.iter_mut().find(|token| token.digest == digest) {
            Some(token) => {
                tracing::warn!(line, "a token stands in the token file twice; the last one counts");
                token.user = user;
            }
            None => bucket.push(Token { digest, user }),
        }
    }

    fn user(&self, token: &[u8]) -> Option<&User> {
        let digest = digest(token);
        // Finding the bucket takes a time that depends on the digest, of which a caller can choose no bit; within it
        // the comparison takes the same time whatever the digests share.
        self.by_prefix
            .get(&prefix(&digest))?
            .iter()
            .find(|known| known.digest.ct_eq(&digest).into())
            .map(|known| &known.user)
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn prefix(digest: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Tokens, Problem> {
        Tokens::parse(text)
    }

    fn user(tokens: &Tokens, token: &str) -> Option<(String, Vec<String>)> {
        let user = tokens.user(token.as_bytes())?;
        Some((
            user.name.to_string(),
            user.groups.iter().map(ToString::to_string).collect(),
        ))
    }

    fn found(name: &str, groups: &[&str]) -> Option<(String, Vec<String>)> {
        Some((name.to_owned(), groups.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_line_is_a_token_a_user_and_groups() {
        let tokens = parse(
            "t1,alice,1\n\
             t2,bob,2,\"dev,ops\"\r\n\
             ,nobody,3\n\
             t3,root,4,system:masters,ignored\n\
             t4,both,5,\"system:authenticated,,x\"\n",
        )
        .unwrap();
        assert_eq!(user(&tokens, "t1"), found("alice", &["system:authenticated"]));
        assert_eq!(
            user(&tokens, "t2"),
            found("bob", &["dev", "ops", "system:authenticated"])
        );
        assert_eq!(
            user(&tokens, "t3"),
            found("root", &["system:masters", "system:authenticated"])
        );
        assert_eq!(user(&tokens, "t4"), found("both", &["system:authenticated", "x"]));
        for unknown in ["", "t", "t11", "T1", "t1 ", "alice"] {
            assert_eq!(user(&tokens, unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn the_last_of_two_lines_for_one_token_counts() {
        let tokens = parse("t,alice,1\nt,bob,2\n").unwrap();
        assert_eq!(user(&tokens, "t"), found("bob", &["system:authenticated"]));
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, line) in [
            ("t,a,1\nt,b\n", 2),
            ("# comment\n", 1),
            ("t,a,1\n\nt,\"b,2\n", 3),
            ("t,,1\n", 1),
        ] {
            assert_eq!(parse(text).err().unwrap().0, line, "{text:?}");
        }
    }

    #[test]
    fn a_reload_takes_up_changes_and_keeps_what_it_has_when_the_file_is_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens.csv");
        std::fs::write(&path, "old,alice,1\n").unwrap();
        let file = TokenFile::open(&path).unwrap();
        assert!(!file.reload().unwrap());

        std::fs::write(&path, "new,alice,1\n").unwrap();
        assert!(file.reload().unwrap());
        assert!(file.user(b"old").is_none());
        assert_eq!(&*file.user(b"new").unwrap().name, "alice");

        std::fs::write(&path, "secret-of-bob\n").unwrap();
        let error = file.reload().unwrap_err().to_string();
        assert!(error.contains("tokens.csv, line 1"), "{error}");
        assert!(!error.contains("secret-of-bob"), "{error}");
        assert!(file.user(b"new").is_some());
    }

    #[test]
    fn a_missing_file_is_an_error_with_its_name() {
        let error = TokenFile::open("/nonexistent/tokens.csv").err().unwrap();
        assert!(error.to_string().starts_with("/nonexistent/tokens.csv: "));
    }
}
