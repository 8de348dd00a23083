//! From configuration to what each plugin is told.

use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_dockerfile::Position;
use thiserror::Error;

use super::selection::{Decision, Reason, decide};
use super::suppress::{is_code, rule_of_hadolint};
use super::{Ruleset, own};
use crate::config::{File, FileOrigin, Files, Whose, fits, similar, to_json};
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
    /// One fault at the place that these keys lead to; of a flag, the flag.
    pub(super) fn of<'k>(file: &File, keys: impl Iterator<Item = &'k str>, key: &str, why: String) -> Self {
        let path = match file.origin {
            FileOrigin::Flags => PathBuf::from(format!("--{key}")),
            _ => file.path.clone(),
        };
        let shown = if file.origin == FileOrigin::Flags { why } else { format!("{key}: {why}") };
        Self { path, faults: vec![(file.position(keys), shown)] }
    }

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
    /// What configuration files say of the plugins' rules: of each rule, severity and options as the nearest file
    /// says that says any.
    ///
    /// # Errors
    /// When it speaks of a rule that a plugin does not have, or gives options
    /// that the rule does not take.
    pub fn new(plugins: &[Plugin], files: Files) -> Result<Self, Misconfigured> {
        Self::of_file(plugins, files, &[], &[])
    }

    /// The same for a file of which `per-file-ignores` say `ignored`, each with the place of the file of configuration
    /// among [`Files::layers`], where these packs are not loaded. A pack that is neither loaded nor among them, there is
    /// not.
    ///
    /// # Errors
    /// As [`Ruleset::new`].
    pub fn of_file(
        plugins: &[Plugin],
        files: Files,
        ignored: &[(usize, &str)],
        absent: &[String],
    ) -> Result<Self, Misconfigured> {
        for (whose, file) in files.layers() {
            let is_own = is_own(whose, file);
            file.rules.keys().try_for_each(|name| check_name(plugins, file, is_own, name, absent))?;
        }
        let mut ruleset = Self { decisions: decide(plugins, files, ignored, absent)?, ..Self::default() };
        for (plugin, decisions) in plugins.iter().zip(&ruleset.decisions) {
            let mut settings = Settings { rules: plugin.names.clone(), enabled: Vec::new(), options: Vec::new() };
            for ((index, rule), decision) in (0..).zip(&plugin.rules).zip(decisions) {
                if rule.is_opt_in {
                    ruleset.opt_in.insert(rule.name.clone());
                }
                if !decision.runs {
                    if decision.is_left_out() {
                        ruleset.switched_off.insert(rule.name.clone());
                    }
                    continue;
                }
                settings.enabled.push(index);
                if rule.is_opt_in {
                    ruleset.opted_in.insert(rule.name.clone());
                }
            }
            for (index, rule) in (0..).zip(&plugin.rules) {
                let severity = files.of_rule(&rule.name, |table| table.severity?.severity());
                ruleset.severities.extend(severity.map(|(_, severity)| (rule.name.clone(), severity)));
                // A rule that does not run need not be asked what it makes of them.
                let runs = decisions[index as usize].runs || !ruleset.switched_off.contains(&rule.name);
                let options = files.of_rule(&rule.name, |table| table.options.as_ref());
                if let Some((file, options)) = options.filter(|_| runs) {
                    let options = to_json(&options.clone().into());
                    let refused = plugin.validate_options(index, &options);
                    refused.map_err(|faults| refusal(file, &rule.name, &faults))?;
                    settings.options.push((index, options.to_string()));
                }
            }
            ruleset.settings.push(Arc::new(settings));
        }
        ruleset.settle_own(files)?;
        ruleset.of_lock =
            ruleset.settings.iter().zip(plugins).map(|(settings, plugin)| about_lock(settings, plugin)).collect();
        for (settings, plugin) in ruleset.settings.iter_mut().zip(plugins).filter(|(_, plugin)| looks_at_lock(plugin)) {
            Arc::make_mut(settings).enabled.retain(|rule| !plugin.rules[*rule as usize].is_about_lock);
        }
        Ok(ruleset)
    }
}

impl Ruleset {
    /// Has one of the program's own rules on by a setting of its own, unless somebody switched it off.
    pub fn turn_on(&mut self, name: &'static str) {
        if self.switched_off.contains(name) || !self.own.insert(name) {
            return;
        }
        let decisions = self.decisions.last_mut().into_iter().flatten();
        let of_name = own::rules().iter().zip(decisions).find(|(rule, _)| *rule.name == *name);
        of_name.into_iter().for_each(|(_, decision)| *decision = Decision { runs: true, reason: Reason::Setting });
    }

    /// What is said of the program's own rules.
    fn settle_own(&mut self, files: Files) -> Result<(), Misconfigured> {
        let decisions = self.decisions.last().into_iter().flatten();
        for (rule, decision) in own::rules().iter().zip(decisions) {
            if decision.runs {
                self.own.insert(&rule.name);
            } else if decision.is_off() {
                self.switched_off.insert(rule.name.clone());
            }
            let severity = files.of_rule(&rule.name, |table| table.severity?.severity());
            self.severities.extend(severity.map(|(_, severity)| (rule.name.clone(), severity)));
            if let Some((file, _)) = files.of_rule(&rule.name, |table| table.options.as_ref()) {
                let none = OptionFault { path: String::new(), message: "it takes none".to_owned() };
                return Err(refusal(file, &rule.name, &[none]));
            }
        }
        Ok(())
    }
}

/// Whether it is the user's own file, which may speak of packs that only some trees have.
pub(super) fn is_own(whose: Whose, file: &File) -> bool {
    whose == Whose::User && file.origin == FileOrigin::Found
}

/// Refuses a table of a rule that is none.
fn check_name(
    plugins: &[Plugin],
    file: &File,
    is_own: bool,
    name: &str,
    absent: &[String],
) -> Result<(), Misconfigured> {
    let complain = |why: String| {
        let fault = (file.key_position(["rules", name].into_iter()), format!("[rules.\"{name}\"]: {why}"));
        Err(Misconfigured { path: file.path.clone(), faults: vec![fault] })
    };
    let Some((pack, _)) = name.split_once('/') else {
        return complain(format!("a rule is named with its pack{}", nearest(plugins, name)));
    };
    if pack == OWN_PACK {
        return match own::names().any(|known| known == name) {
            true => Ok(()),
            false => complain(format!("there is no such rule{}", near(name, own::names()))),
        };
    }
    let Some(plugin) = plugins.iter().find(|plugin| plugin.name == pack) else {
        if absent.iter().any(|absent| fits(absent, pack)) {
            return Ok(());
        }
        let packs = || plugins.iter().map(|plugin| plugin.name.as_str()).chain([OWN_PACK]);
        let packs = || packs().chain(absent.iter().map(String::as_str).filter(|name| !name.contains('*')));
        let near = plimsoll_dockerfile::suggest::nearest(pack, packs()).map(|near| format!("did you mean {near}?"));
        if near.is_none() && is_own {
            return Ok(());
        }
        let same = || rule_of_hadolint(name).map(|rule| format!("did you mean {rule}?"));
        let hint = near.or_else(same).unwrap_or_else(|| no_pack_hint(packs()));
        return complain(format!("there is no pack {pack}; {hint}"));
    };
    match plugin.names.iter().any(|known| **known == *name) {
        true => Ok(()),
        false => complain(format!("there is no such rule{}", nearest(plugins, name))),
    }
}

fn looks_at_lock(plugin: &Plugin) -> bool {
    plugin.rules.iter().any(|rule| rule.is_about_lock)
}

/// The rules about the lock alone.
fn about_lock(settings: &Settings, plugin: &Plugin) -> Arc<Settings> {
    let enabled = settings.enabled.iter().filter(|rule| plugin.rules[**rule as usize].is_about_lock).copied().collect();
    Arc::new(Settings { enabled, ..settings.clone() })
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

/// What there is where no pack has a name that is meant.
pub(super) fn no_pack_hint<'n>(packs: impl Iterator<Item = &'n str>) -> String {
    let packs: Vec<&str> = packs.collect();
    format!("there are {}, and those that [plugins] or --plugin name", packs.join(", "))
}

fn nearest(plugins: &[Plugin], name: &str) -> String {
    let names = plugins.iter().flat_map(|plugin| plugin.names.iter()).map(|name| &**name).chain(own::names());
    match rule_of_hadolint(name).or_else(|| similar_rule(name, names)) {
        Some(found) => format!("; did you mean {found}?"),
        None => hint_of_code(name).map_or(String::new(), |hint| format!("; {hint}")),
    }
}

fn near<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> String {
    similar(name, names).map_or(String::new(), |name| format!("; did you mean {name}?"))
}

/// The rule whose name is nearest to one that is mistyped, with or without its pack.
pub(super) fn similar_rule<'n>(name: &str, rules: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    if name.contains('/') {
        return similar(name, rules);
    }
    let named: Vec<(&str, &str)> = rules.filter_map(|rule| Some((rule.split_once('/')?.1, rule))).collect();
    let found = similar(name, named.iter().map(|(bare, _)| *bare))?;
    named.iter().find(|(bare, _)| *bare == found).map(|(_, rule)| *rule)
}

/// What to do about a code of ShellCheck where a rule should be.
pub(super) fn hint_of_code(text: &str) -> Option<String> {
    let code = text.rsplit_once('/').map_or(text, |(_, bare)| bare).to_ascii_uppercase();
    is_code(&code).then(|| format!("{code} is a code of rule shellcheck/script, whose option exclude leaves codes out"))
}
