//! `registries.conf`: where images really come from, as the operator of this machine says.
//!
//! Input: the [`Environment`], which names the files. Output: [`Registries`], which tells the registry of a reference,
//! the places to pull it from in order, and what a short name stands for. Invariant: what was loaded is valid, a
//! prefix occurs once, and a problem names its file, its line and what to do.
//!
//! In reading order: `files` (which files), `document` (one file as it is written), `check` (one file that is valid),
//! `proxy` (what stands between), `layer` (files upon each other), `matching` (the registry of a reference), `sources`
//! (where to pull from), `short_names`.

mod check;
mod document;
mod files;
mod layer;
mod matching;
mod proxy;
mod short_names;
mod sources;
mod toml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use plimsoll_dockerfile::Reference;

pub use proxy::Proxy;
pub use sources::PullSource;

use crate::environment::Environment;

/// The helper in `credential-helpers` that stands for the credential files.
pub const CREDENTIAL_FILES: &str = "containers-auth.json";

/// What all files together say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registries {
    registries: BTreeMap<String, Registry>,
    search: Vec<String>,
    search_origin: PathBuf,
    helpers: Vec<String>,
    /// The file that names them, where a stranger may have chosen it.
    helpers_distrusted: Option<String>,
    /// The main file, for messages.
    origin: PathBuf,
    mode: ShortNameMode,
    aliases: BTreeMap<String, Option<Reference>>,
}

/// What holds for the references below a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// The beginning of the references it is for, or `*.` and the end of their hosts.
    pub prefix: String,
    /// What stands there instead of the prefix; empty where references stay as they are.
    pub location: String,
    /// Whether certificates are not verified, and plain HTTP will do.
    pub insecure: bool,
    /// What it is asked through, instead of the proxies in variables.
    pub proxy: Option<Proxy>,
    /// Whether nothing may be pulled from it.
    pub blocked: bool,
    /// Whether its mirrors are for references by digest only.
    pub mirror_by_digest_only: bool,
    /// The mirrors, in the order to ask.
    pub mirrors: Vec<Mirror>,
    /// The file that says so, where a stranger may have chosen it.
    pub distrusted: Option<String>,
}

/// Another place to pull from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// What stands instead of the prefix.
    pub location: String,
    /// Whether certificates are not verified, and plain HTTP will do.
    pub insecure: bool,
    /// What it is asked through, instead of the proxies in variables.
    pub proxy: Option<Proxy>,
    /// Which references it is for.
    pub pull: PullFromMirror,
}

/// Which references a mirror is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullFromMirror {
    /// All, because nothing else is said.
    #[default]
    Unset,
    /// All.
    All,
    /// Those by digest.
    DigestOnly,
    /// Those by tag.
    TagOnly,
}

/// What is done about a short name that could mean several images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShortNameMode {
    /// All are tried.
    Disabled,
    /// The user is asked; without a terminal, all are tried.
    #[default]
    Permissive,
    /// The user is asked; without a terminal, it is an error.
    Enforcing,
}

/// What is wrong with a file, or with a question for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", position(.file.as_deref(), *.line))]
pub struct Problem {
    /// The file, where it is one of the files.
    pub file: Option<String>,
    /// The line, from 1, where it is one.
    pub line: Option<usize>,
    /// One sentence.
    pub what: String,
}

/// The configuration of an environment, read when it is first needed and then no more.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub environment: Environment,
    registries: OnceLock<Result<Registries, Problem>>,
}

impl Loaded {
    pub fn new(environment: Environment) -> Self {
        Self { environment, registries: OnceLock::new() }
    }

    /// Whether the files were read already.
    pub fn is_known(&self) -> bool {
        self.registries.get().is_some()
    }

    /// What the files say; blocks on files the first time.
    pub fn registries(&self) -> Result<&Registries, Problem> {
        self.registries.get_or_init(|| Registries::load(&self.environment)).as_ref().map_err(Clone::clone)
    }
}

impl Registries {
    /// Reads the main file and the drop-ins of `environment`.
    pub fn load(environment: &Environment) -> Result<Self, Problem> {
        let files = files::files(environment)?;
        let mut layers = Vec::new();
        if let Some(main) = files::read_main(&files, environment)? {
            let document = document::Document::read(&main, true)?;
            let is_distrusted = environment.distrusts(&main.path);
            layers.push(check::check(document, &main)?.of(&main, is_distrusted));
        }
        for path in &files.drop_ins {
            if let Some(drop_in) = files::read_drop_in(path, environment)? {
                let document = document::Document::read(&drop_in, false)?;
                let is_distrusted = drop_in.path.parent().is_some_and(|folder| environment.distrusts(folder));
                layers.push(check::check(document, &drop_in)?.of(&drop_in, is_distrusted));
            }
        }
        Ok(layer::merge(files.main, layers))
    }

    /// The registries, sorted by prefix.
    pub fn registries(&self) -> impl Iterator<Item = &Registry> {
        self.registries.values()
    }

    /// The registries that complete a short name without an alias.
    pub fn unqualified_search_registries(&self) -> &[String] {
        &self.search
    }

    /// Where credentials come from, in order: names of helpers, and [`CREDENTIAL_FILES`].
    pub fn credential_helpers(&self) -> &[String] {
        &self.helpers
    }

    /// The file that names them, where a stranger may have chosen it.
    pub(crate) fn credential_helpers_distrusted(&self) -> Option<&str> {
        self.helpers_distrusted.as_deref()
    }

    /// The main file, existing or not.
    pub(crate) fn origin(&self) -> &Path {
        &self.origin
    }

    /// What is done about ambiguous short names.
    pub fn short_name_mode(&self) -> ShortNameMode {
        self.mode
    }
}

impl PullFromMirror {
    /// The word in the file; empty where nothing is said.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "",
            Self::All => "all",
            Self::DigestOnly => "digest-only",
            Self::TagOnly => "tag-only",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Unset, Self::All, Self::DigestOnly, Self::TagOnly].into_iter().find(|value| value.as_str() == text)
    }
}

impl ShortNameMode {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Permissive => "permissive",
            Self::Enforcing => "enforcing",
        }
    }

    /// The mode for a word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Disabled, Self::Permissive, Self::Enforcing].into_iter().find(|value| value.as_str() == text)
    }
}

impl Problem {
    fn of_question(what: impl Into<String>) -> Self {
        Self { file: None, line: None, what: what.into() }
    }

    fn of_file(environment: &Environment, path: &Path, what: impl Into<String>) -> Self {
        Self { file: Some(environment.display(path)), line: None, what: what.into() }
    }
}

fn position(file: Option<&str>, line: Option<usize>) -> String {
    match (file, line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        _ => String::new(),
    }
}
