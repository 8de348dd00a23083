//! Values as text, the same in flags, variables and files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use plimsoll_dockerfile::Platform;
use serde_json::Value;

use super::{FailLevel, Mode, TimeoutMode};
use crate::finding::Severity;
use crate::limits::{CONCURRENCY_MAX, PLATFORMS_MAX};
use crate::question;

/// How alike names are that may be meant for one another: 0 not at all, 1 equal.
const LIKENESS_MIN: f64 = 0.85;

/// A duration such as `500ms`, `20s` or `2m`.
///
/// # Errors
/// What a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?} is no duration: write 500ms, 20s or 2m");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        _ => return Err(expected()),
    };
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(expected)
}

/// A duration as [`parse_duration`] reads it.
pub fn show_duration(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds if milliseconds.is_multiple_of(1_000) => format!("{}s", milliseconds / 1_000),
        milliseconds => format!("{milliseconds}ms"),
    }
}

/// A value of a file as JSON. What JSON has no form for is text.
pub fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => {
            serde_json::Number::from_f64(*number).map_or_else(|| number.to_string().into(), Value::Number)
        }
        toml::Value::Boolean(truth) => (*truth).into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.iter().map(to_json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, item)| (key.clone(), to_json(item))).collect(),
    }
}

/// A key of a table as files have it: in quotes where it needs them.
pub(super) fn key(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}

/// A number of bytes such as `64MiB`.
///
/// # Errors
/// What one looks like.
pub(super) fn parse_size(text: &str) -> Result<usize, String> {
    let expected = || format!("{text:?} is no size: write 512KiB, 64MiB or 1GiB");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let bits = match unit {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(expected()),
    };
    let number: usize = number.parse().map_err(|_| expected())?;
    number.checked_mul(1 << bits).ok_or_else(expected)
}

/// A number of bytes as [`parse_size`] reads it.
pub(super) fn show_size(bytes: usize) -> String {
    match bytes {
        bytes if bytes.is_multiple_of(1 << 30) => format!("{}GiB", bytes >> 30),
        bytes if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        bytes => format!("{}KiB", bytes >> 10),
    }
}

/// `auto`, `on` or `off`.
///
/// # Errors
/// What is expected.
pub fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "auto" => Ok(Mode::Auto),
        "on" | "true" => Ok(Mode::On),
        "off" | "false" => Ok(Mode::Off),
        _ => Err(format!("{text:?} is not one of auto, on, off")),
    }
}

/// A severity, or `none`.
///
/// # Errors
/// What is expected.
pub fn parse_fail_level(text: &str) -> Result<FailLevel, String> {
    Ok(match text {
        "error" => FailLevel::At(Severity::Error),
        "warning" => FailLevel::At(Severity::Warning),
        "info" => FailLevel::At(Severity::Info),
        "style" => FailLevel::At(Severity::Style),
        "none" => FailLevel::Never,
        _ => return Err(format!("{text:?} is not one of error, warning, info, style, none")),
    })
}

/// The known name that is most like a given one, if any is. Of names such as `PACK/RULE` both parts have to be.
pub fn similar<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let of_words = |one: &str, other: &str| strsim::jaro_winkler(&one.to_lowercase(), &other.to_lowercase());
    let likeness = |other: &str| match (name.split_once('/'), other.split_once('/')) {
        (Some((pack, rule)), Some((known_pack, known_rule))) => {
            of_words(pack, known_pack).min(of_words(rule, known_rule))
        }
        _ => of_words(name, other),
    };
    let scored = known.into_iter().map(|other| (likeness(other), other)).filter(|(score, _)| *score > LIKENESS_MIN);
    scored.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, other)| other)
}

/// `on` or `off`, or what else people write for them.
///
/// # Errors
/// What is expected.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" | "on" => Ok(true),
        "false" | "0" | "off" => Ok(false),
        _ => Err(format!("{text:?} is not one of on, off, true, false")),
    }
}

pub(super) fn parse_timeout_mode(text: &str) -> Result<TimeoutMode, String> {
    match text {
        "include-queue" => Ok(TimeoutMode::IncludeQueue),
        "execution-only" => Ok(TimeoutMode::ExecutionOnly),
        _ => Err(format!("{text:?} is not one of include-queue, execution-only")),
    }
}

pub(super) fn parse_concurrency(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=CONCURRENCY_MAX).contains(number));
    number.ok_or_else(|| format!("{text} is not a number from 1 to {CONCURRENCY_MAX}"))
}

pub(super) fn parse_path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

/// Hosts, `,` between them.
pub(super) fn parse_hosts(text: &str) -> Result<Vec<String>, String> {
    text.split(',').map(|host| parse_host(host.trim())).collect()
}

/// `host` or `host:port`, as addresses have them.
///
/// # Errors
/// What is expected.
pub fn parse_host(text: &str) -> Result<String, String> {
    let expected = || format!("{text:?} is no host such as artifacts.internal or localhost:8080");
    if text.contains(['/', '\\', '@', '?', '#', '*']) {
        return Err(expected());
    }
    // The port as it is written: that of the scheme would not be told from none.
    let port = text.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if port.is_some_and(|port| !is_port(port)) {
        return Err(expected());
    }
    let url = url::Url::parse(&format!("http://{text}/")).map_err(|_| expected())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(expected)?;
    Ok(port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// A tool: the name it has for rules, and its program.
pub type Tool = (String, String);

/// `NAME=PROGRAM`.
///
/// # Errors
/// What is expected.
pub fn parse_tool(text: &str) -> Result<Tool, String> {
    let (name, program) = text.split_once('=').ok_or("write NAME=PROGRAM, such as shellcheck=/usr/bin/shellcheck")?;
    check_tool(name, program)?;
    Ok((name.to_owned(), program.to_owned()))
}

/// Tools, `,` between them.
pub(super) fn parse_tools(text: &str) -> Result<Vec<Tool>, String> {
    text.split(',').map(|tool| parse_tool(tool.trim())).collect()
}

/// Refuses a name that no rule can ask for, and a program that would be looked for in the working directory.
pub(super) fn check_tool(name: &str, program: &str) -> Result<(), String> {
    if !question::Tool::is_name(name) {
        return Err(format!("{name:?} is no name of a tool: letters, digits, `-` and `_`"));
    }
    let is_found = Path::new(program).is_absolute() || !program.is_empty() && !program.contains(['/', '\0']);
    let expected = || format!("{program:?} is neither a program's absolute path nor its name");
    is_found.then_some(()).ok_or_else(expected)
}

/// Platforms, `,` between them, each once.
///
/// # Errors
/// What a platform looks like, or that there are too many.
pub fn parse_platforms(text: &str) -> Result<Vec<Platform>, String> {
    let parse = |text: &str| match text {
        "" => Err("the name of a platform is missing; write linux/arm64, for example".to_owned()),
        text => Platform::parse(text).map_err(|error| format!("{error}; write linux/arm64, for example")),
    };
    let mut platforms: Vec<Platform> = Vec::new();
    for platform in text.split(',').map(str::trim).map(parse) {
        let platform = platform?;
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    match platforms.len() > PLATFORMS_MAX {
        true => Err(format!("{} platforms are named; a run is for at most {PLATFORMS_MAX}", platforms.len())),
        false => Ok(platforms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_as_addresses_have_them() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(parse_host(text).ok().as_deref(), expect, "{text}");
        check("Artifacts.Internal", Some("artifacts.internal"));
        check("localhost:80", Some("localhost:80"));
        check("127.1", Some("127.0.0.1"));
        check("[0:0:0:0:0:0:0:1]:80", Some("[::1]:80"));
        check("[::1]", Some("[::1]"));
        check("b\u{fc}cher.internal", Some("xn--bcher-kva.internal"));
        for text in
            ["", "*.corp", "host:", "host:x", ":80", "a@b", ":p@h", "a/b", "a?b", "a#b", "http://a", "a b", "::1"]
        {
            check(text, None);
        }
    }

    #[test]
    fn durations_have_units() {
        for (text, milliseconds) in [("500ms", 500), ("20s", 20_000), ("2m", 120_000), ("7", 7_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "-1s", "1h", "1.5s", "99999999999999999999s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(show_duration(Duration::from_millis(2_500)), "2500ms");
    }
}
