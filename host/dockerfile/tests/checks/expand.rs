//! The expansion of any word: references are in the word, in order and nested, and the value is bounded.
//!
//! A seed is text: on the first line the escape character, then `NAME=value` lines, an empty line,
//! and the word.

use std::borrow::Cow;
use std::collections::BTreeMap;

use plimsoll_dockerfile::expand::{Expansion, VariableReference, expand_words};
use plimsoll_dockerfile::limits::{EXPANSION_BYTES_MAX, EXPANSION_WORK_MAX};
use plimsoll_dockerfile::{Env, expand};

/// Expands the word in the bytes and checks what became of it.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (head, word) = text.split_once("\n\n").unwrap_or(("", &text));
    let mut lines = head.lines();
    let escape = if lines.next().is_some_and(|line| line.starts_with('`')) { '`' } else { '\\' };
    let env: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();

    let expansion = expand(word, escape, &env);
    references(word, &env, &expansion.references);
    value(word, escape, &expansion);
    let unset = expansion.unset(word);
    assert!(unset.iter().all(|name| Env::get(&env, name).is_none()), "{unset:?}");

    match expand_words(word, escape, &env) {
        Ok(words) => {
            let bytes: usize = words.iter().map(String::len).sum();
            assert!(words.iter().all(|word| !word.is_empty()), "{words:?}");
            assert!(bytes <= word.len() + EXPANSION_WORK_MAX, "{bytes} bytes out of {}", word.len());
            // Splitting only drops blanks, unless there are nested words, at which BuildKit forgets what
            // stood before them.
            let nested = word.contains("${");
            if let Some(value) = expansion.value.as_ref().ok().filter(|_| !nested) {
                let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                assert_eq!(solid(&words.concat()), solid(value), "{word:?}");
            }
        }
        Err(error) if !error.limit => assert!(expansion.value.is_err(), "only one of both fails: {word:?}"),
        Err(_) => {}
    }
}

fn references(word: &str, env: &BTreeMap<String, String>, references: &[VariableReference]) {
    // The references that are still open, outermost first.
    let mut open: Vec<VariableReference> = Vec::new();
    for reference in references {
        let VariableReference { span, name, set, .. } = *reference;
        let text = word.get(span.range()).expect("a reference is a part of the word");
        assert!(text.starts_with('$'), "{text:?}");
        assert!(span.start < name.start && name.end <= span.end, "{reference:?}");
        assert_eq!(set, Env::get(env, reference.name(word)).is_some(), "{text:?}");
        while open.pop_if(|outer| outer.span.end <= span.start).is_some() {}
        let outer = open.last();
        assert!(
            outer.is_none_or(|outer| outer.name.end <= span.start && span.end <= outer.span.end),
            "{outer:?} {reference:?}"
        );
        open.push(*reference);
    }
}

fn value(word: &str, escape: char, expansion: &Expansion<'_>) {
    match &expansion.value {
        Ok(Cow::Borrowed(value)) => assert!(word.contains(value), "borrowed means a part of the word"),
        Ok(Cow::Owned(value)) => {
            assert!(value.len() <= word.len() + EXPANSION_BYTES_MAX, "{} bytes", value.len());
            let plain = !word.contains(['$', '\'', '"', escape]);
            assert!(!plain || value == word, "nothing to expand in {word:?}");
        }
        Err(error) => {
            assert!(!error.message.is_empty());
            assert!(error.message.len() <= word.len() + MESSAGE_BYTES_MAX, "{}", error.message.len());
        }
    }
}

/// What a message may add to the word it is about: the word again, escaped, and a value of a variable.
const MESSAGE_BYTES_MAX: usize = EXPANSION_BYTES_MAX + 8 * 1024;
