//! A Docker Engine, started by a test, for `docker build`, with and without `--check`.
//!
//! `tests/support/docker-engine.sh` unpacks its programs. The engine listens on
//! a unix socket in a folder of its own, lives in namespaces that end with it
//! and all its children, and reaches no registry but [`Registries`] and those of
//! this machine. It takes root to make the namespaces.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;
use std::{env, thread};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::Running;
use crate::{Registries, limits, repository_root, scratch_folder, servers};

/// An engine that runs until it is dropped.
pub struct DockerEngine {
    // Fields drop in this order: the process ends before its folder goes.
    process: Running,
    folder: TempDir,
    programs: PathBuf,
}

/// What `docker build --check` says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The warnings, in the order given.
    pub warnings: Vec<Warning>,
    /// Why a build would fail, if that is known beforehand.
    pub build_error: Option<String>,
}

/// One warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The rule's name, such as `StageNameCasing`.
    pub rule: String,
    /// What is wrong in this file.
    pub detail: String,
    /// The first line it is about; 0 for none.
    pub line: u64,
}

/// Names the folder that `tests/support/docker-engine.sh` filled, if it is not
/// the script's default.
pub const FOLDER: &str = "PLIMSOLL_DOCKER_ENGINE";

const START: &str = include_str!("../docker-engine-start.sh");
/// Namespaces for mounts and processes; whoever is inside dies with `unshare`,
/// and `unshare` with the thread that started it.
const NAMESPACES: [&str; 9] =
    ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"];
const LOG: &str = "dockerd.log";
const SOCKET: &str = "docker.sock";

/// Whether an engine can be started here.
///
/// # Errors
///
/// Says what is missing, and what to do.
pub fn installed() -> Result<(), String> {
    let programs = programs();
    if !programs.join("packages.txt").is_file() {
        return Err(format!("no Docker Engine in {}: run tests/support/docker-engine.sh", programs.display()));
    }
    // The owner of a process's folder is its effective user.
    if !fs::metadata("/proc/self").is_ok_and(|folder| folder.uid() == 0) {
        return Err("a Docker Engine needs root".to_owned());
    }
    match in_namespaces().arg("true").stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("no namespaces can be made: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("setpriv does not start: {error}")),
    }
}

/// True when a test that needs the engine can run; else says that it is skipped.
///
/// # Panics
///
/// When something is missing although [`REQUIRE_SERVERS`](servers::REQUIRE_SERVERS) is `1`.
#[must_use]
pub fn installed_or_skip(test: &str) -> bool {
    servers::run_or_skip(test, installed())
}

impl DockerEngine {
    /// Starts an engine to which these are all registries there are, and waits
    /// until it answers. It ends with the calling thread at the latest.
    ///
    /// # Panics
    ///
    /// When it is not installed, or not ready in time; the message has its log.
    #[must_use]
    pub fn start(registries: &Registries) -> Self {
        let (folder, programs) = (scratch_folder(), programs());
        let path = folder.path();
        write(&path.join("daemon.json"), "{}");
        write(&path.join("certificates.pem"), &registries.certificates());
        let plugins = path.join("client/cli-plugins");
        fs::create_dir_all(&plugins).expect("the folder is writable");
        let buildx = programs.join("usr/libexec/docker/cli-plugins/docker-buildx");
        symlink(buildx, plugins.join("docker-buildx")).expect("the folder is writable");

        let log = || File::options().create(true).append(true).open(path.join(LOG)).expect("the folder is writable");
        let mut command = in_namespaces();
        command.args(["timeout", "--signal=KILL"]);
        command.arg(limits::ENGINE_LIFETIME_MAX.as_secs().to_string()).args(["sh", "-c", START, "docker-engine-start"]);
        command.arg(path).arg(&programs).arg(limits::ENGINE_STORAGE_BYTES_MAX.to_string());
        command.env_clear().env("HOME", "/run").env("TMPDIR", "/run");
        command.env("PATH", "/srv/usr/bin:/srv/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HTTPS_PROXY", registries.proxy()).env("HTTP_PROXY", registries.proxy());
        command.env("SSL_CERT_FILE", "/mnt/certificates.pem");
        command.stdin(Stdio::null()).stdout(log()).stderr(log());

        let mut engine = Self { process: Running::spawn(&mut command), folder, programs };
        assert!(engine.is_ready(), "dockerd is not ready:\n{}", engine.log());
        engine
    }

    /// Asks what a build of `dockerfile` in the context of its own folder would
    /// be warned of. It is a build for the engine's own platform: BuildKit's
    /// check heeds no other.
    ///
    /// # Panics
    ///
    /// When there is no answer in time.
    #[must_use]
    pub fn check(&self, dockerfile: &Path) -> Checked {
        let mut command = self.client();
        command.args(["build", "--check", "--call=check,format=json", "--file"]);
        command.arg(dockerfile).arg(dockerfile.parent().expect("a file is in a folder"));
        let (status, answer, said) = self.run(command);
        match serde_json::from_str(&answer).ok().filter(|_| status.is_some()) {
            Some(answer) => Checked::new(&answer),
            None => panic!("docker build --check {}: {status:?}\n{said}", dockerfile.display()),
        }
    }

    /// Builds the Dockerfile of a folder, held to a source policy if there is one, and puts the files of what was
    /// built into another folder. What needs no running container, that is: none is started here.
    ///
    /// # Errors
    ///
    /// What the client says of a build that fails.
    ///
    /// # Panics
    ///
    /// When there is no answer in time.
    pub fn build(&self, folder: &Path, policy: Option<&Path>, files: &Path) -> Result<(), String> {
        let mut command = self.client();
        command.args(["build", "--no-cache", "--progress=plain", "--output"]);
        command.arg(format!("type=local,dest={}", files.display())).arg(folder);
        if let Some(policy) = policy {
            command.env("EXPERIMENTAL_BUILDKIT_SOURCE_POLICY", policy);
        }
        self.built(folder, command)
    }

    /// Builds a Dockerfile in a folder, where a stage of it is another folder already, and puts the files of what was
    /// built into a third.
    ///
    /// # Errors
    ///
    /// What the client says of a build that fails.
    ///
    /// # Panics
    ///
    /// When there is no answer in time.
    pub fn build_from(&self, folder: &Path, stage: (&str, &Path), files: &Path) -> Result<(), String> {
        let mut command = self.client();
        command.args(["build", "--no-cache", "--progress=plain", "--output"]);
        command.arg(format!("type=local,dest={}", files.display()));
        command.arg(format!("--build-context={}={}", stage.0, stage.1.display())).arg(folder);
        self.built(folder, command)
    }

    fn built(&self, folder: &Path, command: Command) -> Result<(), String> {
        let (status, _, said) = self.run(command);
        match status.unwrap_or_else(|| panic!("docker build {}: no end\n{said}", folder.display())).success() {
            true => Ok(()),
            false => Err(said),
        }
    }

    fn client(&self) -> Command {
        let mut command = Command::new(self.programs.join("usr/bin/docker"));
        command.arg("--host").arg(format!("unix://{}", self.folder.path().join(SOCKET).display()));
        command.env_clear().env("DOCKER_CONFIG", self.folder.path().join("client"));
        command
    }

    /// How a command of the client ended, unless it did not in time, and what it printed and said.
    fn run(&self, mut command: Command) -> (Option<ExitStatus>, String, String) {
        let scratch = scratch_folder();
        let file = |name: &str| File::create(scratch.path().join(name)).expect("the folder is writable");
        command.env("HOME", scratch.path()).stdin(Stdio::null()).stdout(file("answer")).stderr(file("said"));
        let status = Running::spawn(&mut command).wait(limits::ENGINE_CHECK_MAX);
        let read = |name: &str| fs::read_to_string(scratch.path().join(name)).unwrap_or_default();
        (status, read("answer"), read("said"))
    }

    /// Where it listens and logs; the folder goes with the engine.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }

    fn is_ready(&mut self) -> bool {
        let until = Instant::now() + limits::ENGINE_READY_MAX;
        while Instant::now() < until && !self.process.has_ended() {
            if self.ping().is_ok_and(|answer| answer.contains(" 200 ")) {
                return true;
            }
            thread::sleep(limits::READY_POLL);
        }
        false
    }

    fn ping(&self) -> io::Result<String> {
        let mut stream = UnixStream::connect(self.folder.path().join(SOCKET))?;
        stream.set_read_timeout(Some(limits::CLIENT_MAX))?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(limits::HEAD_BYTES_MAX as u64).read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for DockerEngine {
    fn drop(&mut self) {
        self.process.kill();
        // The kernel ends the namespace with everything in it, but not at once.
        let until = Instant::now() + limits::ENGINE_END_MAX;
        while Instant::now() < until && UnixStream::connect(self.folder.path().join(SOCKET)).is_ok() {
            thread::sleep(limits::READY_POLL);
        }
    }
}

impl Checked {
    fn new(answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let warnings = answer["warnings"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            warnings: warnings
                .iter()
                .map(|warning| Warning {
                    rule: text(&warning["ruleName"]),
                    detail: text(&warning["detail"]),
                    line: warning["location"]["ranges"][0]["start"]["line"].as_u64().unwrap_or_default(),
                })
                .collect(),
            build_error: answer["buildError"]["message"].as_str().map(str::to_owned),
        }
    }
}

/// A command that runs what follows in namespaces of its own.
fn in_namespaces() -> Command {
    let [program, arguments @ ..] = NAMESPACES;
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// The folder of the unpacked packages.
fn programs() -> PathBuf {
    env::var_os(FOLDER).map_or_else(|| repository_root().join("target/docker-engine"), PathBuf::from)
}

fn write(path: &Path, text: &str) {
    if let Err(error) = fs::write(path, text) {
        panic!("{} cannot be written: {error}", path.display());
    }
}
