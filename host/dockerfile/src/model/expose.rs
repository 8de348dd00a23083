//! `EXPOSE`: its words in BuildKit's order, expanded and split, and what is wrong with them.
//!
//! An `EXPOSE` and the [`State`] before it → [`Port`]s, up to the first that is not valid.

use std::borrow::Cow;
use std::net::IpAddr;

use super::Port;
use super::build::{At, Builder, Phase, State};
use super::scope::View;
use crate::expand::Lexer;
use crate::limits::{EXPANSION_WORK_MAX, MODEL_VALUE_BYTES_MAX};
use crate::span::{Span, offset};

impl Builder<'_> {
    /// BuildKit does not look for undefined variables here.
    #[inline(never)]
    pub(super) fn expose(&mut self, at: &At<'_>, state: &State) {
        let (first, variables, problems) = (self.model.values.len(), self.model.variables.len(), self.problems.len());
        self.words(at, state);
        self.model.variables.truncate(variables);
        self.problems.truncate(problems);
        let words = at.tree.words_of(at.instruction);
        let mut order: Vec<usize> = (0..words.len()).collect();
        order.sort_by_key(|number| at.tree.characters(at.source, words[*number].text));
        let mut specifications = Vec::new();
        for number in order {
            let text = at.tree.characters(at.source, words[number].text);
            if words[number].text.plain {
                specifications.push((number, Cow::Borrowed(text)));
                continue;
            }
            // BuildKit expands all words before it reads the first port.
            match self.split_words(state, text) {
                Ok(split) => specifications.extend(split.into_iter().map(|(word, _)| (number, word.into()))),
                Err(message) => {
                    if let Some(message) = message {
                        self.problem_at(Phase::Run, at, message);
                    }
                    return;
                }
            }
        }
        for (number, text) in specifications {
            let exact = self.model.values.get(first + number).is_some_and(|value| value.exact);
            if self.value_bytes + text.len() > MODEL_VALUE_BYTES_MAX {
                return;
            }
            self.value_bytes += text.len();
            let word = at.instruction.words.start + offset(number);
            let text_span = self.model.scopes.keep(&text);
            self.model.ports.push(Port { step: at.step, word, exact, text: text_span });
            if let Err(message) = check(&text) {
                if exact {
                    self.problem_at(Phase::Run, at, message);
                }
                return;
            }
        }
    }

    /// The words of an expanded text; where a bound was hit, no message.
    fn split_words(&mut self, state: &State, text: &str) -> Result<Vec<(String, Span)>, Option<String>> {
        let mut work = self.work.min(EXPANSION_WORK_MAX);
        let before = work;
        let view = View { scopes: &self.model.scopes, scope: state.scope };
        let words = Lexer::new(char::from(self.tree.escape)).words(text, &view, &mut work);
        self.work -= before - work;
        words.map_err(|error| (!error.limit).then_some(error.message))
    }
}

/// What is wrong with a specification such as `127.0.0.1:80:8080-8090/tcp`, in BuildKit's words.
fn check(text: &str) -> Result<(), String> {
    let mut parts = text.rsplitn(3, ':');
    let container = parts.next().unwrap_or_default();
    let host = parts.next().unwrap_or_default();
    let address = parts.next().unwrap_or_default();
    let (port, protocol) = container.split_once('/').unwrap_or((container, ""));
    if port.is_empty() {
        return Err(format!("invalid port: {text:?}: no port specified"));
    }
    if !["", "tcp", "udp", "sctp"].iter().any(|known| protocol.eq_ignore_ascii_case(known)) {
        return Err(format!("invalid port: {text:?}: invalid proto: {protocol}"));
    }
    check_address(address)?;
    let range = range(port).ok_or_else(|| format!("invalid containerPort: {port}"))?;
    if !host.is_empty() {
        let host_range = self::range(host).ok_or_else(|| format!("invalid hostPort: {host}"))?;
        if range > 0 && range != host_range {
            return Err(format!("invalid ranges specified for container and host Ports: {port} and {host}"));
        }
    }
    Ok(())
}

fn check_address(address: &str) -> Result<(), String> {
    if address.is_empty() {
        return Ok(());
    }
    let plain = match address.strip_prefix('[') {
        // The port behind it is empty, so the bracket must close at the end.
        Some(inner) => match inner.strip_suffix(']') {
            Some(inner) if !inner.contains(['[', ']']) => inner,
            _ => return Err(format!("invalid IP address {address}")),
        },
        None => address,
    };
    // Without brackets an address may be empty no more.
    if plain.is_empty() && address.starts_with('[') || plain.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(format!("invalid IP address: {plain}"))
}

/// The ports a range has beyond the first.
fn range(text: &str) -> Option<u16> {
    let (start, end) = text.split_once('-').map_or((text, None), |(start, end)| (start, Some(end)));
    let first = number(start)?;
    match end.filter(|end| *end != start) {
        Some(end) => number(end)?.checked_sub(first),
        None => Some(0),
    }
}

fn number(text: &str) -> Option<u16> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let port = if digits.is_empty() { 0 } else { digits.parse::<u16>().ok()? };
    (!negative || port == 0).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn specifications() {
        for good in
            ["80", "80/TCP", "80/", "1-2/udp", "127.0.0.1:80:8080", "[::1]::80", "::1:80:80", "0", "8-9:80", "[]::1"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let bad = |text: &str, expect: &str| assert_eq!(check(text), Err(expect.to_owned()), "{text}");
        bad("/tcp", "invalid port: \"/tcp\": no port specified");
        bad("80/x/y", "invalid port: \"80/x/y\": invalid proto: x/y");
        bad("65536", "invalid containerPort: 65536");
        bad("2-1", "invalid containerPort: 2-1");
        bad("x:80", "invalid hostPort: x");
        bad("1-3:1-2", "invalid ranges specified for container and host Ports: 1-2 and 1-3");
        bad("a:1:1", "invalid IP address: a");
        bad("[::1:1:1", "invalid IP address [::1");
    }
}
