//! A report for people.

use std::fmt::Write as _;

use leasehold_bench::{Cost, Deliveries, Report, Summary};

use crate::printer::escape_controls;

/// Lines, each with what it is about in front.
pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    let operation = match report.workload {
        "heartbeat" => "renewal",
        "watch" => "write",
        other => other,
    };
    let how_fast = format!(
        "{} in {:.1} s, {:.0}/s",
        report.operations, report.seconds, report.operations_per_second
    );
    row(&mut out, &format!("{operation}s"), &how_fast);
    row(&mut out, "latency", &latency(&report.latency_microseconds));
    if let Some(read) = report.bytes_per_operation {
        row(&mut out, "read", &format!("{} per {operation}", bytes(read)));
    }
    if let Some(deliveries) = &report.deliveries {
        watched(&mut out, deliveries, report.seconds);
    }
    if report.conflicts > 0 {
        row(&mut out, "conflicts", &report.conflicts.to_string());
    }
    for (why, count) in &report.failures {
        row(&mut out, "failed", &format!("{count} × {}", escape_controls(why)));
    }
    if report.left_over > 0 {
        row(
            &mut out,
            "left over",
            &format!("{} leases could not be deleted", report.left_over),
        );
    }
    for cost in &report.processes {
        row(&mut out, &format!("pid {}", cost.pid), &process(cost, operation));
    }
    if let Some(cpu) = report.generator.cpu_microseconds_per_operation {
        row(&mut out, "this program", &format!("{cpu:.1} µs CPU per {operation}"));
    }
    if report.interrupted {
        row(&mut out, "interrupted", "before its end");
    }
    out
}

fn watched(out: &mut String, found: &Deliveries, seconds: f64) {
    // Those of writes before the measured time have no latency.
    let rate = found.latency_microseconds.count as f64 / seconds;
    let events = format!(
        "{} of {} to {} watches, {rate:.0}/s, {} missed, {} twice, {} unexpected",
        found.delivered, found.expected, found.watchers, found.missed, found.duplicates, found.unexpected
    );
    row(out, "events", &events);
    if found.latency_microseconds.count > 0 {
        row(out, "delivery", &latency(&found.latency_microseconds));
    }
    if found.ended > 0 {
        row(out, "ended", &format!("{} watches ended early", found.ended));
    }
}

fn row(out: &mut String, about: &str, what: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{about:<14}{what}");
}

fn latency(summary: &Summary) -> String {
    [
        ("p50", summary.p50),
        ("p90", summary.p90),
        ("p99", summary.p99),
        ("p99.9", summary.p99_9),
        ("max", summary.max),
    ]
    .map(|(name, micros)| format!("{name} {}", time(micros)))
    .join("   ")
}

fn process(cost: &Cost, operation: &str) -> String {
    let mut text = format!("{}: ", escape_controls(&cost.name));
    if let Some(cpu) = cost.cpu_microseconds_per_operation {
        let _ = write!(text, "{cpu:.1} µs CPU per {operation}, ");
    }
    let (user, system) = (cost.user_seconds, cost.system_seconds);
    let _ = write!(text, "{user:.2} s user, {system:.2} s system, ");
    let (rss, peak) = (bytes(cost.rss_bytes as f64), bytes(cost.peak_rss_bytes as f64));
    let _ = write!(text, "{rss} resident, {peak} at most");
    if let Some(written) = cost.write_bytes_per_operation {
        let _ = write!(text, ", {} to disk per {operation}", bytes(written));
    }
    text
}

fn time(micros: f64) -> String {
    match micros {
        ..1e3 => format!("{micros:.0} µs"),
        ..1e6 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

fn bytes(count: f64) -> String {
    match count {
        ..1e3 => format!("{count:.0} B"),
        ..1e6 => format!("{:.1} kB", count / 1e3),
        ..1e9 => format!("{:.1} MB", count / 1e6),
        _ => format!("{:.2} GB", count / 1e9),
    }
}
