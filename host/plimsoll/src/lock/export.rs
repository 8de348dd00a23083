//! A lock as a source policy of BuildKit, which holds any build to it: `buildctl --source-policy-file`.
//!
//! Input: a lock. Output: JSON, the same for the same lock. Invariant: with this policy a build reads no image, no
//! address of the web and no git repository but those of the lock, at what the lock says they mean.
//!
//! The order of the rules matters. BuildKit looks at them from the first to the last. A `CONVERT` that changes
//! anything ends the round at once, whatever was denied before it, and the changed source goes through all rules
//! again; of the `ALLOW`s and `DENY`s that match in a round without a change, the last one counts. (BuildKit's
//! `sourcepolicy/engine.go`.) So what is denied comes first, and each source is converted and then allowed.
//!
//! Two things there are not as they seem. A `CONVERT` of match type `EXACT` changes no identifier, so a pattern
//! without `*` says what is converted. And of rules with one match type and one identifier all have the constraints
//! of the first, so an address of the web is converted by its text and allowed by a pattern.
//!
//! Images by which BuildKit itself works are sources too: that of `# syntax=`, and the scanner that attests what
//! is in an image. A build that uses one needs it in the lock.

pub(super) mod identifier;

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use super::apply::without_digest;
use super::pins::{is_digest, pin};
use super::{Entry, Key, Lock};
use crate::question::is_commit;
use identifier::{HEAD, git_base, image};

/// An entry that no policy can hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{key}: {message}")]
pub struct Refused {
    /// Its key.
    pub key: Key,
    /// Why, and what to do.
    pub message: String,
}

/// The source policy that holds a build to a lock.
///
/// # Errors
/// Where the lock has two meanings for one source: a policy knows no platforms.
pub fn source_policy(lock: &Lock) -> Result<String, Refused> {
    let mut meanings = Meanings::default();
    for (key, entry) in lock.iter() {
        meanings.add(key, entry).map_err(|message| Refused { key: key.clone(), message })?;
    }
    let denied = DENIED.map(|identifier| Rule::new(DENY, identifier.to_owned(), WILDCARD));
    let rules = denied.into_iter().chain(meanings.0.into_iter().flat_map(|(source, meaning)| source.rules(meaning)));
    let policy = SourcePolicy { version: VERSION, rules: rules.collect() };
    let mut text = serde_json::to_string_pretty(&policy).expect("texts and lists are JSON");
    text.push('\n');
    Ok(text)
}

/// Something that builds read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    /// An image, by its reference.
    Image(String),
    /// An address of the web.
    Web(String),
    /// A git repository as BuildKit names it, and a name in it.
    Git { base: String, name: String },
}

/// What each source means, and the key that said so.
#[derive(Default)]
struct Meanings(BTreeMap<Source, (String, Key)>);

impl Meanings {
    fn add(&mut self, key: &Key, entry: &Entry) -> Result<(), String> {
        let Some((source, meaning)) = meaning(key, entry)? else { return Ok(()) };
        match self.0.get(&source) {
            Some((known, by)) if *known != meaning => Err(format!(
                "it means {meaning}, but by {by} it is {known}, and a policy knows no platforms: run `plimsoll lock`, \
                 which finds the digest for all of them, or export a lock of one platform"
            )),
            Some(_) => Ok(()),
            None => {
                self.0.insert(source, (meaning, key.clone()));
                Ok(())
            }
        }
    }
}

/// What an entry says of a source; nothing for one that builds do not read.
fn meaning(key: &Key, entry: &Entry) -> Result<Option<(Source, String)>, String> {
    let arguments = key.arguments();
    let text = || entry.text().ok_or("its value is no text");
    match (key.module.as_str(), key.function.as_str(), arguments.as_slice()) {
        ("oci", "resolve", _) => {
            let pin = pin(key, entry)?;
            Ok(pin.map(|pin| (Source::Image(pin.reference.canonical()), pin.digest)))
        }
        ("http", "digest", [_, _, _, ..]) => {
            Err("its address has a query, which stands in the Dockerfile only: export where that is".to_owned())
        }
        ("http", "digest", [address, ..]) => {
            let digest = text()?;
            if !is_digest(digest) {
                return Err(format!("{digest} is no digest such as sha256:…, with 64 digits"));
            }
            Ok(Some((Source::Web(address.clone()), digest.to_owned())))
        }
        ("git", "resolve", [remote, rest @ ..]) => {
            let commit = text()?;
            if !is_commit(commit) {
                return Err(format!("{commit} is no commit of 40 or 64 digits"));
            }
            let name = rest.first().map_or(HEAD, String::as_str);
            if name.contains('*') {
                return Err(format!("{name} is no name of a commit"));
            }
            Ok(Some((Source::Git { base: git_base(remote)?, name: name.to_owned() }, commit.to_owned())))
        }
        ("http", "digest", _) | ("git", "resolve", _) => Err("it has no arguments".to_owned()),
        _ => Ok(None),
    }
}

impl Source {
    /// The rules that make it what it means, and allow that.
    fn rules(self, (meaning, _): (String, Key)) -> Vec<Rule> {
        match self {
            Self::Image(reference) => image_rules(&reference, &meaning),
            Self::Web(address) => web_rules(address, meaning),
            Self::Git { base, name } => git_rules(&base, &name, &meaning),
        }
    }
}

/// A digest alone means the same as behind any tag, so that is allowed too.
fn image_rules(reference: &str, digest: &str) -> Vec<Rule> {
    let pinned = reference.contains('@');
    let tagged = if pinned { reference.to_owned() } else { format!("{reference}@{digest}") };
    let mut rules = Vec::new();
    if !pinned {
        rules.push(Rule::convert(image(reference), Update::to(image(&tagged))));
    }
    rules.push(Rule::new(ALLOW, image(&tagged), EXACT));
    let untagged = plimsoll_dockerfile::Reference::parse(reference);
    if let Ok(untagged) = untagged.map(|reference| without_digest(&reference).name())
        && !pinned
    {
        rules.push(Rule::new(ALLOW, image(&format!("{untagged}@{digest}")), EXACT));
    }
    rules
}

/// A checksum of the file's own must be the lock's: a conversion would take its place unseen.
fn web_rules(address: String, digest: String) -> Vec<Rule> {
    let checksum = |value: String| vec![Constraint { key: CHECKSUM, value, condition: EQUAL }];
    let update = Update { identifier: None, attrs: BTreeMap::from([(CHECKSUM, digest.clone())]) };
    let convert = Rule { updates: Some(update), ..Rule::new(CONVERT, address.clone(), EXACT) };
    let allow = Rule::new(ALLOW, pattern(&address), WILDCARD);
    vec![convert.only(checksum(String::new())), allow.only(checksum(digest))]
}

/// A pattern that an address fits. Where `*` stands in it others may fit too, and have to have its checksum.
fn pattern(address: &str) -> String {
    let mut pattern = address.to_owned();
    // BuildKit takes no two in a row.
    while pattern.contains("**") {
        pattern = pattern.replace("**", "*");
    }
    pattern
}

/// A folder in the repository may follow the name; `*` stands for it, and `${1}` in what it becomes.
fn git_rules(base: &str, name: &str, commit: &str) -> Vec<Rule> {
    let (whole, folder) = (format!("{base}#{commit}"), format!("{base}#{commit}:"));
    let format = |text: &str| text.replace('$', "$$");
    let mut rules = Vec::new();
    for written in if name == HEAD { vec!["", HEAD] } else { vec![name] } {
        let named = if written.is_empty() { base.to_owned() } else { format!("{base}#{written}") };
        rules.push(Rule::convert(named, Update::to(format(&whole))));
        rules.push(Rule::convert(format!("{base}#{written}:*"), Update::to(format!("{}${{1}}", format(&folder)))));
    }
    rules.extend([Rule::new(ALLOW, whole, EXACT), Rule::new(ALLOW, format!("{folder}*"), WILDCARD)]);
    rules
}

/// BuildKit's form, with the names that `buildctl` and Buildx read.
#[derive(Serialize)]
struct SourcePolicy {
    version: u32,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    action: &'static str,
    selector: Selector,
    #[serde(skip_serializing_if = "Option::is_none")]
    updates: Option<Update>,
}

#[derive(Serialize)]
struct Selector {
    identifier: String,
    match_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    constraints: Vec<Constraint>,
}

#[derive(Serialize)]
struct Constraint {
    key: &'static str,
    value: String,
    condition: &'static str,
}

#[derive(Serialize)]
struct Update {
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attrs: BTreeMap<&'static str, String>,
}

impl Rule {
    fn new(action: &'static str, identifier: String, match_type: &'static str) -> Self {
        Self { action, selector: Selector { identifier, match_type, constraints: Vec::new() }, updates: None }
    }

    /// What `EXACT` finds, BuildKit leaves as it is called.
    fn convert(identifier: String, update: Update) -> Self {
        Self { updates: Some(update), ..Self::new(CONVERT, identifier, WILDCARD) }
    }

    fn only(mut self, constraints: Vec<Constraint>) -> Self {
        self.selector.constraints = constraints;
        self
    }
}

impl Update {
    fn to(identifier: String) -> Self {
        Self { identifier: Some(identifier), attrs: BTreeMap::new() }
    }
}

/// The version of the form.
const VERSION: u32 = 1;
/// What no build reads unless the lock has it.
const DENIED: [&str; 4] = ["docker-image://*", "git://*", "http://*", "https://*"];

const ALLOW: &str = "ALLOW";
const CONVERT: &str = "CONVERT";
const DENY: &str = "DENY";
const EXACT: &str = "EXACT";
const WILDCARD: &str = "WILDCARD";
const EQUAL: &str = "EQUAL";

/// The attribute of an address of the web that BuildKit holds its content to.
const CHECKSUM: &str = "http.checksum";

#[cfg(test)]
mod tests;
