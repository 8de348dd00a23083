//! YAML as JSON has it, as far as configuration files need it.
//!
//! Input: text of a file, whose size is bounded. Output: one value. Invariant:
//! aliases are refused, so that nothing grows, and what is nested deeply too.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use crate::limits::OPTIONS_DEPTH_MAX;

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line, as far as it is known.
    pub(super) line: Option<usize>,
    /// What is wrong there.
    pub(super) why: String,
}

/// On which line each key stands; those of tables within tables with a dot between them.
pub(super) type Lines = BTreeMap<String, usize>;

/// The only document of a file.
///
/// # Errors
/// What it is instead of YAML.
pub(super) fn parse(text: &str) -> Result<(Value, Lines), Fault> {
    let mut open: Vec<Open> = Vec::new();
    let (mut whole, mut lines) = (None, Lines::new());
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| Fault { line: Some(error.marker().line()), why: error.info().to_owned() })?;
        let line = span.start.line();
        let complain = |why: &str| Err(Fault { line: Some(line), why: why.to_owned() });
        let done = match event {
            Event::DocumentStart(..) if whole.is_some() => return complain("a second document begins: write one"),
            Event::Alias(_) => return complain("aliases are not understood here"),
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Table(Map::new(), None));
                None
            }
            Event::Scalar(text, style, ..) => Some(scalar(&text, style)),
            Event::SequenceEnd | Event::MappingEnd => open.pop().map(Open::close),
            _ => None,
        };
        if open.len() > OPTIONS_DEPTH_MAX {
            return complain(&format!("it is nested deeper than {OPTIONS_DEPTH_MAX} levels"));
        }
        let Some(value) = done else { continue };
        match open.last_mut() {
            None => whole = Some(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Table(_, key @ None)) => {
                match value {
                    Value::String(text) => *key = Some(text),
                    Value::Array(_) | Value::Object(_) => return complain("a key is a list or a table"),
                    other => *key = Some(other.to_string()),
                }
                lines.extend(path(&open).map(|path| (path, line)));
            }
            Some(Open::Table(entries, key)) => {
                let key = key.take().expect("it was just there");
                if entries.insert(key.clone(), value).is_some() {
                    return complain(&format!("{key} stands there twice"));
                }
            }
        }
    }
    Ok((whole.unwrap_or(Value::Null), lines))
}

/// The keys that lead to where a value is read; nothing within lists.
fn path(open: &[Open]) -> Option<String> {
    let key = |open: &Open| match open {
        Open::Table(_, key) => key.clone(),
        Open::List(_) => None,
    };
    Some(open.iter().map(key).collect::<Option<Vec<String>>>()?.join("."))
}

/// What has begun and not ended.
enum Open {
    List(Vec<Value>),
    Table(Map<String, Value>, Option<String>),
}

impl Open {
    fn close(self) -> Value {
        match self {
            Self::List(items) => items.into(),
            Self::Table(entries, _) => entries.into(),
        }
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        _ if style != ScalarStyle::Plain => text.into(),
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_values() {
        let check = |text: &str, expect: Value| assert_eq!(parse(text).unwrap().0, expect, "{text}");
        check("", Value::Null);
        check("# nothing\n", Value::Null);
        check(
            "ignored:\n  - DL3006\n  - SC2086\nno-fail: true\noverride: {error: [DL4000]}\nformat: \"true\"\n",
            json!({"ignored": ["DL3006", "SC2086"], "no-fail": true, "override": {"error": ["DL4000"]}, "format": "true"}),
        );
        check(
            "trustedRegistries:\n- docker.io\n- '*.gcr.io'\n",
            json!({"trustedRegistries": ["docker.io", "*.gcr.io"]}),
        );
        for (text, why) in [
            ("a: &x [1]\nb: *x\n", "2: aliases"),
            ("a: 1\na: 2\n", "2: a stands there twice"),
            ("[a, b]: 1\n", "1: a key is a list"),
            ("a: [\n", "2: "),
            ("a: 1\n---\nb: 1\n", "2: a second document"),
        ] {
            let Fault { line, why: error } = parse(text).unwrap_err();
            assert!(format!("{}: {error}", line.unwrap()).starts_with(why), "{text}: {error}");
        }
        let (_, lines) = parse("a:\n  b: 1\nc: [{d: 1}]\n").unwrap();
        assert_eq!(lines.into_iter().collect::<Vec<_>>(), [("a".into(), 1), ("a.b".into(), 2), ("c".into(), 3)]);
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(10_000)).is_err());
    }
}
