//! JSON for people: short values in one line, longer ones an entry a line.

use serde_json::Value;

/// The columns that a value may fill before each of its entries has a line of its own.
const COLUMNS_MAX: usize = 120;
/// What is so deep stays in its line, however long.
const DEPTH_MAX: usize = 3;

/// A value as a page shows it. An object on top with several entries has a line for each.
pub(in super::super) fn spaced(value: &Value) -> String {
    let has_several = value.as_object().is_some_and(|facts| facts.len() > 1);
    written(value, 0, has_several)
}

fn written(value: &Value, depth: usize, is_broken: bool) -> String {
    let line = in_one_line(value);
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(key, value)| (format!("{}: ", Value::from(&**key)), value)).collect()
        }
        Value::Array(array) => array.iter().map(|value| (String::new(), value)).collect(),
        _ => return line,
    };
    let fits = 2 * depth + line.chars().count() <= COLUMNS_MAX || depth >= DEPTH_MAX;
    if entries.is_empty() || fits && !is_broken {
        return line;
    }
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    let rows = entries.iter().map(|(key, value)| format!("{inner}{key}{}", written(value, depth + 1, false)));
    format!("{open}\n{}\n{outer}{close}", rows.collect::<Vec<_>>().join(",\n"))
}

fn in_one_line(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let entries = object.iter().map(|(key, value)| format!("{}: {}", Value::from(&**key), in_one_line(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(array) => format!("[{}]", array.iter().map(in_one_line).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::spaced;

    #[test]
    fn short_values_stay_in_their_line() {
        assert_eq!(spaced(&json!({})), "{}");
        assert_eq!(spaced(&json!({"tags a/b": ["1", "2"]})), r#"{"tags a/b": ["1", "2"]}"#);
        assert_eq!(spaced(&json!({"a": {"b": 1}, "c": []})), "{\n  \"a\": {\"b\": 1},\n  \"c\": []\n}");
        let long = "x".repeat(100);
        let broken = format!("{{\n  \"a\": [\n    {long:?},\n    {long:?}\n  ]\n}}");
        assert_eq!(spaced(&json!({ "a": [long, long] })), broken);
    }
}
