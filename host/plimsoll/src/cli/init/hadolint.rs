//! From `.hadolint.yaml` to `plimsoll.toml`.
//!
//! Input: hadolint's configuration. Output: tables that mean the same, and by name all
//! that has no counterpart. Invariant: nothing is lost silently.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::yaml::{Fault, Lines};
use crate::lint::HADOLINT_CODES;

/// Names that hadolint's configuration has in a project.
pub(super) const FILE_NAMES: [&str; 2] = [".hadolint.yaml", ".hadolint.yml"];

/// The keys of `override`, which are severities here too.
const SEVERITIES: [&str; 4] = ["error", "warning", "info", "style"];

/// From which severity on hadolint fails where nothing is said.
const FAIL_LEVEL: &str = "info";

/// Formats of hadolint, and what they are called here.
const FORMATS: [(&str, &str); 5] = [
    ("tty", "text"),
    ("json", "json"),
    ("checkstyle", "checkstyle"),
    ("sarif", "sarif"),
    ("gitlab_codeclimate", "gitlab"),
];

/// Switches that have no key here, and what there is in their stead. Off is what they are anyway.
const SWITCHES: [(&str, &str); 3] = [
    ("disable-ignore-pragma", " (say --no-inline on the command line)"),
    ("no-color", " (say --color=never, or set NO_COLOR)"),
    ("strict-labels", ""),
];

/// What became of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Converted {
    /// Lines under `[lint]`.
    pub(super) lint: String,
    /// Lines under `[output]`.
    pub(super) output: String,
    /// Tables of rules.
    pub(super) rules: String,
    /// What has no counterpart, each on a line of its own.
    pub(super) left: Vec<String>,
}

/// What a code is to be.
type Wishes = BTreeMap<String, &'static str>;

/// Converts it; a key that nothing is said of counts as not there.
///
/// # Errors
/// When it is not what hadolint reads.
pub(super) fn convert(file: &Value, lines: &Lines) -> Result<Converted, Fault> {
    let mut converted = Converted::default();
    let empty = serde_json::Map::new();
    let entries = match file {
        Value::Null => &empty,
        Value::Object(entries) => entries,
        _ => return Err(Fault { line: Some(1), why: "it is no table of settings".to_owned() }),
    };
    let mut wishes = Wishes::new();
    let mut fail_level = None;
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
        let complain = |path: &str, why: String| Fault { line: lines.get(path).copied(), why };
        let odd = |why| complain(key, why);
        match key.as_str() {
            "ignored" => {
                let codes = codes(&mut converted, key, "off", texts(key, value).map_err(odd)?);
                wishes.extend(codes.into_iter().map(|code| (code, "off")));
            }
            "override" => {
                let Value::Object(lists) = value else { return Err(odd("override is no table".to_owned())) };
                for (severity, list) in lists {
                    let path = format!("{key}.{severity}");
                    let Some(known) = severity_of(severity) else {
                        return Err(complain(&path, format!("override: {severity} is no severity")));
                    };
                    let list = texts(severity, list).map_err(|why| complain(&path, why))?;
                    for code in codes(&mut converted, key, known, list) {
                        // What is ignored is so whatever else is said of it.
                        wishes.entry(code).or_insert(known);
                    }
                }
            }
            "failure-threshold" => {
                let text = value.as_str().unwrap_or_default().to_ascii_lowercase();
                let level = if matches!(&*text, "ignore" | "none") { Some("none") } else { severity_of(&text) };
                let level = level.ok_or_else(|| odd(format!("failure-threshold: {value} is no severity")))?;
                fail_level = fail_level.or(Some(level));
            }
            "no-fail" if value.is_boolean() => {
                if value == &Value::Bool(true) {
                    fail_level = Some("none");
                }
            }
            "no-fail" => converted.left.push(format!("no-fail: {} (write true or false)", shown(value))),
            "trustedRegistries" => trust(&mut converted, &texts(key, value).map_err(odd)?),
            "format" => match FORMATS.iter().find(|(theirs, _)| Some(*theirs) == value.as_str()) {
                Some((_, ours)) => converted.output = format!("format = \"{ours}\"\n"),
                None => converted.left.push(format!("format: {} (say --format on the command line)", shown(value))),
            },
            key => match SWITCHES.iter().find(|(known, _)| *known == key) {
                Some(_) if value == &Value::Bool(false) => {}
                Some((_, instead)) => converted.left.push(format!("{key}: {}{instead}", shown(value))),
                None => converted.left.push(format!("{key}: {}", shown(value))),
            },
        }
    }
    let _ = writeln!(converted.lint, "fail-level = \"{}\"", fail_level.unwrap_or(FAIL_LEVEL));
    wish(&mut converted, wishes);
    Ok(converted)
}

/// A severity, however it is written.
fn severity_of(text: &str) -> Option<&'static str> {
    SEVERITIES.into_iter().find(|known| known.eq_ignore_ascii_case(text))
}

/// Registries that images may come from. Where some are patterns the others say too little to allow no more than them.
fn trust(converted: &mut Converted, registries: &[String]) {
    let plain: BTreeSet<String> = registries.iter().filter_map(|registry| plain(registry)).collect();
    let odd: Vec<&str> = registries.iter().filter(|text| self::plain(text).is_none()).map(String::as_str).collect();
    let list: Vec<String> = plain.iter().map(|registry| toml_text(registry)).collect();
    let table = format!("[rules.\"sources/foreign-registry\".options]\nallow = [{}]\n", list.join(", "));
    if !odd.is_empty() {
        let why = "sources/foreign-registry takes no patterns: name the registries";
        converted.left.push(format!("trustedRegistries: {} ({why})", odd.join(", ")));
        if !plain.is_empty() {
            converted.rules += "\n# With the registries that the patterns of trustedRegistries mean:\n";
            converted.rules.extend(table.lines().map(|line| format!("# {line}\n")));
        }
    } else if !plain.is_empty() {
        let _ = write!(converted.rules, "\n{table}");
    }
}

/// A registry as references spell it; nothing if it is a pattern, or none.
fn plain(registry: &str) -> Option<String> {
    let registry = registry.trim().to_ascii_lowercase();
    let host = registry.strip_prefix("https://").or_else(|| registry.strip_prefix("http://")).unwrap_or(&registry);
    let host = host.trim_end_matches('/');
    let (domain, path) = host.split_once('/').map_or((host, None), |(domain, path)| (domain, Some(path)));
    // They are the addresses of the one that is called docker.io.
    let is_hub = matches!(domain, "index.docker.io" | "registry-1.docker.io" | "hub.docker.com");
    let path = path.filter(|path| !(is_hub && matches!(*path, "v1" | "v2")));
    let domain = if is_hub { "docker.io" } else { domain };
    let is_odd = |c: char| !c.is_ascii_alphanumeric() && !".-_:/[]".contains(c);
    let is_plain = !domain.is_empty() && !host.contains(is_odd);
    is_plain.then(|| path.map_or(domain.to_owned(), |path| format!("{domain}/{path}")))
}

fn wish(converted: &mut Converted, mut wishes: Wishes) {
    let mut counterparts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    HADOLINT_CODES.iter().for_each(|(code, rule, _)| counterparts.entry(rule).or_default().push(code));
    for (rule, codes) in counterparts {
        let wished: BTreeSet<_> = codes.iter().map(|code| wishes.get(*code).copied()).collect();
        match wished.first() {
            Some(Some(wish)) if wished.len() == 1 => {
                let _ =
                    writeln!(converted.rules, "\n# {}\n[rules.\"{rule}\"]\nseverity = \"{wish}\"", codes.join(", "));
                wishes.retain(|code, _| !codes.contains(&code.as_str()));
            }
            _ => {
                let others =
                    |code: &str| codes.iter().filter(|other| **other != code).copied().collect::<Vec<_>>().join(", ");
                for code in &codes {
                    if let Some(wish) = wishes.remove(*code) {
                        converted.left.push(format!("{code} {wish} ({rule} looks for {} as well)", others(code)));
                    }
                }
            }
        }
    }
    let (scripts, others): (Wishes, Wishes) = wishes.into_iter().partition(|(code, _)| code.starts_with("SC"));
    let (off, severe): (Wishes, Wishes) = scripts.into_iter().partition(|(_, wish)| *wish == "off");
    if !off.is_empty() {
        let list: Vec<String> = off.keys().map(|code| toml_text(code)).collect();
        let _ = writeln!(
            converted.rules,
            "\n# It runs where you let tools run: --slow-checks-console=on.\n[rules.\"shellcheck/script\".options]\n\
             exclude = [{}]",
            list.join(", ")
        );
    }
    let left = severe.into_iter().map(|(code, wish)| format!("{code} {wish} (its severity is ShellCheck's)"));
    converted.left.extend(left);
    converted
        .left
        .extend(others.into_iter().map(|(code, wish)| format!("{code} {wish} (no rule looks for that here)")));
}

fn texts(key: &str, value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => {
            let text =
                |item: &Value| item.as_str().map(str::to_owned).ok_or_else(|| format!("{key}: {item} is no text"));
            items.iter().map(text).collect()
        }
        _ => Err(format!("{key} is no list")),
    }
}

/// The codes among them, such as `DL3006`; what is none is left, with what it was to be.
fn codes(converted: &mut Converted, key: &str, wish: &str, texts: Vec<String>) -> Vec<String> {
    let is_code = |code: &String| {
        let number = code.strip_prefix("DL").or_else(|| code.strip_prefix("SC"));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (codes, odd): (Vec<String>, Vec<String>) = texts.into_iter().partition(is_code);
    let odd = odd.into_iter().map(|odd| format!("{key}: {odd} {wish} (it is no code such as DL3006 or SC2086)"));
    converted.left.extend(odd);
    codes
}

/// A value on one line.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A text as TOML writes it.
pub(super) fn toml_text(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What hadolint does where nothing is said.
    const INFO: &str = "fail-level = \"info\"\n";

    fn check(file: &Value, lint: &str, rules: &str, left: &[&str]) {
        let converted = convert(file, &Lines::new()).unwrap();
        assert_eq!((converted.lint.as_str(), converted.rules.trim()), (lint, rules), "{file}");
        assert_eq!(converted.left, left, "{file}");
    }

    #[test]
    fn what_has_a_counterpart_becomes_it_and_the_rest_is_named() {
        check(&Value::Null, INFO, "", &[]);
        check(
            &json!({"ignored": ["DL4000"]}),
            INFO,
            "# DL4000\n[rules.\"buildkit/MaintainerDeprecated\"]\nseverity = \"off\"",
            &[],
        );
        check(&json!({"ignored": ["DL3006"]}), INFO, "", &["DL3006 off (sources/latest-tag looks for DL3007 as well)"]);
        check(
            &json!({"override": {"error": ["DL3006", "DL3007"]}}),
            INFO,
            "# DL3006, DL3007\n[rules.\"sources/latest-tag\"]\nseverity = \"error\"",
            &[],
        );
        check(
            &json!({"ignored": ["DL3006"], "override": {"error": ["DL3006", "DL3007"]}}),
            INFO,
            "",
            &[
                "DL3006 off (sources/latest-tag looks for DL3007 as well)",
                "DL3007 error (sources/latest-tag looks for DL3006 as well)",
            ],
        );
        check(&json!({"failure-threshold": "error", "no-fail": true}), "fail-level = \"none\"\n", "", &[]);
        check(&json!({"failure-threshold": "ignore"}), "fail-level = \"none\"\n", "", &[]);
        check(
            &json!({"ignored": ["DL3008"], "label-schema": {"author": "text"}, "strict-labels": true, "format": "gnu"}),
            INFO,
            "",
            &[
                "format: gnu (say --format on the command line)",
                "label-schema: {\"author\":\"text\"}",
                "strict-labels: true",
                "DL3008 off (no rule looks for that here)",
            ],
        );
        check(&json!({"no-fail": "yes"}), INFO, "", &["no-fail: yes (write true or false)"]);
        let nothing = json!({
            "ignored": null, "override": {"error": null}, "failure-threshold": null, "trustedRegistries": null,
            "format": null, "label-schema": null, "no-color": false, "strict-labels": false, "no-fail": false,
        });
        check(&nothing, INFO, "", &[]);
        check(
            &json!({"disable-ignore-pragma": true}),
            INFO,
            "",
            &["disable-ignore-pragma: true (say --no-inline on the command line)"],
        );
        check(
            &json!({"ignored": ["x\"\n[lint]"], "override": {"Error": ["dl1", "DL4000"]}}),
            INFO,
            "# DL4000\n[rules.\"buildkit/MaintainerDeprecated\"]\nseverity = \"error\"",
            &[
                "ignored: x\"\n[lint] off (it is no code such as DL3006 or SC2086)",
                "override: dl1 error (it is no code such as DL3006 or SC2086)",
            ],
        );
        for odd in [json!([]), json!({"ignored": "DL3006"}), json!({"override": {"fatal": []}})] {
            assert!(convert(&odd, &Lines::new()).is_err(), "{odd}");
        }
    }

    #[test]
    fn registries_are_spelled_as_references_spell_them() {
        check(
            &json!({"trustedRegistries": ["https://hub.docker.com", "https://index.docker.io/v1/", "GHCR.io/acme/", "localhost:5000"]}),
            INFO,
            "[rules.\"sources/foreign-registry\".options]\nallow = [\"docker.io\", \"ghcr.io/acme\", \"localhost:5000\"]",
            &[],
        );
        check(
            &json!({"trustedRegistries": ["*.gcr.io", "ghcr.io"]}),
            INFO,
            "# With the registries that the patterns of trustedRegistries mean:\n\
             # [rules.\"sources/foreign-registry\".options]\n# allow = [\"ghcr.io\"]",
            &["trustedRegistries: *.gcr.io (sources/foreign-registry takes no patterns: name the registries)"],
        );
    }

    #[test]
    fn formats_are_some_of_ours() {
        for (theirs, ours) in FORMATS {
            assert!(crate::config::Format::ALL.iter().any(|format| format.name() == ours), "{ours}");
            let converted = convert(&json!({"format": theirs}), &Lines::new()).unwrap();
            assert_eq!((converted.output, converted.left), (format!("format = \"{ours}\"\n"), vec![]));
        }
    }
}
