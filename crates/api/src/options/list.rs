//! [`ListOptions`]: what a list, a watch or the deletion of a collection asks for.

use std::num::NonZeroU64;
use std::time::Duration;

use super::{Query, ResourceVersion, refuse};
use crate::ApiError;
use crate::selector::{fields, labels};
use crate::validation::{FieldError, Path};

/// The longest `timeoutSeconds` there is; larger ones mean this. A year, so that no arithmetic on it can overflow.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The options of a list or a watch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Only objects with such labels.
    pub label_selector: labels::Selector,
    /// Only objects with such fields. Not yet held against the fields that the resource knows: see
    /// [`fields::Selector::only`].
    pub field_selector: fields::Selector,
    /// Follow changes instead of listing.
    pub watch: bool,
    /// The watcher understands bookmarks.
    pub allow_watch_bookmarks: bool,
    /// The state to read, or to watch from.
    pub resource_version: ResourceVersion,
    /// How `resource_version` is meant. Never [`ResourceVersionMatch::Exact`] for a watch, nor for any version.
    pub resource_version_match: Option<ResourceVersionMatch>,
    /// When the watch, or the list, ends; zero means at once. `None` leaves it to the server.
    pub timeout: Option<Duration>,
    /// The largest number of objects to return at once; `None` is all.
    pub limit: Option<NonZeroU64>,
    /// The `continue` of an earlier page, not yet understood; empty means the first page. With a list it excludes a
    /// `resource_version`.
    pub continue_token: String,
    /// Whether a watch begins with what exists, as synthetic events. Always given for a watch that names no version or
    /// any version; never for a list.
    pub send_initial_events: Option<bool>,
}

/// How a list's `resourceVersion` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceVersionMatch {
    /// The state at exactly this version.
    Exact,
    /// This state or a newer one.
    NotOlderThan,
}

/// The parameters whose values depend on each other, as sent.
struct Raw<'a> {
    watch: bool,
    version: &'a str,
    version_match: &'a str,
    continue_token: &'a str,
    send_initial_events: Option<bool>,
}

impl ListOptions {
    /// Reads the options of a list or a watch: 400 where a value cannot be read, 422 where values forbid each other.
    pub fn from_query(query: Query<'_>) -> Result<Self, ApiError> {
        Self::read(query, query.switch("watch").unwrap_or(false))
    }

    /// Reads the options of what is a watch whether they say so or not. Errors as [`Self::from_query`].
    pub fn of_watch(query: Query<'_>) -> Result<Self, ApiError> {
        Self::read(query, true)
    }

    fn read(query: Query<'_>, watch: bool) -> Result<Self, ApiError> {
        let timeout = query.number("timeoutSeconds")?;
        let limit = query.number("limit")?.unwrap_or(0);
        let label_selector = query.text("labelSelector").parse::<labels::Selector>()?;
        let field_selector = query.text("fieldSelector").parse::<fields::Selector>()?;
        let raw = Raw::from_query(query, watch);
        refuse("ListOptions", &raw.errors())?;
        Ok(Self {
            label_selector,
            field_selector,
            watch: raw.watch,
            allow_watch_bookmarks: query.switch("allowWatchBookmarks").unwrap_or(false),
            resource_version: raw.version()?,
            resource_version_match: ResourceVersionMatch::named(raw.version_match),
            timeout: timeout.and_then(to_timeout),
            limit: u64::try_from(limit).ok().and_then(NonZeroU64::new),
            continue_token: raw.continue_token.to_owned(),
            send_initial_events: raw.send_initial_events,
        })
    }
}

/// 0 is the server's choice; a negative timeout has passed already.
fn to_timeout(seconds: i64) -> Option<Duration> {
    match u64::try_from(seconds) {
        Ok(0) => None,
        Ok(seconds) => Some(Duration::from_secs(seconds).min(TIMEOUT_MAX)),
        Err(_) => Some(Duration::ZERO),
    }
}

impl ResourceVersionMatch {
    fn named(name: &str) -> Option<Self> {
        match name {
            "Exact" => Some(Self::Exact),
            "NotOlderThan" => Some(Self::NotOlderThan),
            _ => None,
        }
    }
}

impl<'a> Raw<'a> {
    /// A watch that names no version starts with what exists even if it does not say so.
    fn from_query(query: Query<'a>, watch: bool) -> Self {
        let mut raw = Self {
            watch,
            version: query.text("resourceVersion"),
            version_match: query.text("resourceVersionMatch"),
            continue_token: query.text("continue"),
            send_initial_events: query.switch("sendInitialEvents"),
        };
        let says_how = raw.send_initial_events.is_some() || !raw.version_match.is_empty();
        if raw.watch && matches!(raw.version, "" | "0") && !says_how {
            raw.send_initial_events = Some(true);
            raw.version_match = "NotOlderThan";
        }
        raw
    }

    fn errors(&self) -> Vec<FieldError> {
        if self.watch {
            self.watch_errors()
        } else {
            self.list_errors()
        }
    }

    fn list_errors(&self) -> Vec<FieldError> {
        let path = Path::new("resourceVersionMatch");
        let mut errors = Vec::new();
        let mut forbid = |detail| errors.push(FieldError::forbidden(&path, detail));
        let named = ResourceVersionMatch::named(self.version_match);
        if !self.version_match.is_empty() {
            if self.version.is_empty() {
                forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            if !self.continue_token.is_empty() {
                forbid("resourceVersionMatch is forbidden when continue is provided");
            }
            if named == Some(ResourceVersionMatch::Exact) && self.version == "0" {
                forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            }
            if named.is_none() {
                let supported = ["Exact", "NotOlderThan", ""];
                errors.push(FieldError::not_supported(&path, self.version_match, &supported));
            }
        }
        if self.send_initial_events.is_some() {
            let path = Path::new("sendInitialEvents");
            errors.push(FieldError::forbidden(&path, "sendInitialEvents is forbidden for list"));
        }
        errors
    }

    fn watch_errors(&self) -> Vec<FieldError> {
        let path = Path::new("resourceVersionMatch");
        let mut errors = Vec::new();
        let mut forbid = |detail| errors.push(FieldError::forbidden(&path, detail));
        let not_older_than = self.version_match == "NotOlderThan";
        if self.send_initial_events.is_some() && !not_older_than {
            forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        if self.version_match.is_empty() {
            return errors;
        }
        if self.send_initial_events.is_none() {
            forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if !not_older_than {
            errors.push(FieldError::not_supported(&path, self.version_match, &["NotOlderThan"]));
        }
        if !self.continue_token.is_empty() {
            let detail = "resourceVersionMatch is forbidden when continue is provided";
            errors.push(FieldError::forbidden(&path, detail));
        }
        errors
    }

    /// A page after the first is of the first page's version.
    fn version(&self) -> Result<ResourceVersion, ApiError> {
        let continues = !self.watch && !self.continue_token.is_empty();
        if continues && !matches!(self.version, "" | "0") {
            let text = "specifying resource version is not allowed when using continue";
            return Err(ApiError::bad_request(text));
        }
        ResourceVersion::parse(self.version)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::query::tests::pairs;
    use super::*;

    fn read(text: &str) -> Result<ListOptions, ApiError> {
        ListOptions::from_query(Query::new(&pairs(text)))
    }

    fn good(text: &str) -> ListOptions {
        read(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn every_option_is_read() {
        let got = good(
            "labelSelector=a=b&fieldSelector=metadata.name=x&watch=1&allowWatchBookmarks=true&resourceVersion=7\
             &resourceVersionMatch=NotOlderThan&timeoutSeconds=30&limit=2&sendInitialEvents=false&other=1",
        );
        let want = ListOptions {
            label_selector: "a=b".parse().unwrap(),
            field_selector: fields::Selector::by_name("x"),
            watch: true,
            allow_watch_bookmarks: true,
            resource_version: ResourceVersion::At(7),
            resource_version_match: Some(ResourceVersionMatch::NotOlderThan),
            timeout: Some(Duration::from_secs(30)),
            limit: NonZeroU64::new(2),
            continue_token: String::new(),
            send_initial_events: Some(false),
        };
        assert_eq!(got, want);
        assert_eq!(good(""), ListOptions::default());
        assert_eq!(good("continue=abc").continue_token, "abc");
        let watch = good("watch=1&continue=abc&resourceVersion=5");
        assert_eq!(watch.resource_version, ResourceVersion::At(5));
    }

    #[test]
    fn limits_and_timeouts_beyond_reason_are_tamed() {
        assert_eq!(good("limit=-1").limit, None);
        assert_eq!(good("limit=0").limit, None);
        let timeouts = [
            ("0", None),
            ("-5", Some(Duration::ZERO)),
            ("9223372036854775807", Some(TIMEOUT_MAX)),
        ];
        for (text, want) in timeouts {
            assert_eq!(good(&format!("timeoutSeconds={text}")).timeout, want, "{text}");
        }
    }

    #[test]
    fn a_watch_without_a_version_starts_with_what_exists() {
        let cases = [
            ("watch=1", Some(true)),
            ("watch=1&resourceVersion=0", Some(true)),
            ("watch=1&resourceVersion=5", None),
            (
                "watch=1&sendInitialEvents=0&resourceVersionMatch=NotOlderThan",
                Some(false),
            ),
            ("resourceVersion=0", None),
        ];
        for (text, want) in cases {
            assert_eq!(good(text).send_initial_events, want, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_bad_request() {
        let cases = [
            ("limit=abc", "strconv.ParseInt: parsing \"abc\": invalid syntax"),
            ("timeoutSeconds=", "strconv.ParseInt: parsing \"\": invalid syntax"),
            (
                "labelSelector==x",
                "found '=', expected: !, identifier, or 'end of string'",
            ),
            (
                "fieldSelector=nope",
                "invalid selector: 'nope'; can't understand 'nope'",
            ),
            (
                "resourceVersion=-1",
                "invalid resource version: resourceVersion: Invalid value: \"-1\": strconv.ParseUint: parsing \"-1\": \
                 invalid syntax",
            ),
            (
                "continue=x&resourceVersion=5",
                "specifying resource version is not allowed when using continue",
            ),
        ];
        for (text, want) in cases {
            let error = read(text).unwrap_err();
            assert_eq!((error.code(), error.to_string().as_str()), (400, want), "{text}");
        }
    }

    #[test]
    fn options_that_forbid_each_other_are_invalid() {
        let needs_version = "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless \
                             resourceVersion is provided";
        let no_continue =
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided";
        let not_for_list = "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list";
        let needs_match = "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to \
                           NotOlderThan";
        let only_not_older = "resourceVersionMatch: Unsupported value: \"Exact\": supported values: \"NotOlderThan\"";
        let cases: &[(&str, &[&str])] = &[
            ("resourceVersionMatch=Exact", &[needs_version]),
            (
                "resourceVersion=0&resourceVersionMatch=Exact",
                &[
                    "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ],
            ),
            (
                "resourceVersion=5&resourceVersionMatch=Nope",
                &[
                    "resourceVersionMatch: Unsupported value: \"Nope\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
                ],
            ),
            (
                "resourceVersion=5&resourceVersionMatch=Exact&continue=x",
                &[no_continue],
            ),
            ("sendInitialEvents=false", &[not_for_list]),
            (
                "sendInitialEvents&resourceVersionMatch=NotOlderThan",
                &[needs_version, not_for_list],
            ),
            ("watch=1&sendInitialEvents=1", &[needs_match]),
            (
                "watch=1&sendInitialEvents=1&resourceVersionMatch=Exact&resourceVersion=1",
                &[needs_match, only_not_older],
            ),
            (
                "watch=1&resourceVersionMatch=Exact&continue=x",
                &[
                    "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless \
                     sendInitialEvents is provided",
                    only_not_older,
                    no_continue,
                ],
            ),
        ];
        for (text, want) in cases {
            let want = match want {
                [one] => (*one).to_owned(),
                many => format!("[{}]", many.join(", ")),
            };
            let want = format!("ListOptions.meta.k8s.io \"\" is invalid: {want}");
            let error = read(text).unwrap_err();
            assert_eq!((error.code(), error.to_string()), (422, want), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(text in any::<String>(), name in 0_usize..8) {
            let names = ["labelSelector", "fieldSelector", "watch", "resourceVersion", "resourceVersionMatch",
                "timeoutSeconds", "limit", "continue"];
            let pairs = [("watch".into(), "1".into()), (names[name].into(), text.into())];
            let _ = ListOptions::from_query(Query::new(&pairs[1..]));
            let _ = ListOptions::from_query(Query::new(&pairs));
        }
    }
}
