//! `plimsoll plugin`: what authors of rules do, and who lets their rules run.

mod add;
mod around;
mod bench;
mod build;
mod cargo;
mod diff;
mod forget;
mod generated;
mod inspect;
mod language;
mod list;
mod new;
mod project;
mod pull;
mod push;
mod remove;
mod save;
mod sources;
mod template;
mod test;
mod toolchain;
mod tried;
mod update;
mod verify;
mod watch;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};

use super::host;
use crate::config::{ConfigError, Edit};
use crate::plugin::{Component, Limits, Plugin, Store};
use crate::{private, rewrite};

/// Write, try, look into and let run the rules of others
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Write rules:                   plimsoll plugin new acme && cd acme && plimsoll plugin test
Let those of others run:       plimsoll plugin inspect acme.wasm, then plimsoll plugin add acme.wasm
See what an update changes:    plimsoll plugin diff acme.wasm acme-new.wasm services/
From a registry:               plimsoll plugin add oci://ghcr.io/acme/rules:1
Give yours away:               plimsoll plugin push oci://ghcr.io/acme/rules:1 acme.wasm"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(new::Arguments),
    Build(build::Arguments),
    Test(test::Arguments),
    Bench(bench::Arguments),
    Watch(watch::Arguments),
    Diff(Box<diff::Arguments>),
    Inspect(inspect::Arguments),
    Add(add::Arguments),
    Pull(pull::Arguments),
    Push(push::Arguments),
    Update(update::Arguments),
    Verify(verify::Arguments),
    List(list::Arguments),
    Remove(remove::Arguments),
    Save(save::Arguments),
    Load(save::LoadArguments),
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    match arguments.command {
        Command::New(arguments) => new::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Diff(arguments) => diff::run(*arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Add(arguments) => add::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Remove(arguments) => remove::run(&arguments),
        Command::Pull(arguments) => pull::run(&arguments),
        Command::Push(arguments) => push::run(&arguments),
        Command::Update(arguments) => update::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Save(arguments) => save::save(&arguments),
        Command::Load(arguments) => save::load(&arguments),
    }
}

/// The component in a file.
fn read(path: &Path) -> anyhow::Result<Component> {
    Component::read(path).map_err(|message| anyhow!("{}: {message}", path.display()))
}

/// Changes the user's word in a file, as it is now: whoever else changes it waits, or is waited for.
fn edited(path: &Path, change: impl FnOnce(&mut Edit) -> Result<(), ConfigError>) -> anyhow::Result<()> {
    let shown = || path.display().to_string();
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    private::folders().recursive(true).create(real.parent().with_context(shown)?).with_context(shown)?;
    let _held = rewrite::hold(&real).with_context(shown)?;
    let mut edit = Edit::open(path)?;
    change(&mut edit)?;
    Ok(edit.save()?)
}

/// Loads it as a run does where nobody says more.
fn load(store: Option<Store>, name: &str, shown: &str, component: &Component) -> anyhow::Result<Plugin> {
    Plugin::load(&host(store)?, name, component, Limits::default())
        .map_err(|unusable| anyhow!("{shown}: {}", unusable.message))
}

/// What a component is called where nobody says otherwise: as its file.
pub(super) fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
