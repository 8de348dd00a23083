//! The command line: one command, one file.

mod cache;
mod choice;
mod chosen;
mod completions;
mod config;
mod configured;
mod consent;
mod demand;
mod explain;
mod extended;
mod init;
mod inputs;
mod known;
mod lint;
mod lock;
mod man;
mod patterns;
mod plugin;
mod progress;
mod repository;
mod rules;
mod supply;
mod version;
mod watching;

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anstream::{AutoStream, ColorChoice};
use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::config::{Variables, store_key};
use crate::plugin::{Host, Plugin, Store, Unusable};
use crate::process;
use crate::report::printable;

/// Exit status of a run that found nothing to complain of.
const CLEAN: u8 = 0;
/// Exit status of a run with findings at or above the fail level.
const FOUND: u8 = 1;
/// Exit status when something could not be done as asked.
const FAILED: u8 = 2;
/// Exit status after an interrupt, as shells count it.
const INTERRUPTED: i32 = 130;

/// Lints container builds with rules that are sandboxed WebAssembly components.
#[derive(Parser)]
#[command(
    name = "plimsoll",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "\
To begin with:
  plimsoll lint                            lint the Dockerfiles of this folder and those in it
  plimsoll explain UndefinedVar            what a rule wants, and why
  plimsoll lint --help                     all that can be said of a run, with examples"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    color: Color,
}

#[derive(Subcommand)]
enum Command {
    Lint(Box<lint::Arguments>),
    Lock(Box<lock::Arguments>),
    Rules(rules::Arguments),
    Explain(explain::Arguments),
    Init(init::Arguments),
    Config(config::Arguments),
    Plugin(plugin::Arguments),
    Cache(cache::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Version(version::Arguments),
}

/// How a command reports.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

/// Reads the command line, runs the command, and says how it went.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let is_styled = match arguments.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
    };
    let status = match arguments.command {
        Command::Lint(arguments) => lint::run(&arguments, is_styled),
        Command::Lock(arguments) => lock::run(*arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Plugin(arguments) => plugin::run(arguments),
        Command::Cache(arguments) => cache::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
        Command::Version(arguments) => version::run(&arguments),
    };
    while process::is_abandoned() {
        // Whoever did that ends the process.
        std::thread::park();
    }
    match status {
        Ok(status) => ExitCode::from(status),
        Err(error) if is_broken_pipe(&error) => ExitCode::from(FAILED),
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

/// The whole command line, for what is made of it: completions, manual pages, reference.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// What a command's help ends with: examples, without the heading of the only one.
pub fn examples(command: &clap::Command) -> String {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    text.strip_prefix("Example: ").map(|only| format!("  {only}")).unwrap_or(text)
}

/// Ends the process and the tools it started when somebody interrupts it, even where whoever started it let it
/// ignore interrupts, as shells do in the background.
fn end_on_interrupt() -> anyhow::Result<()> {
    let interrupted = || {
        process::abandon();
        std::process::exit(INTERRUPTED)
    };
    ctrlc::set_handler(interrupted).context("interrupts cannot be handled")
}

/// Writes to standard output.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(seen(text).as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes lines to standard output in which names of strangers may be.
fn print_lines(text: &str) -> anyhow::Result<()> {
    print(&text.lines().map(|line| format!("{}\n", printable(line))).collect::<String>())
}

/// A folder whose name nobody can know another day, and which reports and messages leave out.
static HIDDEN: OnceLock<String> = OnceLock::new();

/// Has reports and messages name what lies in a folder as if they were said there.
fn hide(folder: &Path) {
    let _ = HIDDEN.set(format!("{}/", folder.display()));
}

/// Whether there is such a folder.
fn hides() -> bool {
    HIDDEN.get().is_some()
}

/// A text without the name of the folder that is hidden.
fn seen(text: &str) -> Cow<'_, str> {
    HIDDEN.get().map_or(Cow::Borrowed(text), |hidden| Cow::Owned(text.replace(hidden, "")))
}

/// Writes to standard error, where nobody may be listening. Names and texts of
/// strangers may be in it.
fn complain(text: &str) {
    // What a stranger's name brings to the start of a line is no command to those who read logs.
    let mark = |line: &str| if line.trim_start().starts_with("::") { "\u{200B}" } else { "" };
    let line = |line: &str| format!("{}{}", mark(line), printable(line));
    let _ = writeln!(io::stderr(), "{}", seen(text).lines().map(line).collect::<Vec<_>>().join("\n"));
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The environment, as far as it is Unicode.
fn variables() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The native code that earlier runs kept; nothing where there is no place for any.
fn store(cache_dir: Option<&Path>, variables: &Variables) -> Option<Store> {
    Some(Store::new(cache_dir?, store_key(variables)?))
}

/// The engine.
fn host(store: Option<Store>) -> anyhow::Result<Arc<Host>> {
    Host::with_store(store).map_err(|error| anyhow::anyhow!("the engine does not start: {error:#}"))
}

/// The engine and the bundled packs.
fn bundled(store: Option<Store>) -> anyhow::Result<(Arc<Host>, Vec<Plugin>)> {
    bundled_if(store, |_| true).map(|(host, plugins, _)| (host, plugins))
}

/// The engine, the bundled packs that are wanted, and the names of the others.
fn bundled_if(
    store: Option<Store>,
    is_wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<(Arc<Host>, Vec<Plugin>, Vec<String>)> {
    let host = host(store)?;
    let complain = |pack: Unusable| anyhow::anyhow!("bundled pack {}: {}", pack.name, pack.message);
    let plugins = Plugin::bundled_if(&host, &is_wanted).map_err(complain)?;
    let absent = Plugin::bundled_names().filter(|name| !is_wanted(name)).map(str::to_owned).collect();
    Ok((host, plugins, absent))
}
