//! Git, and which words it is given.
//!
//! Two environments: who fetches has the user's own configuration, for credentials, proxies and certificates;
//! who writes files has none, so that no filter of anybody's runs, whatever `.gitattributes` ask for.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use tokio::time::timeout;

use super::files::{self, Listed};
use super::{Address, Bounds};
use crate::limits::{
    CLONE_ALLOCATION, CLONE_LIST_BYTES_MAX, CLONE_STREAM_FROM, CLONE_TICK, CONNECT_TIMEOUT,
    CONSOLE_COMPLAINT_CHARACTERS_MAX, GIT_BYTES_MAX,
};
use crate::private::Folder;
use crate::process::{Output, Process, Trouble, is_program, search_path};
use crate::question::is_commit;
use crate::resolve::git::candidates;

/// The reference under which the repository here knows what it fetched.
const FETCHED: &str = "refs/plimsoll/fetched";

/// Bytes that commands print which have little to say.
const QUIET: usize = 4 << 10;

/// Variables of the user's that count for who fetches.
const INHERITED: [&str; 18] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "USER",
    "LOGNAME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSH_AUTH_SOCK",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// Settings that hold whatever the user's own configuration says.
const SETTINGS: [&str; 16] = [
    "protocol.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "core.askPass=",
    "credential.interactive=false",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    // Few large files rather than many small ones, and read piece by piece.
    "fetch.unpackLimit=1",
    "transfer.bundleURI=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
];

/// The user's `git`.
pub(super) struct Git {
    program: PathBuf,
    search: Vec<PathBuf>,
}

/// A clone on its way.
pub(super) struct Fetch<'a> {
    pub(super) git: Git,
    pub(super) address: &'a Address,
    pub(super) folder: Arc<Folder>,
    /// The same folder, by way of no links.
    pub(super) path: PathBuf,
    pub(super) bounds: Bounds,
    pub(super) deadline: Instant,
}

/// What came of it.
pub(super) struct Fetched {
    pub(super) commit: String,
    pub(super) links: Vec<PathBuf>,
    pub(super) submodules: usize,
}

/// Whose configuration counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// The user's.
    User,
    /// Nobody's.
    Nobody,
}

impl Git {
    pub(super) fn find() -> Option<Self> {
        let search = search_path();
        let program = search.iter().map(|folder| folder.join("git")).find(|path| is_program(path))?;
        Some(Self { program, search })
    }
}

impl Fetch<'_> {
    /// Fetches one commit, looks at what it holds, and writes that.
    pub(super) async fn run(&self) -> Result<Fetched, String> {
        let (name, digits) = self.name().await?;
        let format = if digits == 64 { "--object-format=sha256" } else { "--object-format=sha1" };
        let repository = self.repository();
        self.git(As::Nobody, &["init", "--quiet", "--bare", "--template=", format, "--", "repository"], QUIET).await?;
        let wanted = format!("+{name}:{FETCHED}");
        let words = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--"];
        let words = [&[repository.as_str()], &words[..], &[self.address.url().as_str(), &wanted]].concat();
        self.git(As::User, &words, QUIET).await?;
        let commit = format!("{FETCHED}^{{commit}}");
        let commit = self.git(As::Nobody, &[&repository, "rev-parse", "--verify", "--quiet", &commit], QUIET).await?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        if !is_commit(&commit) {
            return Err(format!("{} is no commit", self.address.reference()));
        }
        let words = [&repository, "ls-tree", "-r", "-l", "-z", "--full-tree", &commit];
        let listed = match self.start(As::Nobody, &words, CLONE_LIST_BYTES_MAX).await {
            Err(Trouble::Overflow(_)) => Err(self.too_many()),
            output => self.output("ls-tree", output),
        };
        let Listed { count, bytes, links, submodules } = files::listed(&listed?)?;
        if count > self.bounds.files {
            return Err(self.too_many());
        }
        if bytes > self.bounds.bytes {
            return Err(self.too_large());
        }
        self.git(As::Nobody, &[&repository, "--work-tree=files", "read-tree", "--reset", "-u", &commit], QUIET).await?;
        Ok(Fetched { commit, links, submodules })
    }

    /// The full name of what is asked for, and how many digits the repository's objects have.
    async fn name(&self) -> Result<(String, usize), String> {
        let reference = self.address.reference();
        if is_commit(reference) {
            return Ok((reference.to_owned(), reference.len()));
        }
        let wanted = candidates(reference);
        let mut words = vec!["ls-remote", "--quiet", "--", self.address.url().as_str()];
        words.extend(wanted.iter().map(String::as_str));
        let listed = self.git(As::User, &words, GIT_BYTES_MAX).await?;
        let listed = String::from_utf8_lossy(&listed);
        let found = |name: &String| {
            let mut named = listed.lines().filter_map(|line| line.split_once('\t'));
            let (object, _) = named.find(|(_, known)| known == name)?;
            is_commit(object).then(|| (name.clone(), object.len()))
        };
        wanted.iter().find_map(found).ok_or_else(|| format!("the repository has no branch or tag {reference}"))
    }

    fn repository(&self) -> String {
        format!("--git-dir={}", self.path.join("repository").display())
    }

    /// What git prints, at most so many bytes; else in words why it does not.
    async fn git(&self, who: As, words: &[&str], output_bytes_max: usize) -> Result<Vec<u8>, String> {
        let command = words.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
        self.output(command, self.start(who, words, output_bytes_max).await)
    }

    fn output(&self, command: &str, output: Result<Output, Trouble>) -> Result<Vec<u8>, String> {
        match output {
            Ok(output) if output.exit_code == 0 => Ok(output.output),
            Ok(output) => Err(format!("git {command} failed: {}", self.complaint(&output.errors))),
            Err(Trouble::Timeout) => Err(format!(
                "git {command} did not end in time: {} s are given for all",
                self.bounds.time.as_secs_f32()
            )),
            Err(Trouble::Overflow(_)) => Err(self.too_large()),
            Err(Trouble::Start(error)) => Err(format!("git does not start: {error}")),
            Err(Trouble::Folder(error)) => Err(format!("there is no place to put it: {error}")),
            Err(Trouble::Signal(signal)) => Err(format!("git {command} was ended by signal {signal}")),
            Err(Trouble::Answer { what, .. }) => Err(what),
            Err(Trouble::Lost) => Err("nobody knows what became of git".to_owned()),
        }
    }

    /// Runs git, and ends it once it has fetched too much.
    async fn start(&self, who: As, words: &[&str], output_bytes_max: usize) -> Result<Output, Trouble> {
        let mut arguments: Vec<OsString> = Vec::new();
        let own = [
            format!("protocol.{}.allow=always", self.address.url().scheme()),
            format!("core.bigFileThreshold={CLONE_STREAM_FROM}"),
            // A name may have moved; but neither to another scheme, nor away from where a password belongs.
            format!("http.followRedirects={}", if self.redirects() { "initial" } else { "false" }),
        ];
        for setting in SETTINGS.into_iter().chain(own.iter().map(String::as_str)) {
            arguments.extend(["-c".into(), setting.into()]);
        }
        arguments.extend(words.iter().map(OsString::from));
        let process = Process {
            program: self.git.program.clone(),
            arguments,
            folder: self.folder.clone(),
            input: Vec::new(),
            output_bytes_max,
        };
        let variables = self.variables(who);
        let mut run = pin!(process.run(&variables, self.deadline));
        loop {
            // What is dropped is killed.
            if let Ok(output) = timeout(CLONE_TICK, run.as_mut()).await {
                let is_too_much = bytes(&self.path.join("repository")) > self.bounds.bytes;
                return if is_too_much { Err(Trouble::Overflow(0)) } else { output };
            }
            if bytes(&self.path.join("repository")) > self.bounds.bytes {
                return Err(Trouble::Overflow(0));
            }
        }
    }

    fn redirects(&self) -> bool {
        self.address.url().scheme() == "https" && self.address.authorization().is_none()
    }

    fn variables(&self, who: As) -> Vec<(&'static str, OsString)> {
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("PATH", env::join_paths(&self.git.search).unwrap_or_default()),
            ("LC_ALL", "C.UTF-8".into()),
            ("TMPDIR", self.path.clone().into()),
            ("GIT_CEILING_DIRECTORIES", self.path.parent().unwrap_or(&self.path).into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("GIT_ASKPASS", "".into()),
            ("SSH_ASKPASS_REQUIRE", "never".into()),
            ("GCM_INTERACTIVE", "never".into()),
            ("GIT_ALLOC_LIMIT", CLONE_ALLOCATION.into()),
            ("GIT_LFS_SKIP_SMUDGE", "1".into()),
            ("GIT_NO_LAZY_FETCH", "1".into()),
            ("GIT_OPTIONAL_LOCKS", "0".into()),
        ];
        if who == As::Nobody {
            // An old git knows only where files are looked for.
            let nowhere = || self.path.join("nobody").into();
            variables.extend([("HOME", nowhere()), ("XDG_CONFIG_HOME", nowhere())]);
            let nothing = || "/dev/null".into();
            variables.extend([("GIT_CONFIG_GLOBAL", nothing()), ("GIT_CONFIG_SYSTEM", nothing())]);
            variables.push(("GIT_CONFIG_NOSYSTEM", "1".into()));
            variables.push(("GIT_ATTR_NOSYSTEM", "1".into()));
            return variables;
        }
        variables.extend(INHERITED.into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
        let mut ssh = env::var_os("GIT_SSH_COMMAND").filter(|command| !command.is_empty()).unwrap_or("ssh".into());
        ssh.push(format!(" -o BatchMode=yes -o ConnectTimeout={}", CONNECT_TIMEOUT.as_secs()));
        variables.push(("GIT_SSH_COMMAND", ssh));
        if let Some(authorization) = self.address.authorization() {
            // Other users can read arguments, and not the environment.
            let header = format!("Authorization: {authorization}");
            let name = format!("http.{}.extraHeader", self.address.url());
            variables.push(("GIT_CONFIG_COUNT", "1".into()));
            variables.extend([("GIT_CONFIG_KEY_0", name.into()), ("GIT_CONFIG_VALUE_0", header.into())]);
        }
        variables
    }

    /// What git complains of, on one line, without the name of a folder that is gone soon.
    fn complaint(&self, errors: &[u8]) -> String {
        let errors = String::from_utf8_lossy(errors).replace(&*self.path.to_string_lossy(), "");
        let told = |line: &&str| line.starts_with("fatal: ") || line.starts_with("error: ");
        let lines: BTreeSet<&str> = errors.lines().filter(told).collect();
        let lines = lines.into_iter().map(|line| line.split_once(": ").map_or(line, |(_, rest)| rest));
        let text = lines.collect::<Vec<_>>().join("; ");
        let text = if text.is_empty() { errors.trim().replace('\n', "; ") } else { text };
        text.chars().take(2 * CONSOLE_COMPLAINT_CHARACTERS_MAX).collect()
    }

    fn too_large(&self) -> String {
        format!("it is larger than the {} bytes that are fetched", self.bounds.bytes)
    }

    fn too_many(&self) -> String {
        format!("it has more than the {} files that are fetched", self.bounds.files)
    }
}

/// What the files of a folder come to, those in folders in it included.
fn bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        // It was there a moment ago.
        Err(_) => 0,
    });
    sizes.sum()
}
