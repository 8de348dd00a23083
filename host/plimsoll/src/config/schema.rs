//! The JSON Schema of `plimsoll.toml`, made of the types that read it.
//!
//! Input: the rules that there are, with the schemas of their options. Output: a
//! schema that editors and other tools read. Values that are written as text and
//! mean something else have a type here that says how that text looks.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::File;
use super::file::{FullRuleTable, RuleTable, SeverityOrOff};
use crate::limits::CONCURRENCY_MAX;

/// Where the schema is published.
const ID: &str = "https://raw.githubusercontent.com/plimsoll/plimsoll/main/plimsoll.schema.json";

/// A rule, as far as the schema is concerned.
pub struct SchemaRule<'r> {
    /// The full name.
    pub name: &'r str,
    /// The JSON Schema of its options; empty where it takes none.
    pub options: &'r str,
}

/// The schema of `plimsoll.toml`, where these are the rules of the bundled packs.
///
/// # Errors
/// When a rule's schema is no JSON.
pub fn schema(rules: &[SchemaRule]) -> serde_json::Result<Value> {
    let generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let mut schema = generator.into_root_schema_for::<File>().to_value();
    tidy(&mut schema);
    let names: Vec<&str> = rules.iter().map(|rule| rule.name).collect();
    schema["$id"] = ID.into();
    schema["title"] = "plimsoll.toml".into();
    schema["$defs"]["RuleName"] = rule_name(&names);
    schema["$defs"]["Selector"] = selector(&names);
    let mut own = Map::new();
    for rule in rules {
        let options = match rule.options {
            "" => json!({ "type": "object", "maxProperties": 0 }),
            text => serde_json::from_str(text)?,
        };
        let table = json!({ "type": "object", "properties": { "options": options } });
        own.insert(
            rule.name.to_owned(),
            json!({ "allOf": [{ "$ref": "#/$defs/RuleTable" }, { "if": { "type": "object" }, "then": table }] }),
        );
    }
    let table = &mut schema["properties"]["rules"];
    table["propertyNames"] = json!({ "$ref": "#/$defs/RuleName" });
    table["properties"] = own.into();
    Ok(schema)
}

/// Takes out what TOML has no word for, and what only Rust knows.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(entries) => {
            entries.remove("default");
            entries.remove("format");
            if let Some(Value::Array(types)) = entries.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    entries.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(schemas)) = entries.get_mut("anyOf") {
                schemas.retain(|schema| schema.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = schemas.as_slice() {
                    let only = only.clone();
                    entries.remove("anyOf");
                    entries.extend(only);
                }
            }
            for (keyword, inner) in entries {
                match inner {
                    // Here the names are those of keys, whatever they are called.
                    Value::Object(keys) if keyword == "properties" => keys.values_mut().for_each(tidy),
                    inner => tidy(inner),
                }
            }
        }
        _ => {}
    }
}

/// The name of a rule: one of the bundled packs', or of a pack of others.
fn rule_name(names: &[&str]) -> Value {
    json!({
        "description": "The name of a rule, with its pack.",
        "type": "string",
        "pattern": "^[^/]+/[^/]+$",
        "if": { "pattern": format!("^({})/", packs(names)) },
        "then": { "enum": names }
    })
}

/// What names rules: a name, with or without its pack, a pattern or a preset.
fn selector(names: &[&str]) -> Value {
    json!({
        "description": "Rules: a name, with or without its pack, a pattern such as buildkit/*, or recommended, strict, all.",
        "anyOf": [
            { "enum": ["recommended", "strict", "all"] },
            { "enum": names },
            { "type": "string", "minLength": 1, "not": { "pattern": format!("^({})/[A-Za-z0-9-]+$", packs(names)) } }
        ]
    })
}

fn packs(names: &[&str]) -> String {
    let mut packs: Vec<&str> = names.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    packs.dedup();
    packs.join("|")
}

/// A type of this name with this schema.
macro_rules! written {
    ($($(#[$doc:meta])* $type:ident = $schema:tt;)*) => {$(
        $(#[$doc])*
        pub(super) struct $type;

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

written! {
    /// A duration.
    DurationText = { "type": "string", "pattern": "^[0-9]+(ms|s|m)?$", "examples": ["500ms", "20s", "2m"] };
    /// A number of bytes.
    SizeText = { "type": "string", "pattern": "^[0-9]+(KiB|MiB|GiB)?$", "examples": ["64MiB"] };
    /// From which severity on findings make the run fail.
    FailLevelText = { "enum": ["error", "warning", "info", "style", "none"] };
    /// When slow checks run.
    ModeText = { "enum": ["auto", "on", "off", "true", "false"] };
    /// What budgets count.
    TimeoutModeText = { "enum": ["include-queue", "execution-only"] };
    /// How the lock counts.
    LockModeText = { "enum": ["strict", "auto"] };
    /// How many at once.
    ConcurrencyNumber = { "type": "integer", "minimum": 1, "maximum": CONCURRENCY_MAX };
    /// The digest of a component.
    DigestText = { "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" };
    /// Where a component is that is in no file of this machine.
    SourceText = { "type": "string", "pattern": "^(oci|https?)://" };
    /// A file to extend, or an artifact in a registry.
    ExtendedText = { "type": "string", "minLength": 1, "examples": ["../base.toml", "oci://ghcr.io/acme/policy:1"] };
    /// The name of a tool.
    ToolName = { "type": "string", "pattern": "^[A-Za-z0-9_-]+$" };
    /// Which rules are meant; it is filled in once these are known.
    Selector = {};
}

/// One, or a list of several.
pub(super) struct OneOrMore<T>(std::marker::PhantomData<T>);

impl<T: JsonSchema> JsonSchema for OneOrMore<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMore{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

impl JsonSchema for RuleTable {
    fn schema_name() -> Cow<'static, str> {
        "RuleTable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let severity = generator.subschema_for::<SeverityOrOff>();
        let table = generator.subschema_for::<FullRuleTable>();
        json_schema!({ "anyOf": [severity, table] })
    }
}
