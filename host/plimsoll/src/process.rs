//! One process and its children.
//!
//! A program with arguments, folder, variables and input → how it ended and what it wrote. Invariant: when
//! its future ends or is dropped, the process is dead, and with it every process it started that did not
//! leave its group.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{timeout, timeout_at};

use crate::limits::{CONSOLE_ERROR_BYTES_MAX, CONSOLE_KILL_GRACE};
use crate::private::{self, Folder};

/// A process to be.
pub struct Process {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it runs, and what goes when it has ended.
    pub folder: Arc<Folder>,
    /// Its standard input.
    pub input: Vec<u8>,
    /// How much it may write to standard output.
    pub output_bytes_max: usize,
}

/// What it came to.
pub struct Output {
    /// The status it ended with.
    pub exit_code: i32,
    /// What it wrote to standard output.
    pub output: Vec<u8>,
    /// What it wrote to standard error, perhaps cut off.
    pub errors: Vec<u8>,
}

/// Why it came to nothing.
pub enum Trouble {
    /// There is no folder, or it cannot be written.
    Folder(io::Error),
    /// It does not start.
    Start(io::Error),
    /// It took too long.
    Timeout,
    /// It wrote more than so many bytes.
    Overflow(usize),
    /// A signal ended it.
    Signal(i32),
    /// What it wrote cannot be used.
    Answer {
        /// Why.
        what: String,
        /// What it wrote to standard error.
        errors: Vec<u8>,
    },
    /// A thread of this process is gone.
    Lost,
}

/// A process that has not been reaped, whose number is therefore its own, and that of its group.
#[derive(Debug)]
struct Group(Mutex<Option<u32>>);

/// Kills what runs when it is dropped.
struct Guard(Arc<Group>);

/// Every group of this process; nothing once they were abandoned, after which none is started.
static GROUPS: Mutex<Option<Vec<Weak<Group>>>> = Mutex::new(Some(Vec::new()));

/// Kills every process that runs for this one, and removes all private folders: for a program that ends at once.
pub fn abandon() {
    let groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner).take();
    groups.iter().flatten().filter_map(Weak::upgrade).for_each(|group| group.kill());
    private::abandon();
}

/// Whether that was done: what comes of anything now is nobody's concern.
pub fn is_abandoned() -> bool {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner).is_none()
}

/// The folders in which programs are looked for. What is relative would be looked for in the linted tree.
pub fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).filter(|path| path.is_absolute()).collect()
}

/// Whether a file can be run.
#[cfg(unix)]
pub fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Whether a file can be run.
#[cfg(not(unix))]
pub fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Starts a process that [`abandon`] knows of.
fn start(command: &mut Command) -> Result<(Child, Arc<Group>), Trouble> {
    let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    let groups = groups.as_mut().ok_or(Trouble::Lost)?;
    let child = command.spawn().map_err(Trouble::Start)?;
    let group = Arc::new(Group(Mutex::new(Some(child.id()))));
    groups.retain(|group| group.strong_count() > 0);
    groups.push(Arc::downgrade(&group));
    Ok((child, group))
}

impl Process {
    /// Runs it up to the deadline, with these variables as its environment.
    ///
    /// # Errors
    /// When it comes to nothing.
    pub async fn run(self, variables: &[(&str, OsString)], deadline: Instant) -> Result<Output, Trouble> {
        let left = deadline.saturating_duration_since(Instant::now());
        // What is killed in time has ended before the deadline.
        let due = deadline - CONSOLE_KILL_GRACE.min(left / 4);
        let (mut child, group) = start(&mut self.command(variables))?;
        let guard = Guard(group.clone());
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Trouble::Lost);
        };
        let Self { folder, input, output_bytes_max, .. } = self;
        // Who does not read its input may well answer.
        spawn_blocking(move || drop(stdin.write_all(&input)));
        let writing = group.clone();
        let output = spawn_blocking(move || {
            let output = read(stdout, output_bytes_max);
            if output.is_none() {
                writing.kill();
            }
            output
        });
        let errors = spawn_blocking(move || read_some(stderr, CONSOLE_ERROR_BYTES_MAX));
        let mut end = spawn_blocking(move || {
            let status = group.end(&mut child);
            drop(folder);
            status
        });
        let ended = timeout_at(due.into(), ended(output, errors, &mut end)).await;
        drop(guard);
        let Ok(ended) = ended else {
            let _ = timeout(CONSOLE_KILL_GRACE, end).await;
            return Err(Trouble::Timeout);
        };
        let (output, errors, status) = ended?;
        let output = output.ok_or(Trouble::Overflow(output_bytes_max))?;
        let exit_code = status.code().ok_or_else(|| Trouble::Signal(signal(status)))?;
        Ok(Output { exit_code, output, errors })
    }

    fn command(&self, variables: &[(&str, OsString)]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(self.folder.path()).env_clear();
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
    }
}

type Ended = (Option<Vec<u8>>, Vec<u8>, ExitStatus);

async fn ended(
    output: JoinHandle<Option<Vec<u8>>>,
    errors: JoinHandle<Vec<u8>>,
    end: &mut JoinHandle<io::Result<ExitStatus>>,
) -> Result<Ended, Trouble> {
    let lost = |_| Trouble::Lost;
    let output = output.await.map_err(lost)?;
    let errors = errors.await.map_err(lost)?;
    let status = end.await.map_err(lost)?.map_err(|_| Trouble::Lost)?;
    Ok((output, errors, status))
}

/// All that is written; nothing if that is more than so many bytes.
fn read(from: impl Read, bytes_max: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // What was written before reading failed is not all.
    from.take(bytes_max as u64 + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() <= bytes_max).then_some(bytes)
}

/// The first so many bytes; the rest is read, so that nobody waits to write it.
fn read_some(mut from: impl Read, bytes_max: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = from.by_ref().take(bytes_max as u64).read_to_end(&mut bytes);
    let _ = io::copy(&mut from, &mut io::sink());
    bytes
}

impl Group {
    /// Kills every process of the group, unless it has been reaped.
    fn kill(&self) {
        if let Some(leader) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            kill(leader);
        }
    }

    /// Waits for the end of the process, kills what it has left behind, and reaps it.
    fn end(&self, child: &mut Child) -> io::Result<ExitStatus> {
        // Until it is reaped, no other process has its number.
        await_end(child)?;
        let mut leader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leader) = leader.take() {
            kill(leader);
        }
        child.wait()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.kill();
    }
}

#[cfg(unix)]
fn kill(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};
    let Some(leader) = i32::try_from(leader).ok().and_then(Pid::from_raw) else { return };
    // Neither may be there any more.
    let _ = kill_process_group(leader, Signal::KILL);
    let _ = kill_process(leader, Signal::KILL);
}

#[cfg(unix)]
fn await_end(child: &Child) -> io::Result<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    loop {
        match waitid(WaitId::Pid(Pid::from_child(child)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default()
}

#[cfg(not(unix))]
fn kill(_leader: u32) {}

#[cfg(not(unix))]
fn await_end(child: &mut Child) -> io::Result<()> {
    child.wait().map(drop)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> i32 {
    0
}
