//! A repository that is linted where it is: an address → its files, in a private folder.
//!
//! Input: an address as BuildKit writes it, and how much may come of it. Output: a folder with the files of
//! one commit, which goes with the value. Invariants: nothing that the repository holds is run, followed or
//! believed: no hooks, filters, submodules, no links that lead out; nobody is asked for anything; what of
//! the address is secret is in no argument and no message.
//!
//! In reading order: [`Address`] (what is asked for), `fetch` (which words git is given), `files` (what a
//! commit holds, before it is written), `links`.

mod address;
mod fetch;
mod files;
mod links;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io};

use thiserror::Error;
use tokio::runtime::Builder;

pub use address::Address;

use crate::limits::{CLONE_BYTES_MAX, CLONE_FILES_MAX, CLONE_TIME_MAX};
use crate::private::{Folder, temporary_folder};
use fetch::{Fetch, Git};

/// What a clone may come to.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long it may take.
    pub time: Duration,
    /// Bytes of what is fetched, and of the files.
    pub bytes: u64,
    /// How many files there may be.
    pub files: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { time: CLONE_TIME_MAX, bytes: CLONE_BYTES_MAX, files: CLONE_FILES_MAX }
    }
}

/// A repository that cannot be had. Exit status 2.
#[derive(Debug, Error)]
#[error("{address}: {what}")]
pub struct CloneError {
    address: String,
    what: String,
}

/// The files of a commit.
#[derive(Debug)]
pub struct Checkout {
    _folder: Arc<Folder>,
    /// The folder that holds them, by way of no links.
    pub root: PathBuf,
    /// The file or folder that was asked for, in it.
    pub place: PathBuf,
    /// The commit.
    pub commit: String,
    /// Submodules, which are empty folders here.
    pub submodules: usize,
}

impl Checkout {
    /// Fetches what an address names.
    ///
    /// # Errors
    /// Why it cannot be had. No word of it is a secret of the address.
    pub fn of(address: &Address, bounds: Bounds) -> Result<Self, CloneError> {
        let complain = |what: String| CloneError { address: address.to_string(), what };
        let failed = |error: io::Error| complain(format!("there is no place to put it: {error}"));
        let git = Git::find().ok_or_else(|| {
            complain(
                "there is no program git on the PATH: install it, or lint a checkout that something else made"
                    .to_owned(),
            )
        })?;
        let folder = Arc::new(Folder::new(&temporary_folder()).map_err(failed)?);
        // What it is compared with has no links in it either.
        let path = fs::canonicalize(folder.path()).map_err(failed)?;
        let root = path.join("files");
        fs::create_dir(&root).map_err(failed)?;
        let deadline = Instant::now() + bounds.time;
        let fetch = Fetch { git, address, folder: folder.clone(), path, bounds, deadline };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let fetched = runtime.block_on(fetch.run());
        // A thread may still wait for the end of a process that was killed.
        runtime.shutdown_background();
        let fetched = fetched.map_err(complain)?;
        links::follow(&root, &fetched.links, deadline);
        let place = place(&root, address)
            .ok_or_else(|| complain(format!("{} is not there at {}", address.inside().display(), fetched.commit)))?;
        Ok(Self { _folder: folder, root, place, commit: fetched.commit, submodules: fetched.submodules })
    }
}

/// What the address names of the files; nothing if that is not there, or elsewhere.
fn place(root: &Path, address: &Address) -> Option<PathBuf> {
    let place = root.join(address.inside());
    let real = fs::canonicalize(&place).ok()?;
    real.starts_with(root).then(|| if address.inside().as_os_str().is_empty() { root.to_owned() } else { place })
}
