//! Follows the token file of a running server.

use std::time::Duration;

use leasehold_clock::Clock;
use leasehold_server::auth::TokenFile;

/// A token that is taken out of the file stops working within a second or so.
const PERIOD: Duration = Duration::from_secs(1);

/// Reads the file again and again. A file that cannot be used is told of once, until it can be again.
pub(super) async fn follow(tokens: &TokenFile, clock: &dyn Clock) -> ! {
    let mut failing = false;
    loop {
        clock.sleep_until(clock.now() + PERIOD).await;
        let reloaded = tokens.reload();
        match &reloaded {
            Ok(true) => tracing::info!("tokens were reloaded"),
            Err(error) if !failing => {
                tracing::error!(%error, "the token file cannot be used; going on with the old one");
            }
            Ok(false) | Err(_) => {}
        }
        failing = reloaded.is_err();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use leasehold_clock::SimulatedClock;

    use super::*;

    /// What is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        fn lines_with(&self, what: &str) -> usize {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().filter(|line| line.contains(what)).count()
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_file_is_said_once_and_not_every_second() {
        let (log, clock) = (Log::default(), SimulatedClock::default());
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        std::fs::write(&path, "secret,user,uid\n").unwrap();
        let tokens = TokenFile::open(&path).unwrap();

        let story = async {
            let seconds = async |count| {
                for _ in 0..count {
                    clock.advance(PERIOD);
                    tokio::task::yield_now().await;
                }
            };
            seconds(5).await;
            assert_eq!(log.lines_with("can use the token file"), 1);
            std::fs::write(&path, "no comma\n").unwrap();
            seconds(5).await;
            assert_eq!(log.lines_with("cannot be used"), 1);
            std::fs::write(&path, "other,user,uid\n").unwrap();
            seconds(5).await;
            assert_eq!(log.lines_with("were reloaded"), 1);
            std::fs::write(&path, "no comma\n").unwrap();
            seconds(5).await;
            assert_eq!(log.lines_with("cannot be used"), 2);
        };
        tokio::select! {
            biased;
            never = follow(&tokens, &clock) => never,
            () = story => {}
        }
    }
}
