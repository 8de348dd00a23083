//! From configuration to what each plugin is told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_dockerfile::Position;
use serde_json::Value;
use thiserror::Error;

use super::{Ruleset, own};
use crate::config::{File, Files, SeverityOrOff, similar};
use crate::plugin::{OWN_PACK, OptionFault, Plugin, Settings};

/// What a configuration file says of rules, and does not hold up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", self.shown())]
pub struct Misconfigured {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, at least one, each with its place as far as that is known.
    pub faults: Vec<(Option<Position>, String)>,
}

impl Misconfigured {
    fn shown(&self) -> String {
        let path = self.path.display();
        let shown = |(place, what): &(Option<Position>, String)| match place {
            Some(Position { line, column }) => format!("{path}:{line}:{column}: {what}"),
            None => format!("{path}: {what}"),
        };
        self.faults.iter().map(shown).collect::<Vec<_>>().join("\n")
    }
}

impl Ruleset {
    /// What configuration files say of the plugins' rules. Of a rule that both name,
    /// all that counts is what the tree's says.
    ///
    /// # Errors
    /// When it speaks of a rule that a plugin does not have, or gives options
    /// that the rule does not take.
    pub fn new(plugins: &[Plugin], files: Files) -> Result<Self, Misconfigured> {
        let opt_in = plugins.iter().flat_map(|plugin| &plugin.rules).filter(|rule| rule.is_opt_in);
        let mut ruleset = Self {
            settings: plugins.iter().map(|plugin| Arc::new(default_rules(plugin))).collect(),
            opt_in: opt_in.map(|rule| rule.name.clone()).collect(),
            own: own::rules().iter().filter(|rule| !rule.is_opt_in).map(|rule| &*rule.name).collect(),
            ..Self::default()
        };
        let tables = files.user.into_iter().chain(files.tree);
        let tables = tables.flat_map(|file| file.rules.iter().map(move |(name, table)| (name, (file, table))));
        for (name, (file, table)) in tables.collect::<BTreeMap<_, _>>() {
            let complain = |rule: &str, what: String| {
                let place = file.position(["rules", rule].into_iter());
                Misconfigured { path: file.path.clone(), faults: vec![(place, format!("[rules.\"{rule}\"]: {what}"))] }
            };
            let Some((pack, _)) = name.split_once('/') else {
                return Err(complain(name, format!("a rule is named with its pack{}", nearest(plugins, name))));
            };
            if pack == OWN_PACK {
                ruleset
                    .configure_own(name, table.severity, table.options.is_some())
                    .map_err(|what| complain(name, what))?;
                continue;
            }
            let Some(plugin) = plugins.iter().position(|plugin| plugin.name == pack) else {
                // A plugin that this run does not load, unless it reads like one that it does.
                match plimsoll_dockerfile::suggest::nearest(pack, plugins.iter().map(|plugin| plugin.name.as_str())) {
                    Some(other) => {
                        return Err(complain(name, format!("there is no pack {pack}; did you mean {other}?")));
                    }
                    None => continue,
                }
            };
            let Some(rule) = plugins[plugin].names.iter().position(|known| **known == **name) else {
                return Err(complain(name, format!("there is no such rule{}", nearest(plugins, name))));
            };
            let index = u32::try_from(rule).expect("the number of rules is bounded");
            let settings = Arc::make_mut(&mut ruleset.settings[plugin]);
            match table.severity {
                Some(SeverityOrOff::Off) => settings.enabled.retain(|enabled| *enabled != index),
                Some(severity) => ruleset
                    .severities
                    .extend(severity.severity().map(|severity| (settings.rules[rule].clone(), severity))),
                None => {}
            }
            // Whoever gives a rule a severity or options wants it.
            if plugins[plugin].rules[rule].is_opt_in && table.severity != Some(SeverityOrOff::Off) {
                let place = settings.enabled.partition_point(|enabled| *enabled < index);
                settings.enabled.insert(place, index);
                ruleset.opted_in.insert(settings.rules[rule].clone());
            }
            if let Some(options) = &table.options {
                let options = json(options);
                plugins[plugin].validate_options(index, &options).map_err(|faults| refusal(file, name, &faults))?;
                settings.options.push((index, options.to_string()));
            }
        }
        ruleset.of_lock =
            ruleset.settings.iter().zip(plugins).map(|(settings, plugin)| about_lock(settings, plugin)).collect();
        for (settings, plugin) in ruleset.settings.iter_mut().zip(plugins).filter(|(_, plugin)| looks_at_lock(plugin)) {
            Arc::make_mut(settings).enabled.retain(|rule| !plugin.rules[*rule as usize].is_about_lock);
        }
        Ok(ruleset)
    }
}

impl Ruleset {
    /// Has one of the host's own rules on, if it is one.
    pub fn turn_on(&mut self, name: &str) {
        self.own.extend(own::rules().iter().map(|rule| &*rule.name).find(|known| *known == name));
    }

    fn configure_own(&mut self, name: &str, severity: Option<SeverityOrOff>, has_options: bool) -> Result<(), String> {
        let Some(rule) = own::rules().iter().find(|rule| *rule.name == *name) else {
            let hint = similar(name, own::names()).map_or(String::new(), |name| format!("; did you mean {name}?"));
            return Err(format!("there is no such rule{hint}"));
        };
        if has_options {
            return Err("options: it takes none".to_owned());
        }
        match severity.map(SeverityOrOff::severity) {
            Some(None) => {
                self.own.remove(name);
            }
            Some(Some(severity)) => {
                self.severities.insert(rule.name.clone(), severity);
                self.own.insert(&rule.name);
            }
            None => {
                self.own.insert(&rule.name);
            }
        }
        Ok(())
    }
}

/// All rules but those that run only where they are asked for.
fn default_rules(plugin: &Plugin) -> Settings {
    let enabled = (0..).zip(&plugin.rules).filter(|(_, rule)| !rule.is_opt_in).map(|(index, _)| index).collect();
    Settings { rules: plugin.names.clone(), enabled, options: Vec::new() }
}

fn looks_at_lock(plugin: &Plugin) -> bool {
    plugin.rules.iter().any(|rule| rule.is_about_lock)
}

/// The rules about the lock alone.
fn about_lock(settings: &Settings, plugin: &Plugin) -> Arc<Settings> {
    let enabled = settings.enabled.iter().filter(|rule| plugin.rules[**rule as usize].is_about_lock).copied().collect();
    Arc::new(Settings { enabled, ..settings.clone() })
}

/// Options as rules read them. What JSON has no form for is text.
fn json(table: &toml::Table) -> Value {
    fn value(option: &toml::Value) -> Value {
        match option {
            toml::Value::String(text) => text.as_str().into(),
            toml::Value::Integer(number) => (*number).into(),
            toml::Value::Float(number) => {
                serde_json::Number::from_f64(*number).map_or_else(|| number.to_string().into(), Value::Number)
            }
            toml::Value::Boolean(truth) => (*truth).into(),
            toml::Value::Datetime(time) => time.to_string().into(),
            toml::Value::Array(items) => items.iter().map(value).collect(),
            toml::Value::Table(table) => json(table),
        }
    }
    table.iter().map(|(key, item)| (key.clone(), value(item))).collect()
}

/// Options that do not hold up, each with its place.
fn refusal(file: &File, rule: &str, faults: &[OptionFault]) -> Misconfigured {
    let fault = |OptionFault { path, message }: &OptionFault| {
        let unescaped = |part: &str| part.replace("~1", "/").replace("~0", "~");
        let parts: Vec<String> = path.split('/').skip(1).map(unescaped).collect();
        let keys = ["rules", rule, "options"].into_iter().chain(parts.iter().map(String::as_str));
        let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
        (file.position(keys), format!("[rules.\"{rule}\"]: options: {at}{message}"))
    };
    Misconfigured { path: file.path.clone(), faults: faults.iter().map(fault).collect() }
}

fn nearest(plugins: &[Plugin], name: &str) -> String {
    let names = plugins.iter().flat_map(|plugin| plugin.names.iter()).map(|name| &**name).chain(own::names());
    let bare = |known: &str| known.split_once('/').is_some_and(|(_, rule)| rule == name);
    let found = names.clone().find(|known| bare(known)).or_else(|| similar(name, names));
    found.map_or(String::new(), |name| format!("; did you mean {name}?"))
}
