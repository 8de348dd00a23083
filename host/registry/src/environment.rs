//! The part of this machine that configuration and credentials depend on, as a value.
//!
//! Invariant: nothing else in this crate reads the process, and no file is read whose place does not follow from here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Home folder, variables and user of whoever asks.
#[derive(Clone, Default)]
pub struct Environment {
    /// The home folder.
    pub home: Option<PathBuf>,
    /// All variables; credential helpers are given exactly these.
    pub variables: BTreeMap<OsString, OsString>,
    /// The numeric user, for `/run/containers/UID` where no runtime folder is set.
    pub user: Option<u32>,
    /// Files and folders that are not at their usual place.
    pub paths: Paths,
    /// Those of [`Environment::paths`] that a stranger may have chosen. What they say makes no credential helper run,
    /// takes TLS from no registry but those of this machine, and puts no proxy between.
    pub distrusted: Vec<PathBuf>,
}

/// Places chosen by the operator; what is not set is where container tools have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// The folder that `/etc`, `/run` and `/var` are taken to be in; empty for those of this machine.
    pub root: PathBuf,
    /// `registries.conf`; must exist where it is set, and comes before `CONTAINERS_REGISTRIES_CONF`.
    pub registries_conf: Option<PathBuf>,
    /// The one folder of drop-ins, instead of the system's and the user's.
    pub drop_ins: Option<PathBuf>,
    /// `short-name-aliases.conf`, which other tools write.
    pub aliases: Option<PathBuf>,
    /// The one credential file, instead of all others; comes before `REGISTRY_AUTH_FILE`.
    pub credentials: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self {
            home: std::env::home_dir(),
            variables: std::env::vars_os().collect(),
            user: process_user(),
            paths: Paths::default(),
            distrusted: Vec::new(),
        }
    }

    /// Whether a stranger may have chosen a file or folder.
    pub(crate) fn distrusts(&self, path: &Path) -> bool {
        self.distrusted.iter().any(|distrusted| distrusted == path)
    }

    /// A variable as a path; an empty one counts as unset.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// A file or folder of the system, such as `/etc/containers`, by its absolute path.
    pub(crate) fn system(&self, path: &str) -> PathBuf {
        match self.paths.root.as_os_str().is_empty() {
            true => PathBuf::from(path),
            false => self.paths.root.join(path.trim_start_matches('/')),
        }
    }

    /// `path` as people write it, with `~` for the home folder.
    pub(crate) fn display(&self, path: &Path) -> String {
        match self.home.as_deref().and_then(|home| path.strip_prefix(home).ok()) {
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.variables.keys().collect();
        let mut debug = formatter.debug_struct("Environment");
        debug.field("home", &self.home).field("variables", &names).field("user", &self.user);
        debug.field("paths", &self.paths).field("distrusted", &self.distrusted).finish()
    }
}

#[cfg(target_os = "linux")]
fn process_user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|metadata| metadata.uid())
}

#[cfg(not(target_os = "linux"))]
fn process_user() -> Option<u32> {
    None
}
