//! What this machine is short of, by kubelet's thresholds.

use super::facts::memory_kib;
use super::report::Finding;

/// Less available memory than this is pressure.
const MEMORY_KIB: u64 = 100 * 1024;
/// Less than this share of the root file system's space, or of its inodes, is pressure.
const DISK_SPACE: f64 = 0.10;
const DISK_INODES: f64 = 0.05;
/// More than this share of the process ids in use is pressure.
const PIDS: f64 = 0.90;

/// Figures of the machine now; what cannot be read is not there.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    memory_kib: Option<u64>,
    /// Free shares of the root file system.
    space: Option<f64>,
    inodes: Option<f64>,
    /// Share in use.
    pids: Option<f64>,
}

/// The three pressure conditions.
pub(super) fn look() -> [Finding; 3] {
    judge(&Figures::gather())
}

fn judge(figures: &Figures) -> [Finding; 3] {
    let memory = figures.memory_kib.is_some_and(|free| free < MEMORY_KIB);
    let disk =
        figures.space.is_some_and(|free| free < DISK_SPACE) || figures.inodes.is_some_and(|free| free < DISK_INODES);
    let pids = figures.pids.is_some_and(|used| used > PIDS);
    [
        finding(
            "MemoryPressure",
            memory,
            ["InsufficientMemory", "SufficientMemory"],
            "memory",
        ),
        finding(
            "DiskPressure",
            disk,
            ["InsufficientDiskSpace", "SufficientDiskSpace"],
            "disk space",
        ),
        finding("PIDPressure", pids, ["InsufficientPID", "SufficientPID"], "process ids"),
    ]
}

fn finding(kind: &'static str, holds: bool, reasons: [&'static str; 2], what: &str) -> Finding {
    let [under_pressure, at_ease] = reasons;
    let (reason, amount) = if holds {
        (under_pressure, "not enough")
    } else {
        (at_ease, "enough")
    };
    Finding {
        kind,
        holds,
        reason,
        message: format!("there is {amount} {what}"),
    }
}

impl Figures {
    fn gather() -> Self {
        let disk = rustix::fs::statvfs("/").ok();
        Self {
            memory_kib: memory_kib("MemAvailable"),
            space: disk.as_ref().and_then(|disk| share(disk.f_bavail, disk.f_blocks)),
            inodes: disk.as_ref().and_then(|disk| share(disk.f_favail, disk.f_files)),
            pids: pids(),
        }
    }
}

/// The share of process ids that is in use.
fn pids() -> Option<f64> {
    let load = std::fs::read_to_string("/proc/loadavg").ok()?;
    let tasks = load.split_whitespace().nth(3)?.split_once('/')?.1.parse().ok()?;
    let most = std::fs::read_to_string("/proc/sys/kernel/pid_max").ok()?;
    share(tasks, most.trim().parse().ok()?)
}

/// `None` where there is no whole, as with inodes on some file systems.
#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_begins_where_kubelets_does() {
        let fine = Figures {
            memory_kib: Some(102_400),
            space: Some(0.1),
            inodes: Some(0.05),
            pids: Some(0.9),
        };
        let cases = [
            (Figures::default(), [false, false, false]),
            (fine, [false, false, false]),
            (
                Figures {
                    memory_kib: Some(102_399),
                    ..fine
                },
                [true, false, false],
            ),
            (
                Figures {
                    space: Some(0.0999),
                    ..fine
                },
                [false, true, false],
            ),
            (
                Figures {
                    inodes: Some(0.0499),
                    ..fine
                },
                [false, true, false],
            ),
            (
                Figures {
                    pids: Some(0.901),
                    ..fine
                },
                [false, false, true],
            ),
        ];
        for (figures, wanted) in cases {
            assert_eq!(judge(&figures).map(|finding| finding.holds), wanted, "{figures:?}");
        }
    }
}
