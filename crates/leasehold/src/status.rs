//! `leasehold status`: what the controllers of a running server are doing, and why.

use std::time::Duration;

use leasehold_api::MicroTime;
use serde_json::Value;

use crate::access;
use crate::cli::{Form, StatusWish};
use crate::client;
use crate::failure::{Failure, Kind};
use crate::printer::escape_controls;
use crate::runtime;

const PATH: &str = "/debug/controllers";
/// More than any server has to say about its controllers.
const MAX_ANSWER: usize = 4 << 20;

/// Asks the server, and says what it answers.
pub(crate) fn status(wish: &StatusWish) -> Result<String, Failure> {
    let access = access::read(&wish.kubeconfig, wish.context.as_deref())?;
    let runtime = runtime::of_one_thread()?;
    let body = runtime.block_on(async {
        let reply = client::get(&access, PATH).await?;
        if reply.code() != 200 {
            return Err(reply.refused("status").await);
        }
        reply.whole(MAX_ANSWER).await
    })?;
    let answer: Value = serde_json::from_slice(&body)
        .map_err(|error| Failure::new(Kind::Runtime, format!("the server's answer cannot be read: {error}")))?;
    Ok(match wish.form {
        Form::Json => format!("{answer:#}"),
        Form::Text => text(&answer),
    })
}

/// What each controller does, and where one server runs them for all, which one that is.
fn text(answer: &Value) -> String {
    let now = instant(&answer["now"]);
    let all = |key: &str| answer[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let header = ["CONTROLLER", "STATE", "RUNS", "LAST", "CAUSE", "NEXT", "RESULT", "WHY"].map(str::to_owned);
    let mut out = table(header, all("controllers").iter().map(|it| row(it, now)));
    let leadership = all("leadership");
    if !leadership.is_empty() {
        let header = ["LEASE", "HERE", "SINCE", "HOLDER"].map(str::to_owned);
        out.push('\n');
        out.push_str(&table(header, leadership.iter().map(|it| leader(it, now))));
    }
    out
}

/// A table as kubectl prints them: columns as wide as they need to be, the last one as it comes.
fn table<const COLUMNS: usize>(header: [String; COLUMNS], rows: impl Iterator<Item = [String; COLUMNS]>) -> String {
    let rows: Vec<_> = [header].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:<width$}   "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(controller: &Value, now: Option<Duration>) -> [String; 8] {
    let text = |value: &Value| escape_controls(value.as_str().unwrap_or("?")).into_owned();
    let last = &controller["last"];
    let result = match (last["ok"].as_bool(), last["result"].as_str()) {
        (None, _) => "-".to_owned(),
        (Some(true), Some("")) => "nothing to do".to_owned(),
        (Some(true), _) => text(&last["result"]),
        (Some(false), _) => format!("failed: {}", text(&last["result"])),
    };
    let since = |value: &Value| Some(now?.saturating_sub(instant(value)?));
    let until = |value: &Value| Some(instant(value)?.saturating_sub(now?));
    let next = match (controller["next"].is_null(), until(&controller["next"])) {
        (true, _) => "on change".to_owned(),
        (false, at) => at.map_or("?".to_owned(), |at| format!("in {}", rough(at))),
    };
    [
        text(&controller["name"]),
        text(&controller["state"]),
        controller["activations"].to_string(),
        since(&last["ended"]).map_or("-".to_owned(), |since| format!("{} ago", rough(since))),
        text(&controller["cause"]),
        next,
        result,
        text(&controller["why"]),
    ]
}

fn leader(standing: &Value, now: Option<Duration>) -> [String; 4] {
    let text = |value: &Value| escape_controls(value.as_str().unwrap_or("?")).into_owned();
    let since = instant(&standing["since"]).zip(now);
    [
        text(&standing["lease"]),
        if standing["leads"] == true { "yes" } else { "no" }.to_owned(),
        since.map_or("?".to_owned(), |(since, now)| {
            format!("{} ago", rough(now.saturating_sub(since)))
        }),
        standing["holder"]
            .as_str()
            .map_or("-".to_owned(), |it| escape_controls(it).into_owned()),
    ]
}

/// A stamp as the time since 1970. Only stamps of the same server are compared.
fn instant(stamp: &Value) -> Option<Duration> {
    let stamp = MicroTime::parse(stamp.as_str()?).ok()?;
    Some(Duration::new(
        u64::try_from(stamp.seconds).ok()?,
        u32::try_from(stamp.nanos).ok()?,
    ))
}

/// As kubectl shows ages, near enough.
fn rough(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{}ms", duration.as_millis()),
        seconds @ 1..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds => format!("{}h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_tells_when_and_why() {
        let answer = json!({
            "now": "2020-01-01T00:00:00.000000Z",
            "controllers": [
                {"name": "identity", "state": "idle", "activations": 7, "cause": "time", "why": "renews",
                    "last": {"ended": "2019-12-31T23:59:57.000000Z", "ok": true, "result": ""},
                    "next": "2020-01-01T00:00:06.900000Z"},
                {"name": "x", "state": "running", "activations": 0, "cause": "start", "why": "", "last": null, "next": null},
                {"name": "y", "state": "idle", "activations": 12, "cause": "retry", "why": "a\u{1b}b", "next": null,
                    "last": {"ended": "2019-12-31T22:59:57.000000Z", "ok": false, "result": "no"}},
            ],
        });
        let wanted = "\
CONTROLLER   STATE     RUNS   LAST      CAUSE   NEXT        RESULT          WHY
identity     idle      7      3s ago    time    in 6s       nothing to do   renews
x            running   0      -         start   on change   -
y            idle      12     60m ago   retry   on change   failed: no      a\\u{1b}b
";
        assert_eq!(text(&answer), wanted);
    }

    #[test]
    fn who_leads_is_told_below() {
        let answer = json!({
            "now": "2020-01-01T00:00:00.000000Z",
            "controllers": [],
            "leadership": [
                {"lease": "kube-system/a", "leads": true, "holder": "me", "since": "2019-12-31T23:59:57.000000Z"},
                {"lease": "kube-system/bb", "leads": false, "holder": null, "since": "?"},
            ],
        });
        let wanted = "\
CONTROLLER   STATE   RUNS   LAST   CAUSE   NEXT   RESULT   WHY

LEASE            HERE   SINCE    HOLDER
kube-system/a    yes    3s ago   me
kube-system/bb   no     ?        -
";
        assert_eq!(text(&answer), wanted);
    }

    #[test]
    fn an_answer_that_is_no_such_thing_is_an_empty_table() {
        assert_eq!(text(&json!({})).lines().count(), 1);
        assert_eq!(text(&json!({"controllers": [1]})).lines().count(), 2);
    }

    #[test]
    fn times_are_told_roughly() {
        for (millis, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (119_000, "119s"),
            (3_600_000, "60m"),
            (7_200_000, "2h"),
        ] {
            assert_eq!(rough(Duration::from_millis(millis)), text);
        }
    }
}
