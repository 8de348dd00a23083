//! What a name in a comment means.
//!
//! Input: a name, and whether it is written to Plimsoll or to hadolint. Output: [`Meant`], which says of a rule whether it
//! is one that is meant, and of a finding's message what it must say for that. A code that nothing here stands for means
//! no rule.

use std::ops::RangeInclusive;

use super::hadolint;
use crate::config::fits;
use crate::finding::Finding;

/// The pack whose findings begin with a code of ShellCheck.
const SHELLCHECK: &str = "shellcheck/";

/// The rules that a name is about.
pub(super) struct Meant<'n> {
    pattern: &'n str,
    /// What a finding's message must say.
    pub(super) words: &'n str,
    /// The codes that it must begin with one of.
    pub(super) codes: Option<RangeInclusive<u16>>,
}

impl<'n> Meant<'n> {
    pub(super) fn of(name: &'n str, is_own: bool) -> Self {
        let codes = codes(name.strip_prefix(SHELLCHECK).unwrap_or(name));
        let (pattern, words) = match hadolint::rule(name) {
            _ if codes.is_some() => ("", ""),
            Some((pattern, words)) if !is_own => (pattern, words),
            _ if is_own => (name, ""),
            // Of hadolint's other codes nothing here means the same.
            _ => ("", ""),
        };
        Self { pattern, words, codes }
    }

    /// Whether a rule is one of them.
    pub(super) fn is(&self, rule: &str) -> bool {
        let bare = rule.split_once('/').map_or(rule, |(_, bare)| bare);
        match self.codes {
            Some(_) => rule.starts_with(SHELLCHECK),
            None => fits(self.pattern, rule) || fits(self.pattern, bare),
        }
    }
}

/// The code of ShellCheck that a finding's message begins with, for comments to name it.
pub(super) fn code_of(finding: &Finding) -> Option<&str> {
    let (code, _) = finding.message.split_once(": ").filter(|_| finding.rule.starts_with(SHELLCHECK))?;
    number(code).map(|_| code)
}

/// The number of a code such as `SC2086`.
pub(super) fn number(code: &str) -> Option<u16> {
    let digits = code.strip_prefix("SC").filter(|digits| digits.len() == 4)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Codes such as `SC2086`, or `SC3000-SC3999`.
fn codes(text: &str) -> Option<RangeInclusive<u16>> {
    match text.split_once('-') {
        Some((first, last)) => Some(number(first)?..=number(last)?),
        None => number(text).map(|code| code..=code),
    }
}
