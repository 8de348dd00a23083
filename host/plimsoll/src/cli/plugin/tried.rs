//! A plugin under its author's hands: built, loaded under the limits of a run, and free to ask whatever it
//! imports, since pages answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::ensure;
use clap::Args;

use super::super::{store, variables};
use super::build::{build, check_world};
use super::cargo::{Target, hint_above};
use super::{load, name_of, read};
use crate::config::{self, Config, Files, Flags, Variables};
use crate::plugin::Plugin;

/// Which plugin.
#[derive(Args)]
pub(super) struct Tried {
    /// The plugin's folder, with Cargo.toml (or package.json, pyproject.toml, plugin.toml) and rules/
    #[arg(default_value = ".")]
    pub(super) path: PathBuf,
    /// A component that is built already
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    component: Option<PathBuf>,
    /// What to compile Rust to
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    target: Target,
    /// The prefix of its rules [default: the name of its package, or of the component's file]
    #[arg(long)]
    name: Option<String>,
    /// Folder for native code that later runs will find [default: plimsoll among the user's caches]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

/// A plugin, ready to be tried.
pub(super) struct Ready {
    /// The plugin, alone.
    pub(super) plugins: Arc<[Plugin]>,
    /// Where its pages are.
    pub(super) pages: PathBuf,
}

impl Tried {
    /// That in a folder, all else as by default.
    pub(super) fn of(folder: &Path) -> Self {
        Self { path: folder.to_owned(), component: None, target: Target::default(), name: None, cache_dir: None }
    }

    /// What the user configured; what a folder of the author's says does not count.
    pub(super) fn settle(&self, flags: Flags, variables: &Variables) -> anyhow::Result<Config> {
        let user = config::user_file(variables).filter(|path| path.is_file());
        let user = user.as_deref().map(config::read).transpose()?;
        let flags = Flags { cache_dir: self.cache_dir.clone(), ..flags };
        Ok(Config::settle(flags, variables, Files { user: user.as_ref(), ..Files::default() })?)
    }

    /// Builds it, unless nothing changed or it was given built, and loads it.
    pub(super) fn load(&self, config: &Config) -> anyhow::Result<Ready> {
        let pages = self.path.join("rules");
        let pages = pages.strip_prefix(".").unwrap_or(&pages).to_owned();
        ensure!(
            pages.is_dir(),
            "{} is not there: name a plugin's folder, which has the pages of its rules in rules/{}",
            pages.display(),
            hint_above(&self.path)
        );
        let path = match &self.component {
            Some(component) => component.clone(),
            None => build(&self.path, self.target, None)?,
        };
        let name = self.name.clone().unwrap_or_else(|| name_of(&path));
        let store = store(config.cache_dir.as_deref(), &variables());
        let plugin = load(store, &name, &path.display().to_string(), &read(&path)?)?;
        if self.component.is_none() {
            check_world(&self.path, &plugin.capabilities)?;
        }
        ensure!(!plugin.rules.is_empty(), "{}: it describes no rules", path.display());
        Ok(Ready { plugins: [plugin.granted(config::Grants::everything())].into(), pages })
    }
}
