//! Whether a process that was sent SIGSTOP has stopped: all of its threads, which takes a moment on a busy machine.

use std::time::Duration;

use crate::Error;

const LOOK_EVERY: Duration = Duration::from_millis(1);
const WITHIN: Duration = Duration::from_secs(10);

/// Waits until it has. Where there is no `/proc` to look at, for as long as it should take.
pub(crate) async fn stopped(process: u32) -> Result<(), Error> {
    let stops = async {
        while !threads(process).iter().all(|state| *state == 'T') {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(WITHIN, stops)
        .await
        .map_err(|_| format!("process {process} does not stop"))?;
    if !std::path::Path::new("/proc/self/task").exists() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// The states of its threads, as far as they can be read.
fn threads(process: u32) -> Vec<char> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    stats.filter_map(|stat| state(&stat)).collect()
}

/// The state stands behind the name, which may hold anything but is the last thing in brackets.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

#[cfg(test)]
mod tests {
    use super::state;

    #[test]
    fn the_state_stands_behind_the_name() {
        assert_eq!(state("17 (etcd) T 1 17 17"), Some('T'));
        assert_eq!(state("17 (a) S (b) R 1"), Some('R'));
        assert_eq!(state(""), None);
    }
}
