//! A lock as rules see it.

use serde_json::Value;

use super::pins::is_digest;
use super::{Entry, Key, Lock, Policy};
use crate::document::{LockEntry, LockView};
use plimsoll_dockerfile::{LineIndex, Span};

/// The entries that this program knows the meaning of, with their places in the text that the lock was read from.
/// Reports call it by a path.
pub fn view(path: &str, text: String, lock: &Lock) -> LockView {
    let (lines, index) = (Lock::lines(&text), LineIndex::new(text.as_bytes()));
    let span = |key: &Key| {
        let line = index.line_span(u32::try_from(*lines.get(key)?).ok()?)?;
        let length = line.of(text.as_bytes()).trim_ascii_end().len();
        Some(Span::new(line.start, line.start + u32::try_from(length).ok()?))
    };
    let entry = |(key, entry): (&Key, &Entry)| {
        let index_digest = entry.more("index").and_then(|index| index.as_str().map(str::to_owned));
        let value = match entry.value()? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        // What is no digest is believed nowhere.
        let content = index_digest.as_deref().unwrap_or(&value);
        if key.module == "oci" && matches!(&*key.function, "resolve" | "index") && !is_digest(content) {
            return None;
        }
        Some(LockEntry {
            span: span(key)?,
            module: key.module.clone(),
            function: key.function.clone(),
            arguments: key.arguments(),
            value,
            index_digest,
            is_pinned: entry.policy() == Some(Policy::Pin),
            is_unused: false,
        })
    };
    let entries = lock.iter().filter_map(entry).collect();
    LockView::new(path, text, entries)
}

/// The key of an entry.
pub fn key(entry: &LockEntry) -> Key {
    let arguments: Vec<&str> = entry.arguments.iter().map(String::as_str).collect();
    Key::new(&entry.module, &entry.function, &arguments)
}
