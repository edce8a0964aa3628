//! What a process has used so far, from /proc.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::Error;

/// Fields of /proc/PID/stat after the name in parentheses: the state is the first.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;

/// A process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    pub(crate) rss: u64,
    pub(crate) peak_rss: u64,
    /// Bytes given to write(2) and its like, sockets included.
    pub(crate) wchar: u64,
    /// Bytes that it made the kernel send to storage.
    pub(crate) write_bytes: u64,
}

/// What a process used while it was measured.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Its id.
    pub pid: u32,
    /// Its name, as the system has it.
    pub name: String,
    /// Processor time in user mode, in seconds.
    pub user_seconds: f64,
    /// Processor time in the kernel, in seconds.
    pub system_seconds: f64,
    /// Both, in microseconds for each operation; `None` without operations.
    pub cpu_microseconds_per_operation: Option<f64>,
    /// Resident memory at the end, in bytes.
    pub rss_bytes: u64,
    /// The most resident memory that it ever had, in bytes.
    pub peak_rss_bytes: u64,
    /// Bytes given to write(2) and its like, sockets included.
    pub wchar_bytes: u64,
    /// Bytes that it made the kernel send to storage.
    pub write_bytes: u64,
    /// The same for each operation.
    pub write_bytes_per_operation: Option<f64>,
}

/// Processes that are measured, since a moment.
pub(crate) struct Watched(Vec<(u32, Usage)>);

impl Watched {
    /// Looks at these processes for the first time.
    pub(crate) fn since_now(pids: &[u32]) -> Result<Self, Error> {
        let looked = pids.iter().map(|pid| Ok((*pid, look(*pid)?)));
        looked.collect::<Result<_, Error>>().map(Self)
    }

    /// What they used since then, in which time there were this many operations.
    pub(crate) fn until_now(&self, operations: u64) -> Result<Vec<Cost>, Error> {
        let costs = self.0.iter().map(|(pid, before)| {
            let name = read(*pid, "comm")?.trim().to_owned();
            Ok(cost(*pid, name, before, &look(*pid)?, operations))
        });
        costs.collect()
    }
}

fn cost(pid: u32, name: String, before: &Usage, after: &Usage, operations: u64) -> Cost {
    let user = after.user.saturating_sub(before.user);
    let system = after.system.saturating_sub(before.system);
    let written = after.write_bytes.saturating_sub(before.write_bytes);
    let per_operation = |amount: f64| (operations > 0).then(|| amount / operations as f64);
    Cost {
        pid,
        name,
        user_seconds: user.as_secs_f64(),
        system_seconds: system.as_secs_f64(),
        cpu_microseconds_per_operation: per_operation((user + system).as_secs_f64() * 1e6),
        rss_bytes: after.rss,
        peak_rss_bytes: after.peak_rss,
        wchar_bytes: after.wchar.saturating_sub(before.wchar),
        write_bytes: written,
        write_bytes_per_operation: per_operation(written as f64),
    }
}

fn look(pid: u32) -> Result<Usage, Error> {
    let usage = parse(&read(pid, "stat")?, &read(pid, "status")?, &read(pid, "io")?);
    usage.ok_or_else(|| unreadable(pid, "its files under /proc are not understood"))
}

fn read(pid: u32, file: &str) -> Result<String, Error> {
    let path: PathBuf = ["/proc", &pid.to_string(), file].iter().collect();
    std::fs::read_to_string(path).map_err(|error| unreadable(pid, &format!("{file}: {error}")))
}

fn unreadable(pid: u32, why: &str) -> Error {
    Error::Process {
        pid,
        why: why.to_owned(),
    }
}

fn parse(stat: &str, status: &str, io: &str) -> Option<Usage> {
    // The name may hold anything, parentheses and spaces too.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = fields.split(' ').collect();
    let ticks_a_second = rustix::param::clock_ticks_per_second() as f64;
    let time = |at: usize| {
        let ticks: f64 = fields.get(at)?.parse().ok()?;
        Some(Duration::from_secs_f64(ticks / ticks_a_second))
    };
    let kib = |name| Some(line(status, name)?.trim_end_matches(" kB").parse::<u64>().ok()? * 1024);
    Some(Usage {
        user: time(USER_TICKS)?,
        system: time(SYSTEM_TICKS)?,
        rss: kib("VmRSS")?,
        peak_rss: kib("VmHWM")?,
        wchar: line(io, "wchar")?.parse().ok()?,
        write_bytes: line(io, "write_bytes")?.parse().ok()?,
    })
}

fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
}

/// Processor time that this process has used so far.
pub(crate) fn own_cpu() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
    const IO: &str = "rchar: 1\nwchar: 20\nread_bytes: 3\nwrite_bytes: 4096\ncancelled_write_bytes: 5\n";

    #[test]
    fn the_files_of_a_process_are_read() {
        let stat = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        let usage = parse(stat, STATUS, IO).unwrap();
        let second = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(usage.user, Duration::from_secs_f64(250.0 / second));
        assert_eq!(usage.system, Duration::from_secs_f64(50.0 / second));
        assert_eq!((usage.rss, usage.peak_rss), (1 << 20, 2 << 20));
        assert_eq!((usage.wchar, usage.write_bytes), (20, 4096));
        assert_eq!(parse("7 (a) S 1", STATUS, IO), None);
        assert_eq!(parse(stat, "", IO), None);
    }

    #[test]
    fn a_cost_is_what_came_between_for_each_operation() {
        let before = Usage {
            user: Duration::from_secs(1),
            wchar: 5,
            ..Usage::default()
        };
        let after = Usage {
            user: Duration::from_secs(3),
            system: Duration::from_secs(1),
            write_bytes: 1_000,
            wchar: 25,
            ..Usage::default()
        };
        let cost = cost(1, String::new(), &before, &after, 100);
        assert_eq!(cost.cpu_microseconds_per_operation, Some(30_000.0));
        assert_eq!(cost.write_bytes_per_operation, Some(10.0));
        assert_eq!(cost.wchar_bytes, 20);
        let idle = super::cost(1, String::new(), &before, &after, 0);
        assert_eq!(idle.cpu_microseconds_per_operation, None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_real_process_is_looked_at_and_a_missing_one_is_named() {
        let watched = Watched::since_now(&[std::process::id()]).unwrap();
        let costs = watched.until_now(1).unwrap();
        assert!(costs[0].rss_bytes > 1 << 20, "{costs:?}");
        let error = Watched::since_now(&[u32::MAX]).err().unwrap();
        assert!(error.to_string().starts_with("process 4294967295: "), "{error}");
    }
}
