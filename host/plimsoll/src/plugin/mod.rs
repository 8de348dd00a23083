//! Plugins: components that hold rules.
//!
//! Input: bytes of components, from the bundle or from files the user named.
//! Output: what they describe, and through [`Runner`] what their rules find
//! and ask. Invariant: nothing a plugin does ends the run or reaches anything
//! but the call it was entered for.

mod allowance;
mod bundle;
pub mod call;
mod component;
pub mod contract;
mod cost;
mod described;
mod engine;
mod engine_config;
mod failure;
mod findings;
mod guest;
mod imports;
mod instance;
mod listings;
mod meter;
mod older;
mod options;
mod overtime;
mod questions;
mod runner;
mod store;
mod wasi;

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::InstancePre;

use crate::config::Grants;
use crate::finding::Severity;
use crate::limits::{FAILURE_BYTES_MAX, OPTION_FAULTS_MAX, RULE_LINE_BYTES_MAX, RULE_PAGE_BYTES_MAX, RULES_MAX};
pub use allowance::Limits;
use bundle::BUNDLE;
pub use call::{Answered, Call, Phase, Planned, Settings, Subject};
pub use component::Component;
pub use described::{DescribedOption, described_options};
pub use engine::Host;
pub use failure::{Failure, FailureKind, Misuse};
use guest::Guest;
use instance::Wasm;
pub use instance::{Code, Instance};
pub use meter::Meter;
pub use options::OptionFault;
pub use runner::{Draft, Judgement, Log, Runner};
pub use store::{Store, Stored};

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
    /// The version of the contract that it is built for.
    pub contract: &'static str,
    /// The capabilities it imports: the most it can ask for.
    pub capabilities: Vec<&'static str>,
    /// The interfaces of WASI it imports, of which it gets nothing.
    pub wasi: Vec<String>,
    /// What it may use up.
    pub limits: Limits,
    /// What it may ask for of that.
    pub grants: Grants,
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
    /// Whether it looks at the lock, not at Dockerfiles.
    pub is_about_lock: bool,
}

impl Rule {
    /// Its page for people; the cases in it are for tests.
    pub fn page(&self) -> &str {
        self.documentation.split("\n## Cases").next().unwrap_or_default().trim_end()
    }

    /// Its severity where nobody says more: one that runs only where it is asked for is off until then.
    pub fn shown_severity(&self) -> &'static str {
        if self.is_opt_in { "off" } else { self.severity.name() }
    }
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
    /// Whether its rules may ask for tools.
    pub fn needs_tools(&self) -> bool {
        self.capabilities.contains(&"console")
    }

    /// Packs that need tools are for who lets them run; others are not told at every file that they did not.
    pub fn wait_for_tools(plugins: &mut [Self]) {
        for rule in plugins.iter_mut().filter(|plugin| plugin.needs_tools()).flat_map(|plugin| &mut plugin.rules) {
            rule.is_opt_in = true;
        }
    }

    /// The packs of the bundle.
    ///
    /// # Errors
    /// When one does not load, which the tests exclude.
    pub fn bundled(host: &Arc<Host>) -> Result<Vec<Self>, Unusable> {
        Self::bundled_if(host, |_| true)
    }

    /// The names of the packs of the bundle.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        BUNDLE.iter().map(|pack| pack.name)
    }

    /// Those packs of the bundle that are wanted.
    ///
    /// # Errors
    /// As [`Plugin::bundled`].
    pub fn bundled_if(host: &Arc<Host>, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<Self>, Unusable> {
        BUNDLE
            .iter()
            .filter(|pack| is_wanted(pack.name))
            .map(|pack| {
                let loaded = host.load(pack.native, pack.compatibility, pack.component);
                Self::new(host, pack.name, loaded, Limits::default())
            })
            .collect()
    }

    /// A component of others, under a name. Nothing is granted to it yet.
    ///
    /// # Errors
    /// When the name is none that a plugin can have, or the component cannot be used.
    pub fn load(host: &Arc<Host>, name: &str, component: &Component, limits: Limits) -> Result<Self, Unusable> {
        check_name(name).map_err(|message| Unusable { name: name.to_owned(), message })?;
        let plugin = Self::new(host, name, host.compile(component), limits)?;
        Ok(Self { grants: Grants::default(), ..plugin })
    }

    /// The same, where this is granted.
    pub fn granted(self, grants: Grants) -> Self {
        Self { grants, ..self }
    }

    /// A plugin of any code, such as rules built natively. Everything is granted to it.
    ///
    /// # Errors
    /// When it does not describe itself as the contract asks.
    pub fn from_code(name: &str, code: Box<dyn Code>) -> Result<Self, Unusable> {
        let unusable = |message| Unusable { name: name.to_owned(), message };
        let limits = code.limits();
        let description = code
            .instantiate(Instant::now() + limits.call_time)
            .and_then(|mut instance| instance.describe())
            .map_err(|failure| unusable(format!("it does not describe itself: {failure}")))?;
        let rules = describe(name, description.rules).map_err(unusable)?;
        let names = rules.iter().map(|rule| rule.name.clone()).collect();
        let (contract, capabilities, wasi) = (code.contract(), code.capabilities(), code.wasi());
        let (name, version) = (name.to_owned(), description.version);
        Ok(Self {
            name,
            version,
            contract,
            rules,
            names,
            capabilities,
            wasi,
            grants: Grants::everything(),
            limits,
            code,
        })
    }

    /// What is wrong with the schema of a rule's options itself.
    pub fn schema_fault(&self, rule: usize) -> Option<String> {
        let schema = &self.rules[rule].options_schema;
        if schema.is_empty() { None } else { options::schema_fault(schema) }
    }

    /// Holds a rule's options, a JSON object, against its schema, then asks the plugin.
    ///
    /// # Errors
    /// What does not hold up.
    pub fn validate_options(&self, rule: u32, options: &serde_json::Value) -> Result<(), Vec<OptionFault>> {
        let schema = &self.rules[rule as usize].options_schema;
        let mut faults = if schema.is_empty() { Vec::new() } else { options::check(schema, options) };
        if faults.is_empty() {
            let instance = self.code.instantiate(Instant::now() + self.limits.call_time);
            let errors = instance.and_then(|mut instance| instance.validate_options(rule, &options.to_string()));
            let fault = |error: contract::OptionError| OptionFault { path: error.path, message: error.message };
            faults = match errors {
                Ok(errors) => errors.into_iter().take(OPTION_FAULTS_MAX).map(fault).collect(),
                Err(failure) => vec![OptionFault { path: String::new(), message: failure.message }],
            };
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn new(
        host: &Arc<Host>,
        name: &str,
        loaded: wasmtime::Result<InstancePre<Guest>>,
        limits: Limits,
    ) -> Result<Self, Unusable> {
        let code = loaded
            .and_then(|pre| Wasm::new(host.clone(), pre, limits))
            .map_err(|error| Unusable { name: name.to_owned(), message: format!("{error:#}") })?;
        Self::from_code(name, Box::new(code))
    }
}

/// The pack of the host's own rules, which are about what is said to it.
pub const OWN_PACK: &str = "plimsoll";

/// Whether a plugin of others can have this name.
///
/// # Errors
/// Why it cannot.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        return Err(format!("{name:?} is no name of a plugin: letters, digits, - and _"));
    }
    match name == OWN_PACK || BUNDLE.iter().any(|pack| pack.name == name) {
        true => Err(format!("the name {name} is taken by a bundled pack")),
        false => Ok(()),
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
        check_lengths(&rule)?;
        described.push(Rule {
            name,
            summary: rule.summary,
            severity: rule.severity.into(),
            url: rule.url,
            documentation: rule.documentation,
            options_schema: rule.options_schema,
            is_fixable: rule.fixable,
            is_opt_in: rule.opt_in,
            is_about_lock: matches!(rule.about, contract::About::Lock),
        });
    }
    Ok(described)
}

/// Everything a rule says of itself is kept for the whole run.
fn check_lengths(rule: &contract::types::Rule) -> Result<(), String> {
    let texts = [
        ("a name", rule.name.len(), RULE_LINE_BYTES_MAX),
        ("a summary", rule.summary.len(), RULE_LINE_BYTES_MAX),
        ("an address", rule.url.as_ref().map_or(0, String::len), RULE_LINE_BYTES_MAX),
        ("a documentation", rule.documentation.len(), RULE_PAGE_BYTES_MAX),
        ("an options schema", rule.options_schema.len(), RULE_PAGE_BYTES_MAX),
    ];
    match texts.into_iter().find(|(_, bytes, limit)| bytes > limit) {
        None => Ok(()),
        Some((what, bytes, limit)) => {
            let name = failure::bounded(rule.name.clone(), FAILURE_BYTES_MAX);
            Err(format!("its rule {name} has {what} of {bytes} bytes; {limit} are allowed"))
        }
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
