//! A plugin in the lock: what its source means, and what was agreed to.
//!
//! `["plugins","resolve",[SOURCE],{"value":CONTENT,"policy":"pin","component":DIGEST,
//! "contract":VERSION,"capabilities":[…],"options":DIGEST}]`. Invariant: what does not
//! have this form is no record; a lock of the linted tree is a stranger's, so that a
//! record is a claim until the component was looked into.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Described, Pulled};
use crate::config::{Digest, Source};
use crate::lock::{Entry, Key, Lock, Policy};
use crate::plugin::{Plugin, contract};

/// What a lock says of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What its source means: the digest of the manifest, or on the web of the component itself.
    pub content: Digest,
    /// The component's digest.
    pub component: Digest,
    /// The version of the contract that it is made for.
    pub contract: String,
    /// What it imports, and so the most it can ask for.
    pub capabilities: BTreeSet<String>,
    /// The SHA-256 of the schemas of its rules' options.
    pub options: Digest,
    /// When it may move.
    pub policy: Policy,
}

/// What a source is found by.
pub fn key(source: &Source) -> Key {
    Key::new("plugins", "resolve", &[&source.to_string()])
}

/// Whether what stands under a key is about a plugin.
pub fn is_key(key: &Key) -> bool {
    key.is_known() && key.module == "plugins"
}

/// All sources that a lock has records of.
pub fn sources(lock: &Lock) -> Vec<(Key, Source)> {
    let plugins = lock.iter().filter(|(key, _)| is_key(key));
    plugins.filter_map(|(key, _)| Some((key.clone(), key.arguments().first()?.parse().ok()?))).collect()
}

impl Record {
    /// That of a plugin that was pulled and looked into.
    pub fn of(pulled: &Pulled, plugin: &Plugin, policy: Policy) -> Self {
        let described = Described::of(&pulled.component);
        let with_options = plugin.rules.iter().filter(|rule| !rule.options_schema.is_empty());
        let mut schemas: Vec<_> = with_options.map(|rule| (&*rule.name, rule.options_schema.as_str())).collect();
        schemas.sort_unstable();
        // The plugin may be called otherwise elsewhere.
        let bare = |name: &str| name.split_once('/').map_or(name, |(_, rule)| rule).to_owned();
        let schemas: Vec<Value> =
            schemas.into_iter().map(|(name, schema)| Value::from(vec![bare(name), schema.to_owned()])).collect();
        Self {
            content: pulled.content.clone(),
            component: pulled.component.digest().clone(),
            contract: described.contract().unwrap_or(contract::VERSION).to_owned(),
            capabilities: plugin.capabilities.iter().map(|capability| (*capability).to_owned()).collect(),
            options: Digest::of(Value::from(schemas).to_string().as_bytes()),
            policy,
        }
    }

    /// What a lock says of a source.
    ///
    /// # Errors
    /// When what it says is no record.
    pub fn find(lock: &Lock, source: &Source) -> Result<Option<Self>, String> {
        let key = key(source);
        let Some(entry) = lock.get(&key) else { return Ok(None) };
        let record = Self::read(entry);
        record.map(Some).ok_or_else(|| {
            format!("what the lock says under {key} is no plugin's: take the line away, and run `plimsoll plugin add {source}`")
        })
    }

    fn read(entry: &Entry) -> Option<Self> {
        let text = |name: &str| entry.more(name)?.as_str().map(str::to_owned);
        let capabilities = entry.more("capabilities")?;
        let capabilities = capabilities.as_array()?.iter().map(|capability| capability.as_str().map(str::to_owned));
        Some(Self {
            content: entry.text()?.parse().ok()?,
            component: text("component")?.parse().ok()?,
            contract: text("contract")?,
            capabilities: capabilities.collect::<Option<_>>()?,
            options: text("options")?.parse().ok()?,
            policy: entry.policy()?,
        })
    }

    /// As a line of a lock has it.
    pub fn entry(&self) -> Entry {
        let capabilities: Vec<&str> = self.capabilities.iter().map(String::as_str).collect();
        Entry::new(self.content.as_str(), self.policy)
            .with("component", self.component.as_str())
            .with("contract", self.contract.as_str())
            .with("capabilities", capabilities)
            .with("options", self.options.as_str())
    }

    /// Puts it into a lock, in place of what that says of the source.
    pub fn write(&self, lock: &mut Lock, source: &Source) {
        let key = key(source);
        let entry = match lock.get(&key) {
            Some(old) => self.entry().over(old),
            None => self.entry(),
        };
        lock.set(key, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_lines_of_a_lock() {
        let source: Source = "oci://ghcr.io/acme/rules:1".parse().unwrap();
        let record = Record {
            content: Digest::of(b"manifest"),
            component: Digest::of(b"component"),
            contract: "0.1.0".to_owned(),
            capabilities: ["http", "registry"].map(str::to_owned).into(),
            options: Digest::of(b"options"),
            policy: Policy::Pin,
        };
        let mut lock = Lock::default();
        record.write(&mut lock, &source);
        let text = lock.text();
        assert!(
            text.contains("[\"plugins\",\"resolve\",[\"oci://ghcr.io/acme/rules:1\"],{\"value\":\"sha256:"),
            "{text}"
        );
        let read = |text: &str| Record::find(&Lock::parse(text).unwrap().lock, &source);
        assert_eq!(read(&text), Ok(Some(record.clone())));
        // What others wrote beside it stays, and what it said of itself goes.
        let other = text.replace("{\"value\"", "{\"signed\":true,\"value\"").replace("[\"http\",", "[\"git\",");
        let mut lock = Lock::parse(&other).unwrap().lock;
        record.write(&mut lock, &source);
        assert!(lock.text().contains("\"signed\":true") && !lock.text().contains("git"), "{}", lock.text());
        for (from, to) in
            [("\"component\":\"sha256:", "\"component\":\""), ("\"contract\"", "\"other\""), ("[\"http\",", "[1,")]
        {
            let text = text.replace(from, to);
            assert!(read(&text).is_err(), "{text}");
        }
        assert_eq!(sources(&Lock::parse(&text).unwrap().lock), [(key(&source), source.clone())]);
    }
}
