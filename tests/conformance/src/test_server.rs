//! [`TestServer`]: the `leasehold` program, started for a test and gone after it.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use crate::exchange::{Outgoing, send};
use crate::{Error, Target};

/// How long a server may take until it is ready. Generous: the machine may be busy.
const START_MAX: Duration = Duration::from_secs(60);
/// How often to look whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running `leasehold serve` on a port of its own, on loopback. Killed when dropped.
pub struct TestServer {
    child: Child,
    target: Target,
    program: PathBuf,
    args: Vec<String>,
    data_dir: PathBuf,
    scratch: TempDir,
}

impl TestServer {
    /// Starts a server with a new data directory, which goes with it, and these further arguments; returns when it is
    /// ready. The error has what the server wrote to stderr.
    pub async fn start(args: &[&str]) -> Result<Self, Error> {
        let scratch = tempfile::tempdir()?;
        let data_dir = scratch.path().join("data");
        Self::spawn(&program()?, scratch, data_dir, args).await
    }

    /// As [`TestServer::start`] with a data directory that is the caller's and stays.
    pub async fn start_in(data_dir: &Path, args: &[&str]) -> Result<Self, Error> {
        Self::spawn(&program()?, tempfile::tempdir()?, data_dir.to_owned(), args).await
    }

    async fn spawn(program: &Path, scratch: TempDir, data_dir: PathBuf, args: &[&str]) -> Result<Self, Error> {
        let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut server = Self {
            child: run(program, &data_dir, &args, scratch.path())?,
            target: Target::plain("", None),
            program: program.to_owned(),
            args,
            data_dir,
            scratch,
        };
        server.ready().await?;
        Ok(server)
    }

    /// Starts the same program again after it has ended, on the same data directory and with the same arguments, but
    /// on another port. Says nothing of whether it comes up: see [`TestServer::ready`].
    pub fn respawn(&mut self) -> Result<(), Error> {
        self.child = run(&self.program, &self.data_dir, &self.args, self.scratch.path())?;
        Ok(())
    }

    /// Waits until the server is ready, and finds out where it is now.
    pub async fn ready(&mut self) -> Result<(), Error> {
        self.target = self.wait_until_ready().await?;
        Ok(())
    }

    /// The server writes its address and the admin's credentials into the data directory once it listens. A file left
    /// there by an earlier run leads nowhere, so it is read again each time.
    async fn wait_until_ready(&mut self) -> Result<Target, Error> {
        let deadline = Instant::now() + START_MAX;
        loop {
            let seen = match self.ready_target().await {
                Ok(target) => return Ok(target),
                Err(why) => why,
            };
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended with {status}; stderr:\n{}", self.stderr()).into());
            }
            if Instant::now() > deadline {
                let stderr = self.stderr();
                return Err(format!("not ready within {START_MAX:?}, at last: {seen}; stderr:\n{stderr}").into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn ready_target(&self) -> Result<Target, Error> {
        let target = Target::from_kubeconfig(&self.data_dir.join("admin.kubeconfig"))?;
        let reply = send(&target, Outgoing::new(Method::GET, "/readyz", None)).await?;
        match reply.status {
            200 => Ok(target),
            status => Err(format!("/readyz says {status}").into()),
        }
    }

    /// Where the server is, with the admin's credentials.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The server's data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The server's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the server wrote to stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        let text = std::fs::read(self.scratch.path().join("stderr")).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Kills the server as a crash would, and waits until it is gone.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }
}

impl TestServer {
    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        let id = i32::try_from(self.child.id())?;
        let id = Pid::from_raw(id).ok_or("a process has an id")?;
        Ok(kill_process(id, signal)?)
    }

    /// How the process ended, or `None` if it has not within this time.
    pub async fn ended(&mut self, within: Duration) -> Result<Option<ExitStatus>, Error> {
        let deadline = Instant::now() + within;
        loop {
            let status = self.child.try_wait()?;
            if status.is_some() || Instant::now() > deadline {
                return Ok(status);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.kill();
    }
}

fn run(program: &Path, data_dir: &Path, args: &[String], scratch: &Path) -> Result<Child, Error> {
    let child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(scratch.join("stderr"))?)
        .spawn();
    child.map_err(|e| format!("cannot start {}: {e}", program.display()).into())
}

/// The program to start: `LEASEHOLD_BIN`, or the one that cargo builds when it is first asked for, so that it is never
/// an old one.
fn program() -> Result<PathBuf, Error> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    if let Some(path) = std::env::var_os("LEASEHOLD_BIN") {
        return Ok(path.into());
    }
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = &*built {
        return Ok(path.clone());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    Ok(built.insert(build(&cargo, profile)?).clone())
}

fn build(cargo: &OsStr, profile: &str) -> Result<PathBuf, Error> {
    let mut command = Command::new(cargo);
    // What cargo says to this test about its own crate would make it build some dependencies anew, for each crate again.
    for (name, _) in std::env::vars_os() {
        let about_us = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_CRATE_",
            "CARGO_BIN_",
            "CARGO_PRIMARY_",
        ];
        if about_us.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    let output = command
        // As the steps of the tests build it: one package alone would need some dependencies with other features.
        .args(["build", "--workspace", "--bins", "--message-format=json"])
        .args(["--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("cannot build the leasehold program".into());
    }
    executable(&output.stdout).ok_or_else(|| "cargo does not say what it built".into())
}

/// The path of the program in cargo's messages, one JSON text per line.
fn executable(messages: &[u8]) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<PathBuf>,
    }
    let lines = messages.split(|b| *b == b'\n');
    let mut paths = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok()?.executable);
    paths.find(|path| path.file_stem().is_some_and(|name| name == "leasehold"))
}

#[cfg(all(test, unix))]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::Connection;
    use crate::tls_fake::TlsFake;

    async fn start_stub(data_dir: &Path, args: &[&str]) -> Result<TestServer, Error> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("stub/server.sh");
        TestServer::spawn(&program, tempfile::tempdir()?, data_dir.to_owned(), args).await
    }

    #[tokio::test]
    async fn a_server_is_there_once_it_is_ready_and_gone_once_it_is_dropped() {
        let fake = TlsFake::start().await;
        let directory = tempfile::tempdir().unwrap();
        let (config, data_dir) = (directory.path().join("config"), directory.path().join("data"));
        std::fs::write(&config, &fake.kubeconfig).unwrap();
        let mut server = start_stub(&data_dir, &[config.to_str().unwrap()]).await.unwrap();
        assert_eq!(server.data_dir(), data_dir);
        let (data_dir, config) = (data_dir.display(), config.display());
        let said = format!("serve --listen 127.0.0.1:0 --data-dir {data_dir} {config}\n");
        assert_eq!(server.stderr(), said);
        let reply = send(server.target(), Outgoing::new(Method::GET, "/", None))
            .await
            .unwrap();
        assert_eq!(reply.bytes().await.unwrap(), "identified");
        assert_eq!(server.child.try_wait().unwrap(), None);
        let is_running = Command::new("kill").args(["-0", &server.id().to_string()]).status();
        assert!(is_running.unwrap().success());
        let id = server.id().to_string();
        drop(server);
        let is_running = Command::new("kill").args(["-0", &id]).stderr(Stdio::null()).status();
        assert!(!is_running.unwrap().success());
    }

    #[tokio::test]
    async fn a_server_that_was_killed_or_told_to_end_can_be_started_again() {
        let fake = TlsFake::start().await;
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config");
        std::fs::write(&config, &fake.kubeconfig).unwrap();
        let mut server = start_stub(&directory.path().join("data"), &[config.to_str().unwrap()])
            .await
            .unwrap();
        assert_eq!(server.ended(Duration::ZERO).await.unwrap(), None);
        server.signal(Signal::TERM).unwrap();
        let status = server.ended(START_MAX).await.unwrap().unwrap();
        assert!(!status.success(), "the stub knows no order: {status}");
        server.respawn().unwrap();
        server.ready().await.unwrap();
        let mut connection = Connection::open(server.target()).await.unwrap();
        for _ in 0..2 {
            let reply = connection.send(Method::GET, "/", None).await.unwrap();
            assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "identified");
        }
        assert!(!server.kill().unwrap().success());
    }

    #[tokio::test]
    async fn a_server_that_ends_early_is_told_with_what_it_said() {
        let Err(error) = start_stub(Path::new("d"), &[]).await else {
            panic!("there is no server");
        };
        let want = "the server ended with exit status: 3; stderr:\nserve --listen 127.0.0.1:0 --data-dir d\n";
        assert_eq!(error.to_string(), want);
    }

    #[test]
    fn the_executable_is_found_in_what_cargo_says() {
        let messages = br#"{"reason":"compiler-artifact","executable":null}
{"reason":"build-script-executed"}
{"reason":"compiler-artifact","executable":"/x/leasehold"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/x/leasehold")));
        assert_eq!(executable(b""), None);
    }
}
