//! Words: quotes removed, variables expanded, as BuildKit's shell lexer does it.
//!
//! A word and an [`Env`] → its value, or why it has none, and every reference to a variable with its
//! place in the word. Each character is read once; depth, length and work are bounded by
//! [`crate::limits`].

mod glob;
mod lexer;
mod output;
mod substitution;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use crate::limits;
use crate::span::Span;
pub(crate) use lexer::{Buffers, Lexer};

/// Where variables get their values.
pub trait Env {
    /// The value of a variable; nothing where it is not set.
    fn get(&self, name: &str) -> Option<&str>;
}

/// What became of a word.
#[derive(Clone, Debug)]
pub struct Expansion<'a> {
    /// The value, or why there is none.
    pub value: Result<Cow<'a, str>, ExpandError>,
    /// The references to variables that were looked up, by place. After an error, those before it.
    pub references: Vec<VariableReference>,
}

/// One `$name` or `${name…}` in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariableReference {
    /// The whole reference, from `$` on, as byte offsets into the word.
    pub span: Span,
    /// The name, as byte offsets into the word.
    pub name: Span,
    /// Whether the environment had a value for it.
    pub set: bool,
    /// What is done with the value.
    pub form: ReferenceForm,
}

/// What a reference does with the value of its variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceForm {
    /// `$name` or `${name}`.
    Plain,
    /// `${name-word}` or `${name:-word}`.
    Default,
    /// `${name+word}` or `${name:+word}`.
    Alternative,
    /// `${name?word}` or `${name:?word}`.
    Required,
    /// `${name#glob}`, `##`, `%` or `%%`.
    Trim,
    /// `${name/glob/word}` or `${name//glob/word}`.
    Replace,
}

/// Why a word has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandError {
    /// In BuildKit's words, where it has words for it.
    pub message: String,
    /// Whether a bound of this crate is the reason, so that the build itself might go on.
    pub limit: bool,
}

/// An environment without variables.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEnv;

/// The value of a word: quotes removed, variables expanded.
pub fn expand<'a>(word: &'a str, escape: char, env: &'a dyn Env) -> Expansion<'a> {
    let mut work = limits::EXPANSION_WORK_MAX;
    Lexer::new(escape).value(word, env, &mut work)
}

/// The words of a text, split at blanks after expansion; quoted blanks do not split.
pub fn expand_words(text: &str, escape: char, env: &dyn Env) -> Result<Vec<String>, ExpandError> {
    let mut work = limits::EXPANSION_WORK_MAX;
    let words = Lexer::new(escape).words(text, env, &mut work)?;
    Ok(words.into_iter().map(|(word, _)| word).collect())
}

impl Expansion<'_> {
    /// The names that were looked up and not set, in order, each once.
    pub fn unset<'w>(&self, word: &'w str) -> Vec<&'w str> {
        let mut seen = HashSet::new();
        let names = self.references.iter().filter(|r| !r.set).map(|r| r.name(word));
        names.filter(|name| seen.insert(*name)).collect()
    }
}

impl VariableReference {
    /// The name, out of the word it was found in.
    pub fn name<'w>(&self, word: &'w str) -> &'w str {
        word.get(self.name.range()).unwrap_or_default()
    }
}

impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExpandError {}

impl Env for NoEnv {
    fn get(&self, _: &str) -> Option<&str> {
        None
    }
}

impl Env for HashMap<String, String> {
    fn get(&self, name: &str) -> Option<&str> {
        HashMap::get(self, name).map(String::as_str)
    }
}

impl Env for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<&str> {
        BTreeMap::get(self, name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> BTreeMap<String, String> {
        [("A", "alpha"), ("E", ""), ("P", "/usr/lib/x.tar.gz"), ("S", "a b")].map(|(k, v)| (k.into(), v.into())).into()
    }

    fn check(word: &str, expect: &str) {
        let env = env();
        let value = match expand(word, '\\', &env).value {
            Ok(value) => value.into_owned(),
            Err(error) => format!("! {}", error.message),
        };
        assert!(
            if let Some(part) = expect.strip_prefix("! ") { value.contains(part) } else { value == expect },
            "{word}: {value}"
        );
    }

    #[test]
    fn forms() {
        check("$A-${A}-$B.", "alpha-alpha-.");
        check("${B:-x}${B-y}${E:-z}${E-w}", "xyz");
        check("${A:+x}${E+y}${E:+z}", "xy");
        check("${B:?gone}", "! B: gone");
        check("${E:?}", "! E: is not allowed to be empty");
        check("${P##*/} ${P%.*} ${P%%.*} ${P#*/}", "x.tar.gz /usr/lib/x.tar /usr/lib/x usr/lib/x.tar.gz");
        check("${P/l?b/L} ${P//\\//_} ${A/*/}", "/usr/L/x.tar.gz _usr_lib_x.tar.gz ");
        check("${A:#x}", "! unsupported modifier (:#)");
        check("${A=x}", "! unsupported modifier (=)");
        check("${A", "! unsupported modifier");
        check("${A:-", "! missing '}'");
        check("${}", "! bad substitution");
        check("'$A' \"$A\" \\$A \"\\$A\\b\"", "$A alpha $A $A\\b");
        check("$", "$");
        check("${B:-${A:-'}'}}", "alpha");
        check("'x", "! matching single-quote");
    }

    #[test]
    fn references() {
        let env = env();
        let word = "x${B:-$A}'$C'${A}";
        let got: Vec<_> = expand(word, '\\', &env)
            .references
            .iter()
            .map(|r| (word[r.span.range()].to_owned(), r.name(word), r.set))
            .collect();
        let expect = [("${B:-$A}", "B", false), ("$A", "A", true), ("${A}", "A", true)];
        assert_eq!(got, expect.map(|(span, name, set)| (span.to_owned(), name, set)));
    }

    #[test]
    fn splits_after_expansion() {
        let check = |word, expect: &[&str]| assert_eq!(expand_words(word, '\\', &env()).unwrap(), expect, "{word}");
        check("x$S \"$S\" y", &["xa", "b", "a b", "y"]);
        check(" a  '' b\\ c ", &["a", "b c"]);
        check("y 80/${B:-tcp} x\"${B-$S}\" $A-${B-u v}", &["y", "tcp", "a b", "u", "v"]);
    }

    #[test]
    fn bounded() {
        let deep = "${a:-".repeat(100_000) + &"}".repeat(100_000);
        assert!(expand(&deep, '\\', &NoEnv).value.is_err_and(|e| e.limit));
        let env = BTreeMap::from([("A".to_owned(), "x".repeat(60_000))]);
        let wide = "${A#*y*y}".repeat(5_000);
        assert!(expand(&wide, '\\', &env).value.is_err_and(|e| e.limit));
        assert!(expand(&"$A".repeat(30_000), '\\', &env).value.is_err_and(|e| e.limit));
    }
}
