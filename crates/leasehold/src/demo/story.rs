//! What the demo tells: one leader, a crash, a hand-over.

use rustix::process::Signal;

use super::cast::{Cast, DURATIONS, LEASE, WORK, Words};
use super::stage::{Stage, spoken};
use crate::banner::shell_quoted;
use crate::failure::{Failure, Kind};

const CANDIDATES: [&str; 3] = ["anna", "bert", "clara"];

/// Plays it.
pub(super) async fn tell(cast: &mut Cast, stage: &Stage) -> Result<(), Failure> {
    stage.text("One lease, one server, three candidates. Who holds the lease leads.");
    stage.text("");
    let url = cast.start_server().await?;
    stage.event("a server", &format!("leasehold serve, on {url}"));
    for name in CANDIDATES {
        cast.start_candidate(name)?;
    }
    let durations = DURATIONS.join(" ");
    stage.event("three candidates", &format!("leasehold elect {LEASE} {durations} -- …"));

    let first = cast.next_leader().await?;
    stage.event(
        &format!("{} leads", first.name),
        &format!("token {}: its command runs, the others wait", first.token),
    );

    stage.beat().await;
    let second = crash(cast, stage, &first).await?;
    stage.beat().await;
    let third = hand_over(cast, stage, &second).await?;
    let tokens = [first.token, second.token, third.token];
    if !tokens.is_sorted_by(|a, b| a < b) {
        return Err(Failure::new(Kind::Runtime, format!("tokens did not grow: {tokens:?}")));
    }
    let [a, b, c] = tokens;
    stage.text(&format!(
        "\nOne leader at a time, and each with a higher token than the last: {a} < {b} < {c}."
    ));
    invite(cast, stage, third.name);
    Ok(())
}

/// The leader dies without a word: the others must wait until its lease has run out.
async fn crash(cast: &mut Cast, stage: &Stage, leader: &Words) -> Result<Words, Failure> {
    cast.signal(leader.name, Signal::KILL)?;
    let since = stage.now();
    stage.event(
        &format!("kill -9 {}", leader.name),
        "its command is ended too; the lease has to run out",
    );
    let next = cast.next_leader().await?;
    let after = spoken(stage.now().since(since));
    stage.event(
        &format!("{} leads", next.name),
        &format!("token {}, {after} after the crash", next.token),
    );
    Ok(next)
}

/// The leader is asked to stop: it ends its command, and gives the lease back.
async fn hand_over(cast: &mut Cast, stage: &Stage, leader: &Words) -> Result<Words, Failure> {
    cast.signal(leader.name, Signal::TERM)?;
    let since = stage.now();
    stage.event(
        &format!("stop {}", leader.name),
        "its command ends, then it gives the lease back",
    );
    let next = cast.next_leader().await?;
    let after = spoken(stage.now().since(since));
    stage.event(
        &format!("{} leads", next.name),
        &format!("token {}, {after} after the signal", next.token),
    );
    Ok(next)
}

fn invite(cast: &Cast, stage: &Stage, leader: &str) {
    let kubeconfig = shell_quoted(&cast.kubeconfig().display().to_string());
    let durations = DURATIONS.join(" ");
    let work = shell_quoted(WORK);
    stage.text(&format!(
        "\nThe server is still there, and {leader} leads. To look around, in another terminal:\n\n  \
         export KUBECONFIG={kubeconfig}\n  \
         kubectl get lease {LEASE} -o yaml\n  \
         leasehold elect {LEASE} {durations} -- sh -c {work}"
    ));
    stage.text("");
}
