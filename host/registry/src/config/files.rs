//! Which files there are to read, and their text.
//!
//! One main file: the chosen one, which must exist; else the user's, which replaces the system's file and drop-ins;
//! else the system's. Then drop-ins, `*.conf` in the order of bytes, the system's folder before the user's.

use std::path::{Path, PathBuf};

use super::Problem;
use crate::environment::Environment;
use crate::file;
use crate::limits::{DROP_INS_MAX, REGISTRIES_FILE_BYTES_MAX};

/// The files, existing or not.
pub(super) struct Files {
    pub main: PathBuf,
    /// Whether somebody chose the main file, so that it must exist.
    pub explicit: bool,
    pub drop_ins: Vec<PathBuf>,
}

/// The text of a file, and how to call it.
pub(super) struct Source {
    pub path: PathBuf,
    pub shown: String,
    pub text: String,
}

const FILE: &str = "containers/registries.conf";
const FOLDER: &str = "containers/registries.conf.d";

/// Chooses among the places of `environment`.
pub(super) fn files(environment: &Environment) -> Result<Files, Problem> {
    let user = environment.home.as_ref().map(|home| home.join(".config"));
    let chosen = environment.paths.registries_conf.clone().or_else(|| environment.path("CONTAINERS_REGISTRIES_CONF"));
    let explicit = chosen.is_some();
    let of_user = user.as_ref().map(|folder| folder.join(FILE)).filter(|path| path.exists());
    let user_only = !explicit && of_user.is_some();
    let main = chosen.or(of_user).unwrap_or_else(|| environment.system("/etc").join(FILE));
    let folders = match &environment.paths.drop_ins {
        Some(folder) => vec![folder.clone()],
        None => {
            let system = (!user_only).then(|| environment.system("/etc").join(FOLDER));
            system.into_iter().chain(user.map(|folder| folder.join(FOLDER))).collect()
        }
    };
    let mut drop_ins = Vec::new();
    for folder in folders {
        drop_ins.extend(drop_ins_of(environment, &folder)?);
    }
    Ok(Files { main, explicit, drop_ins })
}

/// The main file; `None` where nobody chose it and there is none.
pub(super) fn read_main(files: &Files, environment: &Environment) -> Result<Option<Source>, Problem> {
    let source = read(&files.main, environment)?;
    match source {
        None if files.explicit => Err(Problem::of_file(environment, &files.main, "no such file")),
        source => Ok(source),
    }
}

/// A drop-in; `None` where it is gone meanwhile.
pub(super) fn read_drop_in(path: &Path, environment: &Environment) -> Result<Option<Source>, Problem> {
    read(path, environment)
}

/// The file at `path`, if there is one.
pub(super) fn read(path: &Path, environment: &Environment) -> Result<Option<Source>, Problem> {
    let problem = |what: String| Problem::of_file(environment, path, what);
    let bytes = match file::read(path, REGISTRIES_FILE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if file::is_missing(&error) => return Ok(None),
        Err(error) => return Err(problem(error.to_string())),
    };
    let text = String::from_utf8(bytes).map_err(|_| problem("not text in UTF-8".to_owned()))?;
    Ok(Some(Source { path: path.to_owned(), shown: environment.display(path), text }))
}

fn drop_ins_of(environment: &Environment, folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let problem = |error: std::io::Error| Problem::of_file(environment, folder, error.to_string());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if file::is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(problem(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(problem)?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder || !entry.file_name().as_encoded_bytes().ends_with(b".conf") {
            continue;
        }
        paths.push(entry.path());
        if paths.len() > DROP_INS_MAX {
            return Err(Problem::of_file(environment, folder, format!("more than {DROP_INS_MAX} files")));
        }
    }
    paths.sort();
    Ok(paths)
}
