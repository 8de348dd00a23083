//! Plugins: components that hold rules.
//!
//! Input: bytes of components, from the bundle or from files the user named.
//! Output: what they describe, and through [`Runner`] what their rules find
//! and ask. Invariant: nothing a plugin does ends the run or reaches anything
//! but the call it was entered for.

mod bundle;
pub mod call;
pub mod contract;
mod engine;
mod engine_config;
mod failure;
mod findings;
mod imports;
mod instance;
mod listings;
mod questions;
mod runner;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use wasmtime::component::InstancePre;

use crate::finding::Severity;
use crate::limits::{COMPONENT_BYTES_MAX, FAILURE_BYTES_MAX, RULES_MAX};
use bundle::BUNDLE;
pub use call::{Answered, Call, Phase, Planned, Settings, Subject};
pub use engine::Host;
pub use failure::{Failure, FailureKind, Misuse};
pub use instance::{Code, Instance};
use instance::{Guest, Wasm};
pub use runner::{Draft, Judgement, Log, Runner};

/// A plugin that can be run.
pub struct Plugin {
    /// The prefix of its rules: its name in the bundle, the configuration or on
    /// the command line.
    pub name: String,
    /// The version it gives itself.
    pub version: String,
    /// Its rules; positions are rule indexes.
    pub rules: Vec<Rule>,
    /// The full names of its rules.
    pub names: Arc<[Arc<str>]>,
    /// The capabilities it imports: the most it can ask for.
    pub capabilities: Vec<&'static str>,
    code: Box<dyn Code>,
}

/// A rule as its plugin describes it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The full name, such as `buildkit/StageNameCasing`.
    pub name: Arc<str>,
    /// One line on what it asks.
    pub summary: String,
    /// The severity of its findings where nothing else is said.
    pub severity: Severity,
    /// The page that explains it, on the web.
    pub url: Option<String>,
    /// The page that explains it, as Markdown.
    pub documentation: String,
    /// JSON Schema of its options; empty when it takes none.
    pub options_schema: String,
    /// Whether its findings may carry fixes.
    pub is_fixable: bool,
    /// Whether it runs only where it is asked for.
    pub is_opt_in: bool,
}

/// A plugin that cannot be used.
#[derive(Debug, Clone)]
pub struct Unusable {
    /// Its name.
    pub name: String,
    /// Why.
    pub message: String,
}

impl Plugin {
    /// The packs of the bundle.
    ///
    /// # Errors
    /// When one does not load, which the tests exclude.
    pub fn bundled(host: &Arc<Host>) -> Result<Vec<Self>, Unusable> {
        BUNDLE
            .iter()
            .map(|pack| Self::new(host, pack.name, host.load(pack.native, pack.compatibility, pack.component)))
            .collect()
    }

    /// The component in a file, under a name.
    ///
    /// # Errors
    /// When the file cannot be read or holds no usable component.
    pub fn from_file(host: &Arc<Host>, name: &str, path: &Path) -> Result<Self, Unusable> {
        let unusable = |message| Unusable { name: name.to_owned(), message };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            return Err(unusable("a plugin's name has letters, digits, - and _: write --plugin NAME=FILE".to_owned()));
        }
        if BUNDLE.iter().any(|pack| pack.name == name) {
            return Err(unusable(format!(
                "the name {name} is taken by a bundled pack: write --plugin NAME=FILE with another"
            )));
        }
        let bytes = read_component(path).map_err(|error| unusable(format!("{}: {error}", path.display())))?;
        check_header(&bytes).map_err(|error| unusable(format!("{}: {error}", path.display())))?;
        Self::new(host, name, host.compile(&bytes))
            .map_err(|Unusable { name, message }| Unusable { name, message: format!("{}: {message}", path.display()) })
    }

    /// A plugin of any code, such as rules built natively.
    ///
    /// # Errors
    /// When it does not describe itself as the contract asks.
    pub fn from_code(name: &str, code: Box<dyn Code>) -> Result<Self, Unusable> {
        let unusable = |message| Unusable { name: name.to_owned(), message };
        let description = code
            .instantiate()
            .and_then(|mut instance| instance.describe())
            .map_err(|failure| unusable(format!("it does not describe itself: {failure}")))?;
        let rules = describe(name, description.rules).map_err(unusable)?;
        let names = rules.iter().map(|rule| rule.name.clone()).collect();
        let capabilities = code.capabilities();
        Ok(Self { name: name.to_owned(), version: description.version, rules, names, capabilities, code })
    }

    /// Asks the plugin whether a rule's options, a JSON object, hold up.
    ///
    /// # Errors
    /// What does not, for people.
    pub fn validate_options(&self, rule: u32, options: &str) -> Result<(), String> {
        let instance = self.code.instantiate();
        let errors = instance.and_then(|mut instance| instance.validate_options(rule, options));
        let errors = errors.map_err(|failure| failure.message)?;
        let lines = errors.iter().map(|error| match error.path.as_str() {
            "" => error.message.clone(),
            path => format!("{path}: {}", error.message),
        });
        if errors.is_empty() { Ok(()) } else { Err(lines.collect::<Vec<_>>().join("; ")) }
    }

    fn new(host: &Arc<Host>, name: &str, loaded: wasmtime::Result<InstancePre<Guest>>) -> Result<Self, Unusable> {
        let code = loaded
            .and_then(|pre| Wasm::new(host.clone(), pre))
            .map_err(|error| Unusable { name: name.to_owned(), message: format!("{error:#}") })?;
        Self::from_code(name, Box::new(code))
    }
}

/// Takes a plugin's word for its rules, as far as the names hold up.
fn describe(plugin: &str, rules: Vec<contract::types::Rule>) -> Result<Vec<Rule>, String> {
    if rules.len() > RULES_MAX {
        return Err(format!("it describes {} rules; {RULES_MAX} are allowed", rules.len()));
    }
    let mut described: Vec<Rule> = Vec::with_capacity(rules.len());
    for rule in rules {
        if rule.name.is_empty() || !rule.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            let name = failure::bounded(rule.name, FAILURE_BYTES_MAX);
            return Err(format!("its rule name {name:?} has other characters than letters, digits and -"));
        }
        let name: Arc<str> = format!("{plugin}/{}", rule.name).into();
        if described.iter().any(|other| other.name == name) {
            return Err(format!("it describes the rule {} twice", rule.name));
        }
        described.push(Rule {
            name,
            summary: rule.summary,
            severity: rule.severity.into(),
            url: rule.url,
            documentation: rule.documentation,
            options_schema: rule.options_schema,
            is_fixable: rule.fixable,
            is_opt_in: rule.opt_in,
        });
    }
    Ok(described)
}

fn read_component(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(COMPONENT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > COMPONENT_BYTES_MAX {
        return Err(std::io::Error::other(format!(
            "it is larger than the {} MiB a component may have",
            COMPONENT_BYTES_MAX >> 20
        )));
    }
    Ok(bytes)
}

/// Tells a component from what else people have at hand.
fn check_header(bytes: &[u8]) -> Result<(), &'static str> {
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {
            Err("it is a core module, not a component; `wasm-tools component new` makes one of it")
        }
        Some([0, b'a', b's', b'm', ..]) => Err("it is WebAssembly, but no component of a version known here"),
        _ => Err("it is no WebAssembly component"),
    }
}

impl From<contract::Severity> for Severity {
    fn from(severity: contract::Severity) -> Self {
        match severity {
            contract::Severity::Error => Self::Error,
            contract::Severity::Warning => Self::Warning,
            contract::Severity::Info => Self::Info,
            contract::Severity::Style => Self::Style,
        }
    }
}
