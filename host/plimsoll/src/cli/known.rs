//! All rules that a run in the working directory would have.

use std::sync::Arc;

use anyhow::ensure;
use clap::Args;

use super::choice::Choice;
use super::configured::Configured;
use super::consent::{self, Wanted};
use super::supply::Supply;
use super::{bundled, complain, store, variables};
use crate::config::{Config, Flags, cache_dir};
use crate::plugin::{Host, Plugin, Unusable};

/// Which plugins are asked besides the bundled packs.
#[derive(Args)]
pub(super) struct Named {
    /// Component with further rules; their prefix is NAME, else the file's name
    #[arg(long = "plugin", value_name = "[NAME=]FILE")]
    plugins: Vec<String>,
}

/// The bundled packs, and the plugins that the user let run.
///
/// # Errors
/// When one that the command line names cannot be used, or the configuration here does not hold up.
pub(super) fn plugins(named: &Named) -> anyhow::Result<(Arc<Host>, Vec<Plugin>)> {
    let variables = variables();
    let (configured, lock) = Configured::here(&variables)?;
    let cache = cache_dir(None, &variables);
    let (host, mut plugins) = bundled(store(cache.as_deref(), &variables))?;
    let (config, files) = (Config::settle(Flags::default(), &variables, configured.files())?, configured.files());
    if !config.pools.console.enabled {
        Plugin::wait_for_tools(&mut plugins);
    }
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
            choice: &Choice::default(),
        },
    )?;
    for Unusable { name, message } in &loaded.unusable {
        let is_named = named.plugins.iter().any(|argument| consent::named(argument).0 == *name);
        ensure!(!is_named, "plugin {name} cannot be used: {message}");
        complain(&format!("note: plugin {name} cannot be used: {message}"));
    }
    plugins.extend(loaded.plugins);
    Ok((host, plugins))
}

/// What has a rule that does not run by itself run.
pub(super) fn asked_for(plugin: Option<&Plugin>) -> &'static str {
    match plugin.is_some_and(Plugin::needs_tools) {
        true => "where you let tools run: --slow-checks-console=on",
        false => "where plimsoll.toml asks for it",
    }
}
