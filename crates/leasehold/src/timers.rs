//! `leasehold timers`: what follows from the durations of an election.
//!
//! All arithmetic is the election crate's ([`leasehold_election::timers`]); here it is put into words.

use std::time::Duration;

use leasehold_election::{HandOver, Timers};
use serde::Serialize;

use crate::cli::{Form, JudgeTimers};
use crate::failure::{Failure, Kind};

/// What follows, with times in seconds: the answer of `-o json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Judgement {
    lease_duration_seconds: f64,
    renew_deadline_seconds: f64,
    retry_period_seconds: f64,
    clock_rate_bound: f64,
    /// Why no election runs with these; null if one may.
    refused: Option<String>,
    warnings: Vec<String>,
    validity_seconds: f64,
    time_to_stop_seconds: f64,
    tolerated_clock_rate: f64,
    tolerated_outage_seconds: f64,
    after_crash: Span,
    after_crash_polling: Span,
    after_release_polling: Span,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    mean_seconds: f64,
    worst_seconds: f64,
}

impl From<HandOver> for Span {
    fn from(from: HandOver) -> Self {
        Self {
            mean_seconds: from.mean.as_secs_f64(),
            worst_seconds: from.worst.as_secs_f64(),
        }
    }
}

/// The answer, and whether an election may run with these durations.
pub(crate) fn judge(wish: &JudgeTimers) -> Result<(String, bool), Failure> {
    let judgement = Judgement::of(&wish.timers);
    let is_safe = judgement.refused.is_none();
    let text = match wish.form {
        Form::Text => judgement.text(),
        Form::Json => serde_json::to_string_pretty(&judgement)
            .map_err(|error| Failure::new(Kind::Runtime, format!("cannot write JSON: {error}")))?,
    };
    Ok((text, is_safe))
}

impl Judgement {
    fn of(timers: &Timers) -> Self {
        let (refused, warnings) = match timers.validate() {
            Ok(warnings) => (None, warnings.iter().map(ToString::to_string).collect()),
            Err(error) => (Some(error.to_string()), vec![]),
        };
        let seconds = |duration: Duration| duration.as_secs_f64();
        Self {
            lease_duration_seconds: seconds(timers.lease_duration),
            renew_deadline_seconds: seconds(timers.renew_deadline),
            retry_period_seconds: seconds(timers.retry_period),
            clock_rate_bound: timers.clock_rate_bound,
            refused,
            warnings,
            validity_seconds: seconds(timers.validity()),
            time_to_stop_seconds: seconds(timers.time_to_stop()),
            tolerated_clock_rate: timers.tolerated_clock_rate(),
            tolerated_outage_seconds: seconds(timers.tolerated_outage()),
            after_crash: timers.hand_over_after_crash().into(),
            after_crash_polling: timers.hand_over_after_crash_polling().into(),
            after_release_polling: timers.hand_over_after_release_polling().into(),
        }
    }

    fn text(&self) -> String {
        let head = format!(
            "duration {}, deadline {}, retry {}, clocks within {}\n",
            human(self.lease_duration_seconds),
            human(self.renew_deadline_seconds),
            human(self.retry_period_seconds),
            percent(self.clock_rate_bound),
        );
        if let Some(refused) = &self.refused {
            return format!("{head}\nnot safe: {refused}\n");
        }
        let rows: [(&str, String); 7] = [
            (
                "tolerated difference in clock rate",
                format!("{} each way", percent(self.tolerated_clock_rate)),
            ),
            ("tolerated outage of the API", human(self.tolerated_outage_seconds)),
            (
                "a leader is valid for",
                format!("{} from sending a renewal", human(self.validity_seconds)),
            ),
            (
                "time for work to stop on loss",
                format!("{} from the deadline", human(self.time_to_stop_seconds)),
            ),
            ("hand-over after a crash", self.after_crash.text()),
            ("  where watches are forbidden", self.after_crash_polling.text()),
            (
                "hand-over after a release",
                format!(
                    "one round trip; {} where watches are forbidden",
                    self.after_release_polling.text()
                ),
            ),
        ];
        let mut text = head + "\n";
        for (what, value) in rows {
            text += &format!("{what:<36}{value}\n");
        }
        for warning in &self.warnings {
            text += &format!("\nwarning: {warning}\n");
        }
        text
    }
}

impl Span {
    fn text(&self) -> String {
        format!(
            "{} on average, {} at most",
            human(self.mean_seconds),
            human(self.worst_seconds)
        )
    }
}

/// Seconds to three digits, or milliseconds below one.
fn human(seconds: f64) -> String {
    if seconds > 0.0 && seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else {
        format!("{} s", trimmed(&format!("{seconds:.2}")))
    }
}

fn percent(share: f64) -> String {
    format!("{} %", trimmed(&format!("{:.1}", share * 100.0)))
}

/// Without a fraction of zeros.
fn trimmed(number: &str) -> &str {
    number.trim_end_matches('0').trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(duration: u64, deadline: u64, retry_ms: u64, form: Form) -> (String, bool) {
        let timers = Timers::new(
            Duration::from_secs(duration),
            Duration::from_secs(deadline),
            Duration::from_millis(retry_ms),
        );
        judge(&JudgeTimers { timers, form }).unwrap()
    }

    #[test]
    fn the_usual_durations_are_safe_and_explained() {
        let (text, is_safe) = judged(15, 10, 2000, Form::Text);
        assert!(is_safe);
        for line in [
            "duration 15 s, deadline 10 s, retry 2 s, clocks within 5 %",
            "tolerated outage of the API         6 s",
            "hand-over after a crash             14 s on average, 15.79 s at most",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("warning"), "{text}");
    }

    #[test]
    fn unsafe_durations_are_told_with_the_reason() {
        let (text, is_safe) = judged(15, 14, 2000, Form::Text);
        assert!(!is_safe && text.contains("not safe: a renew deadline of 14s"), "{text}");
        let (text, is_safe) = judged(2, 1, 100, Form::Text);
        assert!(is_safe && text.contains("warning: a lease duration of 2s"), "{text}");
    }

    #[test]
    fn json_says_the_same() {
        let (text, _) = judged(15, 10, 2000, Form::Json);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["leaseDurationSeconds"], 15.0);
        assert_eq!(value["toleratedOutageSeconds"], 6.0);
        assert_eq!(value["refused"], serde_json::Value::Null);
        assert_eq!(value["afterCrash"]["meanSeconds"], 14.0);
        let (text, _) = judged(15, 14, 2000, Form::Json);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(value["refused"].as_str().unwrap().contains("not safe"));
    }

    #[test]
    fn numbers_are_short() {
        for (seconds, wanted) in [
            (0.0, "0 s"),
            (0.3, "300 ms"),
            (1.0, "1 s"),
            (13.271, "13.27 s"),
            (10.0, "10 s"),
        ] {
            assert_eq!(human(seconds), wanted);
        }
        assert_eq!(percent(0.05), "5 %");
        assert_eq!(percent(0.187), "18.7 %");
        assert_eq!(percent(0.1), "10 %");
    }
}
