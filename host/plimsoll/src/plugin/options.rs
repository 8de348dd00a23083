//! The options of a rule against its JSON Schema.
//!
//! Input: the schema, as the plugin describes it, and options of the user's.
//! Output: what does not hold up, by place. Invariants: nothing is fetched for a
//! schema, its patterns take linear time, and what it refers to is counted before
//! anything is held against it, so that no schema takes for ever.

use std::collections::HashMap;
use std::error::Error;

use boon::{Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use regex::RegexBuilder;
use serde_json::Value;

use crate::limits::{
    OPTION_FAULTS_MAX, OPTIONS_DEPTH_MAX, SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX, SCHEMA_NODES_MAX,
    SCHEMA_PATTERN_BYTES_MAX,
};

/// What a schema is called while it is read.
const SCHEMA: &str = "plimsoll:options";

/// An option that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionFault {
    /// JSON pointer to it; empty for all of them together.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl OptionFault {
    fn of_all(message: String) -> Self {
        Self { path: String::new(), message }
    }
}

/// What a schema has to say against options.
pub(super) fn check(schema: &str, options: &Value) -> Vec<OptionFault> {
    if depth(options) > OPTIONS_DEPTH_MAX {
        return vec![OptionFault::of_all(format!("they are nested deeper than {OPTIONS_DEPTH_MAX} levels"))];
    }
    let (schemas, compiled) = match compile(schema) {
        Ok(compiled) => compiled,
        Err(fault) => return vec![OptionFault::of_all(fault)],
    };
    let mut faults = Vec::new();
    if let Err(error) = schemas.validate(options, compiled) {
        gather(&error, &mut faults);
    }
    faults
}

/// What is wrong with a schema itself, which otherwise is told to whoever sets options first.
pub(super) fn schema_fault(schema: &str) -> Option<String> {
    compile(schema).err()
}

fn compile(schema: &str) -> Result<(Schemas, SchemaIndex), String> {
    if schema.len() > SCHEMA_BYTES_MAX {
        return Err(format!("the rule's schema is larger than {SCHEMA_BYTES_MAX} bytes"));
    }
    let schema = serde_json::from_str(schema).map_err(|error| format!("the rule's schema is no JSON: {error}"))?;
    let wrong = |error: String| format!("the rule's schema: {error}");
    check_patterns(&schema).map_err(wrong)?;
    Size::default().of(&schema, &schema).map_err(wrong)?;
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    compiler.use_loader(Box::new(NoLoader));
    compiler.add_resource(SCHEMA, schema).map_err(|error| wrong(error.to_string()))?;
    let compiled = compiler.compile(SCHEMA, &mut schemas).map_err(|error| wrong(format!("{error:#}")))?;
    Ok((schemas, compiled))
}

/// How large schemas are when all that they refer to stands in its place.
#[derive(Default)]
struct Size<'s> {
    /// By reference, nodes and levels; none where that is being found out.
    known: HashMap<&'s str, Option<(usize, usize)>>,
}

impl<'s> Size<'s> {
    /// Nodes and levels of a part of a schema.
    fn of(&mut self, root: &'s Value, part: &'s Value) -> Result<(usize, usize), String> {
        let (mut nodes, mut levels) = (1_usize, 0);
        let mut add = |(of, deep): (usize, usize)| {
            nodes = nodes.saturating_add(of);
            levels = levels.max(deep);
        };
        match part {
            Value::Array(items) => items.iter().try_for_each(|item| self.of(root, item).map(&mut add))?,
            Value::Object(entries) => {
                for (key, value) in entries {
                    add(match (key.as_str(), value) {
                        ("$ref", Value::String(reference)) => self.of_reference(root, reference)?,
                        ("$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                            return Err(format!("{key} is not understood here"));
                        }
                        ("$id", Value::String(_)) if !std::ptr::eq(part, root) => {
                            return Err("only the whole of it has an $id".to_owned());
                        }
                        _ => self.of(root, value)?,
                    });
                }
            }
            _ => {}
        }
        let levels = levels + 1;
        if nodes > SCHEMA_NODES_MAX || levels > SCHEMA_DEPTH_MAX {
            return Err("what it refers to makes it too large".to_owned());
        }
        Ok((nodes, levels))
    }

    fn of_reference(&mut self, root: &'s Value, reference: &'s str) -> Result<(usize, usize), String> {
        match self.known.get(reference) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(format!("{reference} refers to itself")),
            None => {}
        }
        let pointer = reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let target = pointer.and_then(|pointer| root.pointer(pointer));
        let target = target.ok_or_else(|| format!("it refers to {reference}; a schema stands alone"))?;
        self.known.insert(reference, None);
        let size = self.of(root, target)?;
        self.known.insert(reference, Some(size));
        Ok(size)
    }
}

/// The innermost faults: those around them only say where they come from.
fn gather(error: &ValidationError, faults: &mut Vec<OptionFault>) {
    if faults.len() >= OPTION_FAULTS_MAX {
        return;
    }
    if !error.causes.is_empty() {
        error.causes.iter().for_each(|cause| gather(cause, faults));
        return;
    }
    let mut path = error.instance_location.to_string();
    if let ErrorKind::AdditionalProperties { got } = &error.kind {
        let key = got.first().map_or("", |key| key.as_ref());
        path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
    }
    faults.push(OptionFault { path, message: error.kind.to_string() });
}

/// Refuses patterns that would take up much memory.
fn check_patterns(schema: &Value) -> Result<(), String> {
    let check = |pattern: &str| {
        let built = RegexBuilder::new(pattern).size_limit(SCHEMA_PATTERN_BYTES_MAX).build();
        built.map(drop).map_err(|error| error.to_string())
    };
    match schema {
        Value::Array(items) => items.iter().try_for_each(check_patterns),
        Value::Object(entries) => entries.iter().try_for_each(|(key, value)| {
            match (key.as_str(), value) {
                ("pattern", Value::String(pattern)) => check(pattern)?,
                ("patternProperties", Value::Object(patterns)) => patterns.keys().try_for_each(|key| check(key))?,
                _ => {}
            }
            check_patterns(value)
        }),
        _ => Ok(()),
    }
}

/// Nothing is fetched, and no file is read.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, url: &str) -> Result<Value, Box<dyn Error>> {
        Err(format!("it refers to {url}; a schema stands alone").into())
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn faults(schema: &str, options: &str) -> Vec<String> {
        let faults = check(schema, &serde_json::from_str(options).unwrap());
        faults.into_iter().map(|OptionFault { path, message }| format!("{path}: {message}")).collect()
    }

    #[test]
    fn faults_have_places() {
        let schema = r#"{"type": "object", "additionalProperties": false,
            "properties": {"allow": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]+$"}}}}"#;
        assert_eq!(faults(schema, r#"{"allow": ["a"]}"#), [""; 0]);
        let found = faults(schema, r#"{"allow": ["a", 1, "B"], "al/ow": 2}"#);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().any(|fault| fault.starts_with("/allow/1: want string")), "{found:?}");
        assert!(found.iter().any(|fault| fault.starts_with("/al~1ow: additionalProperties")), "{found:?}");
    }

    #[test]
    fn schemas_of_strangers_are_bounded() {
        let refused = |schema: &str, why: &str| {
            let found = faults(schema, "{}");
            assert!(found.len() == 1 && found[0].contains(why), "{schema:.80}: {found:?}");
        };
        refused("{", "no JSON");
        refused(r#"{"type": "strang"}"#, "the rule's schema: ");
        for elsewhere in ["http://127.0.0.1:9/x", "file:///etc/passwd", "other", "#/$defs/none", "#anchor"] {
            refused(&format!(r#"{{"$ref": "{elsewhere}"}}"#), "a schema stands alone");
        }
        refused(r#"{"$schema": "http://127.0.0.1:9/x"}"#, "a schema stands alone");
        refused(r##"{"$dynamicRef": "#a"}"##, "not understood");
        refused(r##"{"properties": {"a": {"$ref": "#"}}}"##, "refers to itself");
        refused(r#"{"pattern": "(a{1000}){1000}"}"#, "size limit");
        refused(r#"{"patternProperties": {"(a{1000}){1000}": true}}"#, "size limit");
        refused(&format!("{}true{}", r#"{"not":"#.repeat(5_000), "}".repeat(5_000)), "no JSON");
        refused(&format!("{{\"title\": \"{}\"}}", "a".repeat(SCHEMA_BYTES_MAX)), "larger than");
        let deep = |levels: usize| r#"{"a":"#.repeat(levels) + "1" + &"}".repeat(levels);
        assert!(faults("{}", &deep(OPTIONS_DEPTH_MAX + 1))[0].contains("nested deeper"));
        // References that double at each step, and a long chain of them.
        for (width, length) in [(2, 60), (1, 1_200)] {
            let mut schema = String::from(r##"{"$ref": "#/$defs/0", "$defs": {"##);
            for link in 0..length {
                let next = vec![format!(r##"{{"$ref": "#/$defs/{}"}}"##, link + 1); width].join(",");
                write!(schema, r#""{link}": {{"allOf": [{next}]}},"#).unwrap();
            }
            write!(schema, r#""{length}": {{"type": "string"}}}}}}"#).unwrap();
            refused(&schema, "too large");
        }
    }

    #[test]
    fn parts_of_a_schema_may_be_shared() {
        let schema = r##"{"properties": {"a": {"$ref": "#/$defs/names"}, "b": {"$ref": "#/$defs/names"}},
            "$defs": {"names": {"type": "array", "items": {"enum": ["x", "y"]}}}}"##;
        assert_eq!(faults(schema, r#"{"a": ["x"], "b": ["y"]}"#), [""; 0]);
        assert_eq!(faults(schema, r#"{"b": ["x", "z"]}"#).len(), 1);
    }
}
