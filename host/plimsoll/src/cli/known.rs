//! All rules that a run in the working directory would have.

use std::env;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;

use super::configured::Configured;
use super::consent::{self, Wanted};
use super::inputs::Given;
use super::supply::Supply;
use super::{bundled, complain, store, variables};
use crate::config::{Config, Flags, cache_dir};
use crate::lock::{FILE_NAME, LockFile};
use crate::plugin::{Host, Plugin, Unusable};

/// Which plugins are asked besides the bundled packs.
#[derive(Args)]
pub(super) struct Named {
    /// Component with further rules; their prefix is NAME, else the file's name
    #[arg(long = "plugin", value_name = "[NAME=]FILE")]
    plugins: Vec<String>,
}

/// The bundled packs, and the plugins that the user let run.
pub(super) fn plugins(named: &Named) -> anyhow::Result<(Arc<Host>, Vec<Plugin>)> {
    let variables = variables();
    let here = env::current_dir().context("the working directory is gone")?;
    let given = Given {
        paths: &[Path::new(".").to_owned()],
        stdin_filename: None,
        context: None,
        here: &here,
        is_fetched: false,
    };
    let configured = Configured::read(given, &variables)?;
    let cache = cache_dir(None, &variables);
    let (host, mut plugins) = bundled(store(cache.as_deref(), &variables))?;
    let (config, files) = (Config::settle(Flags::default(), &variables, configured.files())?, configured.files());
    let lock = LockFile::at(configured.lock_folder(given).join(FILE_NAME));
    let loaded = consent::load(
        &host,
        &Wanted {
            named: &named.plugins,
            files,
            trust: &config.trust,
            supply: &Supply::new(&config, files, None),
            lock: &lock.read()?.lock,
            lock_path: lock.path().to_owned(),
            asks: false,
        },
    )?;
    for Unusable { name, message } in &loaded.unusable {
        complain(&format!("note: plugin {name} cannot be used: {message}"));
    }
    plugins.extend(loaded.plugins);
    Ok((host, plugins))
}
