//! A repository to lint, given as an address in place of files.
//!
//! Input: the paths of the command line. Output: its files, fetched. Invariant: it is a linted tree like any
//! other, nothing in it is the user's word; and nothing of it is changed.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};

use super::{complain, hide};
use crate::clone::{Address, Bounds, Checkout};
use crate::config::{self, Config, Files, Flags, Variables};
use crate::lock::Mode;
use crate::report::Repository;
use crate::resolve::Web;

/// A repository that was fetched.
pub(super) struct Fetched {
    pub(super) address: Address,
    pub(super) checkout: Checkout,
}

impl Fetched {
    /// Fetches the repository of an address.
    ///
    /// # Errors
    /// When it cannot be had, or may not be asked for.
    pub(super) fn of(address: Address, flags: Flags, variables: &Variables) -> anyhow::Result<Self> {
        let user = config::user_file(variables).filter(|path| path.is_file());
        let user = user.as_deref().map(config::read).transpose()?;
        // What the repository says of these does not count.
        let config = Config::settle(flags, variables, Files { user: user.as_ref(), ..Files::default() })?;
        ensure!(!config.offline, "{address}: --offline asks nobody: leave it out, or lint a checkout");
        ensure!(
            config.lock.mode != Mode::Update,
            "{address}: --lock update would change the lock of what was only fetched: do that in a checkout"
        );
        let is_allowed = !address.is_in_the_clear() || Web::new(config.allow_hosts).allows(address.url());
        ensure!(
            is_allowed,
            "{address}: over http anybody on the way could change it: write git+https://, or allow the host with \
             --slow-checks-allow-host {}",
            address.url().host_str().unwrap_or_default()
        );
        let checkout = Checkout::of(&address, Bounds::default())?;
        hide(&checkout.root);
        Ok(Self { address, checkout })
    }

    /// What reports say of it.
    pub(super) fn shown(&self) -> Repository<'_> {
        Repository {
            url: self.address.url().as_str(),
            reference: self.address.reference(),
            commit: &self.checkout.commit,
        }
    }

    /// What was linted, and what of it is not there.
    pub(super) fn say(&self) {
        complain(&format!("note: {} is linted at commit {}", self.address, self.checkout.commit));
        if self.checkout.submodules > 0 {
            complain(&format!(
                "note: submodules are not fetched, their folders are empty: {}",
                self.checkout.submodules
            ));
        }
    }
}

/// The repository that the paths name; none where they name files.
///
/// # Errors
/// When an address does not hold up, or is not alone.
pub(super) fn address(paths: &[PathBuf]) -> anyhow::Result<Option<Address>> {
    let parse = |path: &PathBuf| path.to_str().map_or(Ok(None), Address::parse).map_err(|error| anyhow!(error));
    let addresses = paths.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let mut named = addresses.into_iter().flatten();
    let first = named.next();
    ensure!(
        first.is_none() || paths.len() == 1,
        "a repository is linted by itself: name one address and no other path; #REF:FOLDER is for a part of it"
    );
    Ok(first)
}

/// Refuses repositories where a lock may be changed.
///
/// # Errors
/// When one is named.
pub(super) fn ensure_files(path: &Path) -> anyhow::Result<()> {
    match address(&[path.to_owned()])? {
        Some(address) => bail!(
            "{address}: the lock of a repository is changed in a checkout of it; `plimsoll lint` reads it where it is"
        ),
        None => Ok(()),
    }
}
