//! Real etcds, and the tests that run on them: the client's and the store's.
//!
//! Two are wanted, because their progress notifications differ: a current 3.6, built by Go from its published module, and
//! Debian's 3.4, unpacked from its package. Both go to `target/etcd` and stay there; nothing is installed. Where only one is to
//! be had, the tests run on that one and a line says why; where neither is, the step is skipped.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::command::{cargo, command, root};
use crate::runner::Outcome;

/// An etcd that the tests look for.
struct Wanted {
    /// The beginning of its version, and the end of its file's name.
    line: &'static str,
    /// What tests are called that need it.
    suffix: &'static str,
    /// Names another program instead, if it is set.
    variable: &'static str,
    /// Puts it at that path.
    get: fn(&Path) -> Result<(), String>,
}

const ALL: [Wanted; 2] = [
    Wanted {
        line: "3.6",
        suffix: "_of_3_6",
        variable: "LEASEHOLD_TEST_ETCD",
        get: build,
    },
    Wanted {
        line: "3.4",
        suffix: "_of_3_4",
        variable: "LEASEHOLD_TEST_ETCD_34",
        get: unpack,
    },
];

/// Gets what can be had and runs the tests on it.
pub(crate) fn run() -> Outcome {
    let missing = |wanted: &'static Wanted| Some((wanted, wanted.ready().err()?));
    let missing: Vec<_> = ALL.iter().filter_map(missing).collect();
    if missing.len() == ALL.len() {
        let why: Vec<_> = missing.into_iter().map(|(_, why)| why).collect();
        return Outcome::Skipped(why.join("; "));
    }
    for (_, why) in &missing {
        let _ = writeln!(std::io::stdout(), "without {why}");
    }
    let client = ["--package", "leasehold-test-etcd"];
    let engine = [
        "--package",
        "leasehold-store",
        "--features",
        "real-etcd",
        "--test",
        "etcd",
    ];
    // The client's tests ask which etcds are here; the engine's are called after the one they are about.
    let skipped: Vec<_> = missing.iter().map(|(wanted, _)| wanted.suffix).collect();
    let skip = skipped.iter().flat_map(|suffix| ["--skip", suffix]);
    let engine: Vec<_> = engine.into_iter().chain(["--"]).chain(skip).collect();
    match tests(&client) {
        Outcome::Passed => tests(&engine),
        other => other,
    }
}

fn tests(arguments: &[&str]) -> Outcome {
    cargo(&[&["test", "--locked", "--no-fail-fast"], arguments].concat())
}

/// Makes sure that a current etcd is there; why not, in a line.
pub(crate) fn current() -> Result<(), String> {
    ALL[0].ready()
}

impl Wanted {
    /// Makes sure that it is there; why not, in a line.
    fn ready(&self) -> Result<(), String> {
        let told = |why: String| format!("etcd {}: {why}", self.line);
        if let Some(program) = std::env::var_os(self.variable) {
            return is_version(Path::new(&program), self.line).map_err(told);
        }
        let program = directory().join(format!("etcd-{}", self.line));
        std::fs::create_dir_all(directory()).map_err(|error| told(error.to_string()))?;
        (self.get)(&program)
            .and_then(|()| is_version(&program, self.line))
            .map_err(told)
    }
}

fn directory() -> PathBuf {
    root().join("target/etcd")
}

fn is_version(program: &Path, line: &str) -> Result<(), String> {
    let output = command(&program.to_string_lossy(), &["--version"])
        .output()
        .map_err(|error| format!("{} cannot be run: {error}", program.display()))?;
    let told = String::from_utf8_lossy(&output.stdout);
    if told.starts_with(&format!("etcd Version: {line}.")) {
        return Ok(());
    }
    let told = told.lines().next().unwrap_or("nothing").to_owned();
    Err(format!("{} says {told}", program.display()))
}

/// Builds it, unless it was built from the same module with the same sums before.
fn build(program: &Path) -> Result<(), String> {
    let module = root().join("tests/etcd/build");
    let read = |name: &str| std::fs::read_to_string(module.join(name)).map_err(|error| error.to_string());
    let source = read("go.mod")? + &read("go.sum")? + &read("main.go")?;
    let built_from = directory().join("built-from");
    if program.is_file() && std::fs::read_to_string(&built_from).is_ok_and(|built| built == source) {
        return Ok(());
    }
    let mut go = command("go", &["build", "-trimpath", "-ldflags=-s -w", "-o"]);
    go.arg(program).current_dir(&module);
    done(go)?;
    std::fs::write(built_from, source).map_err(|error| error.to_string())
}

/// Takes the program out of Debian's package, once.
fn unpack(program: &Path) -> Result<(), String> {
    if program.is_file() {
        return Ok(());
    }
    let scratch = directory().join("debian");
    let _ = std::fs::remove_dir_all(&scratch);
    std::fs::create_dir_all(&scratch).map_err(|error| error.to_string())?;
    let mut download = command("apt-get", &["download", "etcd-server"]);
    download.current_dir(&scratch);
    done(download)?;
    let package = std::fs::read_dir(&scratch)
        .ok()
        .and_then(|mut files| files.next()?.ok())
        .ok_or("apt-get downloaded nothing")?;
    let mut extract = command("dpkg", &["-x"]);
    extract.arg(package.path()).arg(&scratch);
    done(extract)?;
    std::fs::rename(scratch.join("usr/bin/etcd"), program).map_err(|error| error.to_string())?;
    std::fs::remove_dir_all(&scratch).map_err(|error| error.to_string())
}

/// Runs it; what it said last if it fails.
fn done(mut program: std::process::Command) -> Result<(), String> {
    let name = program.get_program().to_string_lossy().into_owned();
    let output = program
        .output()
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let last = told.trim().lines().last().unwrap_or("it failed");
    Err(format!("{name}: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_told_with_its_last_line() {
        let failing = command("sh", &["-c", "echo first >&2; echo last >&2; exit 1"]);
        assert_eq!(done(failing), Err("sh: last".to_owned()));
        assert!(
            done(command("no-such-program", &[""; 0]))
                .unwrap_err()
                .contains("cannot be run")
        );
        assert_eq!(done(command("true", &[""; 0])), Ok(()));
    }

    #[test]
    fn another_version_is_not_taken_for_the_wanted_one() {
        let echo = is_version(Path::new("echo"), "3.4").unwrap_err();
        assert!(echo.starts_with("echo says "), "{echo}");
    }
}
