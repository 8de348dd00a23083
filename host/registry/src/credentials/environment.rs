//! The part of the process environment that credentials depend on, as a value: nothing else here reads the process.

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
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self { home: std::env::home_dir(), variables: std::env::vars_os().collect(), user: process_user() }
    }

    /// A variable as a path; an empty one counts as unset.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.variables.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(PathBuf::from)
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
        debug.field("home", &self.home).field("variables", &names).field("user", &self.user).finish()
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
