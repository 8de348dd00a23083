//! What an update of a plugin brings: the difference between what was agreed to and
//! what there is now.
//!
//! Input: two records, the rules of the new plugin and, where they are known, of the
//! old one, and the rules that somebody configured or selected. Output: what to show, and whether
//! it takes consent.

use std::collections::BTreeSet;
use std::fmt;

use super::Record;
use crate::config::{fits_rule, similar};

/// An update of one plugin.
#[derive(Debug)]
pub struct Change<'c> {
    /// What the lock says.
    pub old: &'c Record,
    /// What there is now.
    pub new: &'c Record,
    /// The full names of its rules before, where the old component is at hand.
    pub old_rules: Option<BTreeSet<String>>,
    /// The full names of its rules now.
    pub new_rules: BTreeSet<String>,
    /// What files name rules of it by, names or patterns, each with the file.
    pub in_use: BTreeSet<(String, String)>,
}

impl Change<'_> {
    /// The capabilities that it can ask for now and could not before.
    pub fn wider(&self) -> BTreeSet<&str> {
        self.new.capabilities.difference(&self.old.capabilities).map(String::as_str).collect()
    }

    /// What somebody wrote for rules that are gone, each with the file and what they may be called now.
    pub fn lost(&self) -> Vec<(&str, &str, Option<&str>)> {
        let names_any = |text: &str| self.new_rules.iter().any(|rule| fits_rule(text, rule));
        let gone = self.in_use.iter().filter(|(text, _)| !names_any(text));
        let called_now = |rule: &str| {
            let is_new = |name: &&String| self.old_rules.as_ref().is_none_or(|old| !old.contains(*name));
            similar(rule, self.new_rules.iter().filter(is_new).map(String::as_str))
        };
        gone.map(|(rule, file)| (rule.as_str(), file.as_str(), called_now(rule))).collect()
    }
}

impl fmt::Display for Change<'_> {
    /// One thing a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |capabilities: &BTreeSet<String>| match capabilities.is_empty() {
            true => "nothing".to_owned(),
            false => capabilities.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        let Record { content, component, contract, capabilities, options, .. } = self.new;
        writeln!(f, "  content      {} -> {content}", self.old.content)?;
        writeln!(f, "  component    {} -> {component}", self.old.component)?;
        if *contract != self.old.contract {
            writeln!(f, "  contract     {} -> {contract}", self.old.contract)?;
        }
        match *capabilities == self.old.capabilities {
            true => writeln!(f, "  can ask for  {}", listed(capabilities))?,
            false => writeln!(f, "  can ask for  {} -> {}", listed(&self.old.capabilities), listed(capabilities))?,
        }
        if let Some(old) = &self.old_rules {
            let new = self.new_rules.difference(old).map(|rule| format!("+{rule}"));
            let rules: Vec<String> =
                new.chain(old.difference(&self.new_rules).map(|rule| format!("-{rule}"))).collect();
            if !rules.is_empty() {
                writeln!(f, "  rules        {}", rules.join(" "))?;
            }
        }
        if *options != self.old.options {
            writeln!(f, "  options      its rules take others than before")?;
        }
        for (rule, file, now) in self.lost() {
            let now = now.map(|now| format!("; perhaps it is {now} now")).unwrap_or_default();
            writeln!(f, "  in use       {rule}, which {file} configures, is gone{now}")?;
        }
        for capability in self.wider() {
            writeln!(f, "  wider        it could not ask for {capability} before")?;
        }
        Ok(())
    }
}
