//! Which files of configuration count, what goes before them, and which rules run.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::config::{self, File, Finder, LintTable};
use crate::discover::real;

/// What the command line says of configuration itself.
#[derive(Args, Clone, Default)]
pub(super) struct Choice {
    /// File in place of the tree's plimsoll.toml, or one value as such a file has it; the last goes first
    #[arg(long, value_name = "FILE|KEY=VALUE")]
    config: Vec<String>,
    /// Read no plimsoll.toml, not your own either
    #[arg(long)]
    pub(super) isolated: bool,
    /// Rules that run and no others: names, patterns such as 'buildkit/*', or recommended, strict, all
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Rules that run besides
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    extend_select: Vec<String>,
    /// Rules that do not run
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Files in folders that are not linted, by patterns as in .gitignore
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Leave out what --exclude or the configuration excludes even where it is named, as by pre-commit
    #[arg(long)]
    pub(super) force_exclude: bool,
}

impl Choice {
    /// What goes before files and variables, the nearest first.
    ///
    /// # Errors
    /// When a value of `--config` does not hold up, or a list names nothing.
    pub(super) fn overrides(&self, here: &Path) -> anyhow::Result<Vec<File>> {
        let folder = env::current_dir().context("the working directory is gone")?;
        let Self { select, extend_select, ignore, exclude, .. } = self;
        for (flag, list) in [("select", select), ("extend-select", extend_select), ("ignore", ignore)] {
            ensure!(
                list.is_empty() || parts(list).next().is_some(),
                "--{flag}: name a rule; `plimsoll rules` lists them"
            );
        }
        let listed = |list| parts(list).map(str::to_owned).collect::<Vec<_>>();
        let lint = LintTable {
            select: Some(listed(select)).filter(|select| !select.is_empty()),
            extend_select: listed(extend_select),
            ignore: listed(ignore),
            exclude: exclude.clone(),
            ..LintTable::default()
        };
        let values = self.config.iter().filter(|text| is_value(text)).rev();
        let flags = (lint != LintTable::default()).then(|| Ok(File::of_flags(lint, here)));
        let value = |text: &String| Ok(File { about: here.to_owned(), ..File::of_override(text, &folder)? });
        flags.into_iter().chain(values.map(value)).collect()
    }

    /// The file in place of the tree's.
    ///
    /// # Errors
    /// When there are several, or none may be read.
    pub(super) fn file(&self) -> anyhow::Result<Option<PathBuf>> {
        let mut files = self.config.iter().filter(|text| !is_value(text));
        let file = files.next();
        if let (Some(one), Some(other)) = (file, files.next()) {
            anyhow::bail!("--config {one} and --config {other}: name one file, which may extend another");
        }
        if let Some(file) = file {
            ensure!(!self.isolated, "--config {file}: --isolated reads no file; leave out one of them");
            ensure!(
                Path::new(file).is_file(),
                "--config {file}: there is no such file; one value is written KEY=VALUE, such as \
                 --config 'lint.fail-level=\"error\"'"
            );
        }
        Ok(file.map(PathBuf::from))
    }

    /// Who finds the files of the tree.
    ///
    /// # Errors
    /// As [`Choice::file`].
    pub(super) fn finder(&self, here: &Path, is_fetched: bool) -> anyhow::Result<Finder> {
        Ok(match self.file()? {
            Some(file) => Finder::fixed(Some(real(&file))),
            None if self.isolated => Finder::fixed(None),
            None if is_fetched => Finder::within(here),
            None => Finder::default(),
        })
    }

    /// Whether a plugin of this name may have rules that run: what the command line selects goes before all else.
    pub(super) fn may_select(&self, pack: &str) -> bool {
        let fits = |text: &str| match text.split_once('/') {
            Some((of, _)) => config::fits(of, pack),
            None => true,
        };
        self.select.is_empty() || parts(&self.select).chain(parts(&self.extend_select)).any(fits)
    }
}

/// What a list between commas names, without blanks and empty parts.
fn parts(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(|part| part.trim()).filter(|part| !part.is_empty())
}

/// Whether it is KEY=VALUE: a file of such a name is written with its folder, `./`.
fn is_value(text: &str) -> bool {
    text.contains('=') && !text.starts_with(['.', '/'])
}
