//! From `.hadolint.yaml` to `plimsoll.toml`.
//!
//! Input: hadolint's configuration. Output: tables that mean the same, and by name all
//! that has no counterpart. Invariant: nothing is lost silently.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

/// Names that hadolint's configuration has in a project.
pub(super) const FILE_NAMES: [&str; 2] = [".hadolint.yaml", ".hadolint.yml"];

/// A rule, and the codes of hadolint that look for the same; it is as they say where they all say the same.
const COUNTERPARTS: &[(&str, &[&str])] = &[
    ("buildkit/DuplicateStageName", &["DL3024"]),
    ("buildkit/FromPlatformFlagConstDisallowed", &["DL3029"]),
    ("buildkit/JSONArgsRecommended", &["DL3025"]),
    ("buildkit/MaintainerDeprecated", &["DL4000"]),
    ("buildkit/MultipleInstructionsDisallowed", &["DL3012", "DL4003", "DL4004"]),
    ("buildkit/WorkdirRelativePath", &["DL3000"]),
    ("sources/foreign-registry", &["DL3026"]),
    ("sources/latest-tag", &["DL3006", "DL3007"]),
];

/// The keys of `override`, which are severities here too.
const SEVERITIES: [&str; 4] = ["error", "warning", "info", "style"];

/// What became of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Converted {
    /// Lines under `[lint]`.
    pub(super) lint: String,
    /// Tables of rules.
    pub(super) rules: String,
    /// What has no counterpart, each on a line of its own.
    pub(super) left: Vec<String>,
}

/// What a code is to be.
type Wishes = BTreeMap<String, &'static str>;

/// Converts it.
///
/// # Errors
/// When it is not what hadolint reads.
pub(super) fn convert(file: &Value) -> Result<Converted, String> {
    let mut converted = Converted::default();
    let empty = serde_json::Map::new();
    let entries = match file {
        Value::Null => &empty,
        Value::Object(entries) => entries,
        _ => return Err("it is no table of settings".to_owned()),
    };
    let mut wishes = Wishes::new();
    let mut fail_level = None;
    for (key, value) in entries {
        match key.as_str() {
            "ignored" => wishes.extend(codes(key, value)?.into_iter().map(|code| (code, "off"))),
            "override" => {
                let Value::Object(lists) = value else { return Err("override is no table".to_owned()) };
                for (severity, list) in lists {
                    let Some(known) = SEVERITIES.into_iter().find(|known| known == severity) else {
                        return Err(format!("override: {severity} is no severity"));
                    };
                    for code in codes(severity, list)? {
                        // What is ignored is so whatever else is said of it.
                        wishes.entry(code).or_insert(known);
                    }
                }
            }
            "failure-threshold" => match value.as_str() {
                Some("ignore" | "none") => fail_level = fail_level.or(Some("none")),
                Some(level) if SEVERITIES.contains(&level) => {
                    let known = SEVERITIES.into_iter().find(|known| *known == level);
                    fail_level = fail_level.or(known);
                }
                _ => return Err(format!("failure-threshold: {value} is no severity")),
            },
            "no-fail" => {
                if value == &Value::Bool(true) {
                    fail_level = Some("none");
                }
            }
            "trustedRegistries" => trust(&mut converted, &texts(key, value)?),
            "format" => converted.left.push(format!("format: {} (say --format on the command line)", shown(value))),
            "no-color" => {
                converted.left.push(format!("no-color: {} (say --color=never, or set NO_COLOR)", shown(value)))
            }
            key => converted.left.push(format!("{key}: {}", shown(value))),
        }
    }
    if let Some(level) = fail_level {
        let _ = writeln!(converted.lint, "fail-level = \"{level}\"");
    }
    wish(&mut converted, wishes);
    Ok(converted)
}

/// Registries that images may come from.
fn trust(converted: &mut Converted, registries: &[String]) {
    let is_plain = |registry: &&String| !registry.contains('*') && !registry.is_empty();
    if registries.iter().all(|registry| is_plain(&registry)) && !registries.is_empty() {
        let list: Vec<String> = registries.iter().map(|registry| toml_text(registry)).collect();
        let _ =
            writeln!(converted.rules, "\n[rules.\"sources/foreign-registry\".options]\nallow = [{}]", list.join(", "));
    } else if !registries.is_empty() {
        let why = "sources/foreign-registry takes no patterns: name the registries";
        converted.left.push(format!("trustedRegistries: {} ({why})", registries.join(", ")));
    }
}

fn wish(converted: &mut Converted, mut wishes: Wishes) {
    for (rule, codes) in COUNTERPARTS {
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
                for code in *codes {
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

/// Codes such as `DL3006`.
fn codes(key: &str, value: &Value) -> Result<Vec<String>, String> {
    let codes = texts(key, value)?;
    let is_code = |code: &String| {
        (code.starts_with("DL") || code.starts_with("SC"))
            && code.len() > 2
            && code[2..].bytes().all(|byte| byte.is_ascii_digit())
    };
    match codes.iter().find(|code| !is_code(code)) {
        Some(odd) => Err(format!("{key}: {odd:?} is no code such as DL3006 or SC2086")),
        None => Ok(codes),
    }
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

    fn check(file: &Value, lint: &str, rules: &str, left: &[&str]) {
        let converted = convert(file).unwrap();
        assert_eq!((converted.lint.as_str(), converted.rules.trim()), (lint, rules), "{file}");
        assert_eq!(converted.left, left, "{file}");
    }

    #[test]
    fn what_has_a_counterpart_becomes_it_and_the_rest_is_named() {
        check(&Value::Null, "", "", &[]);
        check(
            &json!({"ignored": ["DL4000"]}),
            "",
            "# DL4000\n[rules.\"buildkit/MaintainerDeprecated\"]\nseverity = \"off\"",
            &[],
        );
        check(&json!({"ignored": ["DL3006"]}), "", "", &["DL3006 off (sources/latest-tag looks for DL3007 as well)"]);
        check(
            &json!({"override": {"error": ["DL3006", "DL3007"]}}),
            "",
            "# DL3006, DL3007\n[rules.\"sources/latest-tag\"]\nseverity = \"error\"",
            &[],
        );
        check(
            &json!({"ignored": ["DL3006"], "override": {"error": ["DL3006", "DL3007"]}}),
            "",
            "",
            &[
                "DL3006 off (sources/latest-tag looks for DL3007 as well)",
                "DL3007 error (sources/latest-tag looks for DL3006 as well)",
            ],
        );
        check(&json!({"failure-threshold": "error", "no-fail": true}), "fail-level = \"none\"\n", "", &[]);
        check(&json!({"failure-threshold": "ignore"}), "fail-level = \"none\"\n", "", &[]);
        check(
            &json!({"ignored": ["DL3008"], "label-schema": {"author": "text"}, "strict-labels": true, "format": "json"}),
            "",
            "",
            &[
                "format: json (say --format on the command line)",
                "label-schema: {\"author\":\"text\"}",
                "strict-labels: true",
                "DL3008 off (no rule looks for that here)",
            ],
        );
        for odd in [
            json!([]),
            json!({"ignored": "DL3006"}),
            json!({"ignored": ["x\"\n[lint]"]}),
            json!({"override": {"fatal": []}}),
        ] {
            assert!(convert(&odd).is_err(), "{odd}");
        }
    }
}
