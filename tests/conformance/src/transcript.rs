//! The format of transcripts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Error;

/// A recorded conversation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// Its name, which is also that of its file.
    pub scenario: String,
    /// What it is about.
    pub about: String,
    /// The server that gave the replies.
    pub recorded_from: String,
    /// Whether it needs a namespace of its own.
    #[serde(default = "yes")]
    pub namespace: bool,
    /// Whether `managedFields` are compared.
    #[serde(default, rename = "managedFields")]
    pub managed_fields: bool,
    /// What is asked, in this order, each after the reply to the one before.
    pub steps: Vec<Step>,
}

/// A request and its recorded reply.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What to send; of no meaning where `collect` is given.
    pub request: Request,
    /// Names for parts of the reply (JSON pointers), to use in later requests.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// Parts of the reply (JSON pointers, `*` for each item of a list) that are not compared.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Read this many watch events instead of a body.
    pub events: Option<usize>,
    /// How many seconds to wait for them.
    pub seconds: Option<f64>,
    /// Open a watch, give it this name, and go on.
    pub background: Option<String>,
    /// Read the events of the watch of this name.
    pub collect: Option<String>,
    /// Seconds to wait before sending.
    pub pause: Option<f64>,
    /// What to compare, when not everything.
    pub lenient: Option<Lenient>,
    /// What the recorded server answered, names in place of what differs between runs.
    pub response: Option<Value>,
}

/// How much of a reply is compared.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Lenient {
    /// The status code.
    Status,
    /// The status code, and a Status's reason and code: its message quotes the recorded server's internals.
    Reason,
    /// Nothing of the recorded reply: any 4xx with a Status is right, where the recorded server failed with a 500.
    ClientError,
}

/// What to send. `{name}` stands for what was saved under that name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, beside or instead of the usual ones.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A body in JSON, sent as it stands here.
    body: Option<Box<RawValue>>,
    /// A body that is any text.
    raw: Option<String>,
    /// A body of any bytes.
    base64: Option<String>,
}

fn yes() -> bool {
    true
}

impl Transcript {
    /// The files of the reference, in the order of their names.
    pub fn files() -> Result<Vec<PathBuf>, Error> {
        Self::files_in("transcripts")
    }

    /// The files of the wider collection, in the order of their names.
    pub fn more_files() -> Result<Vec<PathBuf>, Error> {
        Self::files_in("transcripts-more")
    }

    fn files_in(directory: &str) -> Result<Vec<PathBuf>, Error> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
        let entries = std::fs::read_dir(directory)?;
        let mut files = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>, Error>>()?;
        files.retain(|path| path.extension().is_some_and(|e| e == "json"));
        files.sort_unstable();
        Ok(files)
    }

    /// Reads a transcript from a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path)?;
        serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e}", path.display()).into())
    }
}

/// Values by the names under which they were saved.
pub(crate) type Saved = BTreeMap<String, String>;

/// Puts saved values in the places of their names.
pub(crate) fn fill(text: &str, saved: &Saved) -> String {
    saved.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

impl Request {
    /// The bytes to send, with saved values in place.
    pub(crate) fn body(&self, saved: &Saved) -> Result<Option<Vec<u8>>, Error> {
        if let Some(body) = &self.body {
            return Ok(Some(fill(body.get(), saved).into_bytes()));
        }
        if let Some(raw) = &self.raw {
            return Ok(Some(fill(raw, saved).into_bytes()));
        }
        let bytes = self.base64.as_ref().map(|text| BASE64_STANDARD.decode(text));
        Ok(bytes.transpose()?)
    }

    /// Whether the body is JSON unless a header says otherwise; one given in base64 is not.
    pub(crate) fn is_json(&self) -> bool {
        self.body.is_some() || self.raw.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_transcript_that_can_be_sent() {
        let files = Transcript::files().unwrap();
        assert_eq!(files.len(), 100);
        let saved = Saved::from([("ns".to_owned(), "t-x".to_owned())]);
        for path in files.into_iter().chain(Transcript::more_files().unwrap()) {
            let transcript = Transcript::read(&path).unwrap();
            assert_eq!(
                Some(transcript.scenario.as_str()),
                path.file_stem().and_then(|s| s.to_str())
            );
            for step in &transcript.steps {
                assert_eq!(
                    step.response.is_none(),
                    step.background.is_some(),
                    "{}",
                    transcript.scenario
                );
                assert!(fill(&step.request.path, &saved).parse::<http::Uri>().is_ok());
                step.request.body(&saved).unwrap();
            }
        }
    }

    #[test]
    fn saved_values_take_their_places() {
        let saved = Saved::from([("ns".to_owned(), "t-x".to_owned()), ("rv".to_owned(), "5".to_owned())]);
        assert_eq!(
            fill(r#"{"ns":"{ns}","v":"{rv}{rv}","x":"{x}"}"#, &saved),
            r#"{"ns":"t-x","v":"55","x":"{x}"}"#
        );
    }

    #[test]
    fn bodies_are_sent_as_they_stand_with_saved_values() {
        let saved = Saved::from([("ns".to_owned(), "t-x".to_owned())]);
        let cases: [(&str, Option<&[u8]>, bool); 4] = [
            (
                r#""body": {"b": "{ns}", "a": 1}"#,
                Some(br#"{"b": "t-x", "a": 1}"#),
                true,
            ),
            (r#""raw": "{ns}: 1\n""#, Some(b"t-x: 1\n"), true),
            (r#""base64": "azhzAA==""#, Some(b"k8s\0"), false),
            (r#""headers": {}"#, None, false),
        ];
        for (body, want, is_json) in cases {
            let text = format!(r#"{{"method": "POST", "path": "/", {body}}}"#);
            let request: Request = serde_json::from_str(&text).unwrap();
            assert_eq!(request.body(&saved).unwrap().as_deref(), want, "{body}");
            assert_eq!(request.is_json(), is_json, "{body}");
        }
    }
}
