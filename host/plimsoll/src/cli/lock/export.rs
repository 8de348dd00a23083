//! `plimsoll lock export` and `plimsoll lock migrate`: locks of others.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;

use super::found;
use super::survey::{Asking, Survey};
use crate::cli::lint::Scope;
use crate::cli::{CLEAN, FAILED, FOUND, complain, print};
use crate::config::parse_platforms;
use crate::discover::is_dockerfile;
use crate::limits::LOCK_BYTES_MAX;
use crate::lock::export::source_policy;
use crate::lock::migrate::{Kind, migrate};
use crate::lock::{Entry, Key, Policy};
use crate::question::Question;
use crate::words::of_system;

/// Write the lock as a source policy, with which BuildKit reads nothing else
///
/// Digests that the files name themselves are allowed too. For `buildctl build
/// --source-policy-file`, and EXPERIMENTAL_BUILDKIT_SOURCE_POLICY of docker buildx.
#[derive(Args)]
#[command(after_help = "Example: plimsoll lock export --source-policy > policy.json")]
pub(super) struct Arguments {
    /// As a source policy of BuildKit
    #[arg(long, required = true)]
    source_policy: bool,
    /// Files or folders whose own digests count
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    scope: Scope,
}

/// Take over what others wrote down: docker-lock.json, source policies, digests in Dockerfiles
///
/// All become pinned entries. What the lock has already stays. Exit status: 1 if
/// something could not be taken over, 2 if a file cannot be read; the others are.
#[derive(Args)]
#[command(after_help = "Example: plimsoll lock migrate docker-lock.json --platform linux/amd64,linux/arm64")]
pub(super) struct MigrateArguments {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The platforms that the entries are for
    #[arg(long, value_name = "PLATFORM[,PLATFORM]", default_value = "linux/amd64")]
    platform: String,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    let survey = Survey::of(arguments.paths, arguments.scope, Asking::Nobody, Clone::clone)?;
    let mut lock = survey.lock.clone();
    for (_, pin) in &survey.references.legacy {
        if let Question::Image { reference, platform } = &pin.question {
            let named = format!("{}@{}", reference.canonical(), pin.digest);
            let key = Key::new("oci", "resolve", &[&named, &platform.to_string()]);
            lock.set(key, Entry::new(pin.digest.as_str(), Policy::Pin));
        }
    }
    // What the lock keeps of a query is its digest; the files have it.
    for (question, key) in &survey.references.questions {
        let Question::Download { url, algorithm } = question else { continue };
        if let Some(entry) = lock.get(key).cloned().filter(|_| url.query().is_some()) {
            lock.remove(key);
            lock.set(Key::new("http", "digest", &[url.as_str(), algorithm.name()]), entry);
        }
    }
    print(&source_policy(&lock)?)?;
    Ok(CLEAN)
}

pub(super) fn migrate_files(arguments: &MigrateArguments) -> anyhow::Result<u8> {
    let platforms = parse_platforms(&arguments.platform).map_err(|error| anyhow!("--platform: {error}"))?;
    let (mut entries, mut status) = (Vec::new(), CLEAN);
    for path in &arguments.files {
        let shown = path.display();
        let found = read(path).and_then(|text| {
            migrate(kind(path, &text), &text, &platforms).map_err(|error| anyhow!("{shown}: {error}"))
        });
        // What is wrong with one file is no reason to leave out the others.
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                complain(&format!("error: {error:#}"));
                status = FAILED;
                continue;
            }
        };
        for left in &found.left {
            complain(&format!("note: {shown}: {left}"));
            status = status.max(FOUND);
        }
        entries.extend(found.entries);
    }
    let (file, mut new) = (found()?, 0);
    file.change(|lock| {
        for (key, entry) in &entries {
            if lock.get(key).is_none() {
                lock.set(key.clone(), entry.clone());
                new += 1;
            }
        }
    })?;
    print(&format!("{}: {new} new\n", file.path().display()))?;
    Ok(status)
}

/// What a file is, by its name and how it begins.
fn kind(path: &Path, text: &str) -> Kind {
    let is_named = path.file_name().is_some_and(|name| is_dockerfile(&name.to_string_lossy()));
    // Templates of Dockerfiles begin with a brace too.
    let is_json = path.extension().is_some_and(|extension| extension == "json")
        || !is_named && text.trim_start().starts_with('{');
    match is_json {
        false => Kind::Dockerfile,
        true if text.contains("\"rules\"") && text.contains("\"selector\"") => Kind::SourcePolicy,
        true => Kind::DockerLock,
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let metadata = fs::metadata(path).map_err(|error| anyhow!("{shown}: {}", of_system(&error)))?;
    if !metadata.is_file() || metadata.len() > LOCK_BYTES_MAX {
        bail!("{shown}: it is no file of at most {LOCK_BYTES_MAX} bytes");
    }
    fs::read_to_string(path).map_err(|error| anyhow!("{shown}: {}", of_system(&error)))
}
