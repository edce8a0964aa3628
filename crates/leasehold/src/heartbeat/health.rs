//! Whether the machine is well: what a command of the operator's says.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::report::Finding;

/// How much of what the command says is shown.
const SHOWN_CHARS: usize = 256;

/// Runs the command with `sh -c`. It is well if that ends with 0 in time.
pub(super) async fn check(command: Option<&str>, timeout: Duration) -> Finding {
    let Some(command) = command else {
        return well();
    };
    let run = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(timeout, run).await {
        Ok(Ok(output)) if output.status.success() => well(),
        Ok(Ok(output)) => {
            let said = [output.stderr, output.stdout].concat();
            unwell(
                "HealthCheckFailed",
                failed(&output.status.to_string(), &String::from_utf8_lossy(&said)),
            )
        }
        Ok(Err(error)) => unwell(
            "HealthCheckFailed",
            format!("the health command cannot be run: {error}"),
        ),
        Err(_) => unwell(
            "HealthCheckTimedOut",
            format!("the health command took longer than {timeout:?}"),
        ),
    }
}

/// What is posted last.
pub(super) fn stopped() -> Finding {
    unwell("AgentStopped", "leasehold heartbeat was stopped".to_owned())
}

fn well() -> Finding {
    Finding {
        kind: "Ready",
        holds: true,
        reason: "AgentReady",
        message: "leasehold heartbeat is posting ready status".to_owned(),
    }
}

fn unwell(reason: &'static str, message: String) -> Finding {
    Finding {
        kind: "Ready",
        holds: false,
        reason,
        message,
    }
}

/// How the command ended, and its last line.
fn failed(how: &str, said: &str) -> String {
    let last = said
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let last: String = last.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect();
    if last.is_empty() {
        format!("the health command ended with {how}")
    } else {
        format!("the health command ended with {how}: {last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_decides() {
        let long = Duration::from_secs(60);
        let cases = [
            (None, long, true, "AgentReady", "is posting ready status"),
            (Some("exit 0"), long, true, "AgentReady", "is posting"),
            (
                Some("exit 3"),
                long,
                false,
                "HealthCheckFailed",
                "ended with exit status: 3",
            ),
            (
                Some("echo one; echo the disk is gone >&2; exit 1"),
                long,
                false,
                "HealthCheckFailed",
                "one",
            ),
            (
                Some("echo 'the disk is gone' >&2; exit 1"),
                long,
                false,
                "HealthCheckFailed",
                ": the disk is gone",
            ),
            (
                Some("sleep 60"),
                Duration::from_millis(20),
                false,
                "HealthCheckTimedOut",
                "longer than 20ms",
            ),
        ];
        for (command, timeout, holds, reason, message) in cases {
            let finding = check(command, timeout).await;
            assert_eq!((finding.holds, finding.reason), (holds, reason), "{command:?}");
            assert!(finding.message.contains(message), "{command:?}: {}", finding.message);
        }
    }
}
