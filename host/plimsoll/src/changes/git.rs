//! The user's `git`, in a checkout that a stranger may have set up.
//!
//! Whose repositories may be looked at is for the user's own configuration to say (`safe.directory`), so that
//! it counts; of the checkout's, what would start programs does not. Only plumbing is called that looks at no
//! file of the folder: no filter has anything to do.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use std::{env, fs};

use tokio::runtime::Builder;

use super::ChangesError;
use crate::limits::{CHANGES_TIME_MAX, CONSOLE_COMPLAINT_CHARACTERS_MAX};
use crate::private::{Folder, temporary_folder};
use crate::process::{Output, Process, Trouble, is_program, search_path};

/// Variables of the user's that count. With those of the second row git itself tells its hooks which index and
/// repository a commit is made of.
const INHERITED: [&str; 12] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_QUARANTINE_PATH",
];
/// Those of them that name a place from where the run is. That of the index git looks for from the root of the checkout.
const PLACES: [&str; 5] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH"];
/// Those of them that name the repository.
const REPOSITORY: [&str; 2] = ["GIT_DIR", "GIT_COMMON_DIR"];

/// Settings that hold whatever any configuration says.
const SETTINGS: [&str; 8] = [
    "protocol.allow=never",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.sshCommand=false",
    "core.untrackedCache=keep",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// Whether the repository is named and no folder, as git does for hooks of linked worktrees and for aliases.
fn is_told_of_repository_alone() -> bool {
    let is_said = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    is_said("GIT_DIR") && !is_said("GIT_WORK_TREE")
}

/// The user's `git`, in a folder.
#[derive(Debug, Clone)]
pub(super) struct Git {
    program: PathBuf,
    /// In which programs are looked for.
    search: Vec<PathBuf>,
    /// The folder of the checkout.
    place: PathBuf,
    /// Whether it finds the repository by the folder, whatever it is told.
    is_finding: bool,
    deadline: Instant,
}

impl Git {
    /// The one on the PATH, for the checkout of a folder. Where it is told of the repository alone, git takes the working
    /// directory for the root of the checkout: so do we, unless it is the repository that is found by the folder.
    pub(super) fn of(place: &Path) -> Result<Self, ChangesError> {
        let told = Self::told(place)?;
        if !is_told_of_repository_alone() {
            return Ok(told);
        }
        let found = Self { is_finding: true, ..told.clone() };
        let repository = |git: &Self| git.ask_whether(&["rev-parse", "--absolute-git-dir"]);
        match (repository(&found)?, repository(&told)?) {
            (Some(found_there), Some(told_of)) if same(&found_there, &told_of) => Ok(found),
            _ => Ok(env::current_dir().map(|here| told.clone().at(&here)).unwrap_or(told)),
        }
    }

    fn told(place: &Path) -> Result<Self, ChangesError> {
        let search = search_path();
        let program = search.iter().map(|folder| folder.join("git")).find(|path| is_program(path));
        let program = program.ok_or_else(|| {
            ChangesError(
                "there is no program git on the PATH, which says what has changed: install it, or name files"
                    .to_owned(),
            )
        })?;
        let deadline = Instant::now() + CHANGES_TIME_MAX;
        Ok(Self { program, search, place: place.to_owned(), is_finding: false, deadline })
    }

    /// The same in another folder.
    pub(super) fn at(self, place: &Path) -> Self {
        Self { place: place.to_owned(), ..self }
    }

    /// What it prints, at most so many bytes.
    pub(super) fn ask(&self, words: &[&str], input: &[u8], output_bytes_max: usize) -> Result<Vec<u8>, ChangesError> {
        let output = self.run(words, input, output_bytes_max)?;
        match output.exit_code {
            0 => Ok(output.output),
            _ => Err(ChangesError(format!("{}: git {}", self.place.display(), complaint(words[0], &output.errors)))),
        }
    }

    /// What it prints, or nothing where it says no.
    pub(super) fn ask_whether(&self, words: &[&str]) -> Result<Option<String>, ChangesError> {
        let output = self.run(words, b"", 4 << 10)?;
        Ok((output.exit_code == 0).then(|| String::from_utf8_lossy(&output.output).into_owned()))
    }

    fn run(&self, words: &[&str], input: &[u8], output_bytes_max: usize) -> Result<Output, ChangesError> {
        let failed = |what: String| ChangesError(format!("{}: git {}: {what}", self.place.display(), words[0]));
        let folder = Folder::new(&temporary_folder());
        let folder = Arc::new(folder.map_err(|error| failed(format!("there is no place for it to run: {error}")))?);
        let mut arguments: Vec<OsString> = vec!["--no-pager".into(), "-C".into(), self.place.clone().into()];
        SETTINGS.iter().for_each(|setting| arguments.extend(["-c".into(), (*setting).into()]));
        arguments.extend(words.iter().map(OsString::from));
        let variables = self.variables(&folder);
        let (program, input) = (self.program.clone(), input.to_owned());
        let process = Process { program, arguments, folder, input, output_bytes_max };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(format!("it cannot be waited for: {error}")))?;
        let output = runtime.block_on(process.run(&variables, self.deadline));
        // A thread may still wait for the end of a process that was killed.
        runtime.shutdown_background();
        output.map_err(|trouble| {
            failed(match trouble {
                Trouble::Timeout => format!("it did not end within {} s", CHANGES_TIME_MAX.as_secs()),
                Trouble::Overflow(bytes) => format!("it printed more than {bytes} bytes: name fewer files"),
                Trouble::Start(error) => format!("it does not start: {error}"),
                Trouble::Folder(error) => format!("there is no place for it to run: {error}"),
                Trouble::Signal(signal) => format!("it was ended by signal {signal}"),
                Trouble::Answer { what, .. } => what,
                Trouble::Lost => "nobody knows what became of it".to_owned(),
            })
        })
    }

    fn variables(&self, folder: &Folder) -> Vec<(&'static str, OsString)> {
        let mut variables: Vec<(&'static str, OsString)> = vec![
            ("PATH", env::join_paths(&self.search).unwrap_or_default()),
            ("LC_ALL", "C.UTF-8".into()),
            ("TMPDIR", folder.path().into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            ("GIT_NO_LAZY_FETCH", "1".into()),
            ("GIT_NO_REPLACE_OBJECTS", "1".into()),
            ("GIT_OPTIONAL_LOCKS", "0".into()),
        ];
        for name in INHERITED.into_iter().filter(|name| !(self.is_finding && REPOSITORY.contains(name))) {
            let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) else { continue };
            // Git runs elsewhere than here, where a relative name would mean another place.
            let value = match (PLACES.contains(&name), env::current_dir()) {
                (true, Ok(here)) => here.join(value).into(),
                _ => value,
            };
            variables.push((name, value));
        }
        variables
    }
}

/// Whether two lines name one place.
fn same(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|line| fs::canonicalize(line.trim_end_matches('\n')));
    one.is_ok_and(|one| other.is_ok_and(|other| one == other))
}

/// What git complains of, on one line.
fn complaint(command: &str, errors: &[u8]) -> String {
    let errors = String::from_utf8_lossy(errors);
    if errors.contains("not a git repository") {
        return "knows no checkout here: --changed and --staged are for files in one".to_owned();
    }
    if errors.contains("must be run in a work tree") {
        return "keeps no files here: --changed and --staged are for a checkout, not a bare repository".to_owned();
    }
    let told = errors.lines().map(|line| line.trim().trim_start_matches("fatal: ")).filter(|line| !line.is_empty());
    let text = told.collect::<Vec<_>>().join("; ");
    format!("{command} failed: {}", text.chars().take(2 * CONSOLE_COMPLAINT_CHARACTERS_MAX).collect::<String>())
}
