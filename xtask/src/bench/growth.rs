//! `cargo xtask bench --growth`: how cost grows with leases, watches and connections, as a table and a plot.

use std::io::Write;

use super::load::Subject;
use super::plot::{self, Panel};
use super::program::Server;
use super::{document, machine, say, scratch};
use crate::command::root;

const LEASES: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
const IDLE_WATCHES: [u32; 5] = [1, 10, 100, 1_000, 10_000];
const WATCHERS: [u32; 4] = [1, 10, 100, 1_000];
const CONNECTIONS: [u32; 4] = [1, 4, 16, 64];
const PLOT: &str = "docs/growth.svg";

/// One line of points: what grows, and what is measured of it.
struct Series {
    title: &'static str,
    grows: &'static str,
    measured: &'static str,
    points: Vec<(f64, f64)>,
}

/// Measures, prints, and writes the table and the plot unless it was quick.
pub(super) fn run(quick: bool) -> Result<(), String> {
    let seconds = if quick { 3 } else { 15 };
    let most_leases = if quick { 100_000 } else { u32::MAX };
    let mut all = Vec::from(leases(seconds, most_leases)?);
    all.extend(others(seconds)?);
    let table = table(&all);
    let _ = writeln!(std::io::stdout(), "\n{}\n\n{table}", machine::line());
    if quick {
        return Ok(());
    }
    let panels: Vec<_> = all
        .iter()
        .map(|series| Panel {
            title: series.title,
            across: series.grows,
            up: series.measured,
            points: &series.points,
        })
        .collect();
    std::fs::write(root().join(PLOT), plot::svg(&panels)).map_err(|error| format!("{PLOT}: {error}"))?;
    let text = format!("{}\n\n{table}\n\n![How cost grows](growth.svg)", machine::line());
    document::put("growth", &text)
}

/// Processor time of a renewal, and memory, on a server of its own for each number of leases.
fn leases(seconds: u64, most: u32) -> Result<[Series; 2], String> {
    let (mut cpu, mut memory) = (Vec::new(), Vec::new());
    for leases in LEASES.into_iter().filter(|leases| *leases <= most) {
        say(&format!("{leases} leases"));
        let directory = scratch()?;
        let server = Server::start(&directory.path().join("data"))?;
        let subject = Subject::ours(&server);
        let keep = format!("heartbeat --nodes {leases} --keep");
        subject.bench(&format!("{keep} --warm-up 0s --count 1 --in-flight 1"))?;
        memory.push((f64::from(leases), server.memory()? / 1e6));
        let renewed = subject.bench(&format!("{keep} --duration {seconds}s"))?;
        cpu.extend(renewed.cpu().map(|cpu| (f64::from(leases), cpu * 1e6)));
        server.stop()?;
    }
    let cpu = Series {
        title: "CPU per renewal, closed loop",
        grows: "leases",
        measured: "µs",
        points: cpu,
    };
    let memory = Series {
        title: "Resident memory",
        grows: "leases",
        measured: "MB",
        points: memory,
    };
    Ok([cpu, memory])
}

/// What watches and connections add, on one server with 10,000 leases.
fn others(seconds: u64) -> Result<[Series; 3], String> {
    let directory = scratch()?;
    let server = Server::start(&directory.path().join("data"))?;
    let subject = Subject::ours(&server);
    let renew = format!("heartbeat --nodes 10000 --keep --duration {seconds}s");
    let idle = |count: u32| Ok(subject.bench(&format!("{renew} --idle-watches {count}"))?.cpu());
    let fan_out = |count: u32| {
        let write = "watch --nodes 100 --prefix leasehold-watch --rate 100 --keep";
        let watch = subject.bench(&format!("{write} --watchers {count} --duration {seconds}s"))?;
        // Of a write and all its deliveries, so that what one more watcher costs is the slope.
        Ok(watch.cpu().map(|cpu| cpu / f64::from(count)))
    };
    let connections = |count: u32| Ok(subject.bench(&format!("{renew} --connections {count}"))?.cpu());
    let series = [
        Series {
            title: "CPU per renewal beside idle watches of one name",
            grows: "idle watches",
            measured: "µs",
            points: micros(&IDLE_WATCHES, idle)?,
        },
        Series {
            title: "CPU of a write for each watcher of all leases",
            grows: "watchers",
            measured: "µs",
            points: micros(&WATCHERS, fan_out)?,
        },
        Series {
            title: "CPU per renewal, 64 in flight",
            grows: "connections",
            measured: "µs",
            points: micros(&CONNECTIONS, connections)?,
        },
    ];
    server.stop()?;
    Ok(series)
}

fn micros(of: &[u32], measure: impl Fn(u32) -> Result<Option<f64>, String>) -> Result<Vec<(f64, f64)>, String> {
    let mut points = Vec::new();
    for count in of {
        points.extend(measure(*count)?.map(|cpu| (f64::from(*count), cpu * 1e6)));
    }
    Ok(points)
}

fn table(all: &[Series]) -> String {
    let mut lines = vec![
        "| what | grows with | figures |".to_owned(),
        "| --- | --- | --- |".to_owned(),
    ];
    for series in all {
        let figures: Vec<_> = series
            .points
            .iter()
            .map(|(at, value)| format!("{at}: {value:.1} {}", series.measured))
            .collect();
        lines.push(format!(
            "| {} | {} | {} |",
            series.title,
            series.grows,
            figures.join(", ")
        ));
    }
    lines.join("\n")
}
