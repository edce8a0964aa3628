//! The runs that the rows of the table come from.

use std::path::Path;

use super::figures::Figures;
use super::load::{Other, Report, Subject};
use super::program::{self, Server};
use super::{Extent, scratch};

const MICROS: f64 = 1e-6;
/// Idle watches, and renewals beside them.
const IDLE: u32 = 10_000;
const RENEWALS: u32 = 60_000;
/// Clients that list in a loop, and watches that nobody reads, beside renewals.
const LISTING: u32 = 20;
const STALLED: u32 = 1_000;

/// All rows, of our own program.
pub(super) fn ours(extent: Extent, into: &mut Figures) -> Result<(), String> {
    let size = std::fs::metadata(program::path()).map_err(|error| format!("the release program: {error}"))?;
    into.add("program.size", size.len() as f64);
    let directory = scratch()?;
    ten_thousand(&directory.path().join("10k"), extent, into)?;
    hundred_thousand(&directory.path().join("100k"), extent, into)
}

/// The rows that need nothing but another server's address.
pub(super) fn of_another(other: &Other, extent: Extent, into: &mut Figures) -> Result<(), String> {
    let subject = Subject::another(other);
    common(&subject, extent, into)?;
    // Takes up what was kept, and deletes it.
    subject
        .bench("heartbeat --nodes 10000 --warm-up 0s --count 1 --in-flight 1")
        .map(drop)
}

fn ten_thousand(data: &Path, extent: Extent, into: &mut Figures) -> Result<(), String> {
    // The first start makes keys; what counts is every other.
    Server::start(data)?.stop()?;
    let server = Server::start(data)?;
    into.add("start.empty", server.started_in().as_secs_f64());
    into.add("memory.empty", server.memory()?);
    let subject = Subject::ours(&server);
    subject.bench("heartbeat --nodes 10000 --keep --warm-up 0s --count 1 --in-flight 1")?;
    into.add("memory.10k", server.memory()?);
    let arguments = format!("heartbeat --nodes 10000 --keep --warm-up 0s --count {RENEWALS}");
    let closed = subject.bench(&arguments)?;
    into.add("memory.60k", server.memory()?);
    into.add(
        "closed.written",
        closed.number("/processes/0/writeBytesPerOperation", 1.0)?,
    );
    common(&subject, extent, into)?;
    idle(&server, &subject, extent, into)?;
    server.stop()
}

/// The rows that any server can be asked for.
fn common(subject: &Subject, extent: Extent, into: &mut Figures) -> Result<(), String> {
    let seconds = extent.seconds;
    let closed = subject.bench(&format!("heartbeat --nodes 10000 --keep --duration {seconds}s"))?;
    cpu(&closed, "closed.cpu", into);
    into.add("closed.rate", closed.number("/operationsPerSecond", 1.0)?);
    into.add("closed.p99", closed.number("/latencyMicroseconds/p99", MICROS)?);
    into.add(
        "closed.generator",
        closed.number("/generator/cpuMicrosecondsPerOperation", MICROS)?,
    );
    let open = subject.bench(&format!(
        "heartbeat --nodes 10000 --keep --rate 1000 --duration {seconds}s"
    ))?;
    cpu(&open, "open1k.cpu", into);
    into.add("open1k.p99", open.number("/latencyMicroseconds/p99", MICROS)?);
    crowded(subject, extent, into)?;
    for (encoding, cpu_id, p50_id) in [
        ("json", "list.json.cpu", "list.json.p50"),
        ("protobuf", "list.protobuf.cpu", "list.protobuf.p50"),
    ] {
        let list = subject.bench(&format!("list --nodes 10000 --keep --encoding {encoding} --count 100"))?;
        cpu(&list, cpu_id, into);
        into.add(p50_id, list.number("/latencyMicroseconds/p50", MICROS)?);
    }
    watch(subject, extent, into)
}

/// The same renewals in bad company: clients that do nothing but list, and clients that hang.
fn crowded(subject: &Subject, extent: Extent, into: &mut Figures) -> Result<(), String> {
    let seconds = extent.seconds;
    // Lists go on for so much longer because the renewals' watches are opened meanwhile.
    let lists = format!(
        "list --nodes 10000 --keep --in-flight {LISTING} --connections {LISTING} --warm-up 0s --duration {}s",
        seconds + 20
    );
    let renewals =
        format!("heartbeat --nodes 10000 --keep --rate 1000 --stalled-watches {STALLED} --duration {seconds}s");
    let (lists, renewals, in_time) = std::thread::scope(|scope| {
        let lists = scope.spawn(|| subject.bench(&lists));
        let renewals = subject.bench(&renewals);
        let in_time = !lists.is_finished();
        (lists.join(), renewals, in_time)
    });
    let lists = lists.map_err(|_| "listing ended with a panic".to_owned())??;
    let renewals = renewals?;
    if !in_time {
        return Err("opening watches took so long that listing ended before the renewals".to_owned());
    }
    into.add("crowd.p99", renewals.number("/latencyMicroseconds/p99", MICROS)?);
    into.add("crowd.lists", lists.number("/operationsPerSecond", 1.0)?);
    Ok(())
}

fn watch(subject: &Subject, extent: Extent, into: &mut Figures) -> Result<(), String> {
    // Leases of its own: these carry marks.
    let seconds = extent.seconds;
    let arguments =
        format!("watch --watchers 100 --rate 500 --nodes 1000 --prefix leasehold-watch --duration {seconds}s");
    let watch = subject.bench(&arguments)?;
    cpu(&watch, "watch.cpu", into);
    // Where nothing was delivered, nothing was fast.
    if watch.number("/deliveries/latencyMicroseconds/count", 1.0)? > 0.0 {
        let p99 = watch.number("/deliveries/latencyMicroseconds/p99", MICROS)?;
        into.add("watch.p99", p99);
    }
    into.add("watch.wrong", watch.wrong()?);
    into.add("watch.cut", watch.number("/deliveries/cutOff", 1.0)?);
    Ok(())
}

/// The same renewals without and with idle watches.
fn idle(server: &Server, subject: &Subject, extent: Extent, into: &mut Figures) -> Result<(), String> {
    let arguments = format!("heartbeat --nodes 10000 --keep --duration {}s", extent.seconds);
    let without = subject.bench(&arguments)?.cpu();
    let with = subject.bench(&format!("{arguments} --idle-watches {IDLE}"))?.cpu();
    if let Some((without, with)) = without.zip(with) {
        into.add("idle.cpu", with / without - 1.0);
    }
    // Few renewals, so that it is the watches that take the memory, and at once, so that nothing else grows.
    let few = "heartbeat --nodes 10000 --keep --warm-up 0s --count 100";
    subject.bench(few)?;
    let before = server.memory()?;
    let open = subject.bench(&format!("{few} --idle-watches {IDLE}"))?;
    let during = open.number("/processes/0/rssBytes", 1.0)?;
    into.add("idle.memory", ((during - before) / f64::from(IDLE)).max(0.0));
    Ok(())
}

fn hundred_thousand(data: &Path, extent: Extent, into: &mut Figures) -> Result<(), String> {
    let server = Server::start(data)?;
    let create = "heartbeat --nodes 100000 --keep --warm-up 0s --count 1 --in-flight 1";
    Subject::ours(&server).bench(create)?;
    into.add("memory.100k", server.memory()?);
    server.stop()?;
    let server = Server::start(data)?;
    into.add("start.100k", server.started_in().as_secs_f64());
    let subject = Subject::ours(&server);
    let seconds = extent.seconds;
    let open = subject.bench(&format!(
        "heartbeat --nodes 100000 --keep --rate 10000 --duration {seconds}s"
    ))?;
    cpu(&open, "open10k.cpu", into);
    into.add("open10k.rate", open.number("/operationsPerSecond", 1.0)?);
    into.add("open10k.p99", open.number("/latencyMicroseconds/p99", MICROS)?);
    let long = extent.long_seconds;
    let held = subject.bench(&format!(
        "heartbeat --nodes 130000 --keep --rate 13000 --duration {long}s"
    ))?;
    into.add("open13k.p99", held.number("/latencyMicroseconds/p99", MICROS)?);
    into.add("open13k.rate", held.number("/operationsPerSecond", 1.0)?);
    into.add("open13k.failed", held.failed());
    server.stop()
}

fn cpu(report: &Report, id: &'static str, into: &mut Figures) {
    if let Some(cpu) = report.cpu() {
        into.add(id, cpu);
    }
}
