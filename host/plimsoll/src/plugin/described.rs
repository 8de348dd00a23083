//! The options of a rule as people read of them.
//!
//! Input: the JSON Schema that a plugin gives. Output: a line an option. What a
//! schema says in other ways than by `properties` is left to the schema itself.

use serde_json::Value;

/// An option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedOption {
    /// The key.
    pub name: String,
    /// What its value is, such as `integer` or `list of string`.
    pub kind: String,
    /// What it is for; empty where the schema does not say.
    pub description: String,
}

/// The options that a schema describes, in the order of their names.
pub fn described_options(schema: &str) -> Vec<DescribedOption> {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let described = |(name, property): (&String, &Value)| {
        let description = property["description"].as_str().unwrap_or_default().to_owned();
        DescribedOption { name: name.clone(), kind: kind(property), description }
    };
    properties.iter().map(described).collect()
}

/// What values a schema lets through, in words.
fn kind(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(shown).collect();
        return values.join(" or ");
    }
    match (&schema["type"], &schema["items"]) {
        (Value::String(kind), Value::Null) => kind.clone(),
        (Value::String(kind), items) if kind == "array" => format!("list of {}", kind_of_items(items)),
        (Value::String(kind), _) => kind.clone(),
        (Value::Array(kinds), _) => kinds.iter().map(shown).collect::<Vec<_>>().join(" or "),
        _ => "any value".to_owned(),
    }
}

fn kind_of_items(items: &Value) -> String {
    // One level says enough; the schema has the rest.
    match &items["type"] {
        Value::String(kind) if kind == "array" => "lists".to_owned(),
        _ => kind(items),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_told_in_words() {
        let schema = r#"{"properties": {
            "days": {"type": "integer", "description": "How old"},
            "require": {"type": "array", "items": {"enum": ["sbom", "vex"]}},
            "deep": {"type": "array", "items": {"type": "array", "items": {"type": "array"}}},
            "either": {"type": ["string", "null"]},
            "odd": true
        }}"#;
        let described = described_options(schema);
        let told: Vec<_> = described.iter().map(|option| (option.name.as_str(), option.kind.as_str())).collect();
        let expected = [
            ("days", "integer"),
            ("deep", "list of lists"),
            ("either", "string or null"),
            ("odd", "any value"),
            ("require", "list of sbom or vex"),
        ];
        assert_eq!(told, expected);
        assert_eq!(described[0].description, "How old");
        for schema in ["", "{", "[]", "{\"properties\": []}", "1"] {
            assert_eq!(described_options(schema), [], "{schema}");
        }
    }
}
