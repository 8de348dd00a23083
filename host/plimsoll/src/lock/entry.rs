//! One line of a lock: `[module, function, [arguments], {"value", "policy", …}]`.
//!
//! Invariant: what this program does not know is kept, letter by letter but for
//! blanks outside of strings. So numbers of any length and keys in any order
//! survive.

use std::fmt::{self, Write as _};

use serde_json::Value;
use serde_json::value::RawValue;

/// What an entry is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Such as `oci`.
    pub module: String,
    /// Such as `resolve`.
    pub function: String,
    /// The arguments as JSON without blanks, such as `["docker.io/library/alpine:3.20","linux/amd64"]`.
    arguments: String,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// One of a module and function that this program knows.
    Known {
        /// What the reference meant.
        value: Value,
        /// When it may move.
        policy: Policy,
        /// What else is said, by name.
        more: Vec<(String, String)>,
    },
    /// What follows the arguments, as JSON without blanks.
    Unknown(String),
}

/// When an entry may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// When the user asks for it only.
    Pin,
    /// In every run that may ask.
    Float,
}

impl Policy {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Float => "float",
        }
    }

    /// That of a name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Pin, Self::Float].into_iter().find(|policy| policy.name() == name)
    }
}

/// Modules and functions of which this program knows what they mean.
const KNOWN: [(&str, &str); 8] = [
    ("config", "resolve"),
    ("git", "resolve"),
    ("http", "digest"),
    ("oci", "index"),
    ("oci", "referrers"),
    ("oci", "resolve"),
    ("oci", "tags"),
    ("plugins", "resolve"),
];

/// What this program writes beside value and policy.
const OWN_FIELDS: [&str; 9] =
    ["capabilities", "component", "contract", "index", "kind", "options", "size", "time", "url"];

impl Key {
    /// A key of a known module, with these arguments.
    pub fn new(module: &str, function: &str, arguments: &[&str]) -> Self {
        let arguments = Value::from(arguments.to_vec()).to_string();
        Self { module: module.to_owned(), function: function.to_owned(), arguments }
    }

    /// Whether this program knows what it means.
    pub fn is_known(&self) -> bool {
        KNOWN.contains(&(self.module.as_str(), self.function.as_str()))
    }

    /// Whether it is about what images, URLs and branches mean, and not about plugins or configuration.
    pub fn is_of_files(&self) -> bool {
        self.is_known() && !["plugins", "config"].contains(&self.module.as_str())
    }

    /// The arguments, where all of them are texts.
    pub fn arguments(&self) -> Vec<String> {
        serde_json::from_str(&self.arguments).unwrap_or_default()
    }
}

impl fmt::Display for Key {
    /// As people write it: `oci.resolve docker.io/library/alpine:3.20 linux/amd64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", plain_text(&self.module), plain_text(&self.function))?;
        match serde_json::from_str::<Vec<String>>(&self.arguments) {
            Ok(arguments) => arguments.iter().try_for_each(|argument| write!(f, " {}", plain_text(argument))),
            Err(_) => write!(f, " {}", self.arguments),
        }
    }
}

impl Entry {
    /// An entry that says this much.
    pub fn new(value: impl Into<Value>, policy: Policy) -> Self {
        Self::Known { value: value.into(), policy, more: Vec::new() }
    }

    /// The same, with a text more.
    pub fn with(mut self, name: &str, text: impl Into<Value>) -> Self {
        if let Self::Known { more, .. } = &mut self {
            more.retain(|(known, _)| known != name);
            more.push((name.to_owned(), text.into().to_string()));
            more.sort();
        }
        self
    }

    /// The value, where this program knows what it means.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// The value as a text.
    pub fn text(&self) -> Option<&str> {
        self.value()?.as_str()
    }

    /// The policy.
    pub fn policy(&self) -> Option<Policy> {
        match self {
            Self::Known { policy, .. } => Some(*policy),
            Self::Unknown(_) => None,
        }
    }

    /// What else it says under a name.
    pub fn more(&self, name: &str) -> Option<Value> {
        match self {
            Self::Known { more, .. } => {
                let (_, text) = more.iter().find(|(known, _)| known == name)?;
                serde_json::from_str(text).ok()
            }
            Self::Unknown(_) => None,
        }
    }

    /// What a build would take: the index of an image where there is one, else the value.
    pub fn content(&self) -> Option<Value> {
        self.more("index").or_else(|| self.value().cloned())
    }

    /// The same under another policy.
    pub fn under(mut self, new: Policy) -> Self {
        if let Self::Known { policy, .. } = &mut self {
            *policy = new;
        }
        self
    }

    /// The same in place of an old one, whose fields that this program does not know it keeps.
    pub fn over(self, old: &Self) -> Self {
        self.joined(old, |name| !OWN_FIELDS.contains(&name))
    }

    /// The same with all that another one says besides and this one does not.
    pub fn keeping(self, other: &Self) -> Self {
        self.joined(other, |_| true)
    }

    fn joined(mut self, other: &Self, is_wanted: impl Fn(&str) -> bool) -> Self {
        if let (Self::Known { more, .. }, Self::Known { more: others, .. }) = (&mut self, other) {
            let is_missing = |name: &str| !more.iter().any(|(known, _)| known == name);
            let missing = others.iter().filter(|(name, _)| is_wanted(name) && is_missing(name));
            let missing: Vec<_> = missing.cloned().collect();
            more.extend(missing);
            more.sort();
        }
        self
    }
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Result<(Key, Entry), String> {
    const FORM: &str = "an entry is [\"MODULE\",\"FUNCTION\",[ARGUMENTS],{\"value\":…,\"policy\":\"pin\"}]";
    let parts: Vec<&RawValue> =
        serde_json::from_str(line).map_err(|error| format!("it is no JSON array ({}): {FORM}", plain(&error)))?;
    let [module, function, arguments, rest @ ..] = parts.as_slice() else {
        return Err(format!("it has {} parts: {FORM}", parts.len()));
    };
    let text = |part: &RawValue| serde_json::from_str::<String>(part.get()).ok();
    let (Some(module), Some(function)) = (text(module), text(function)) else {
        return Err(format!("its module and function are no texts: {FORM}"));
    };
    let mut key = Key { module, function, arguments: compact(arguments.get()) };
    if !key.is_known() {
        let rest: Vec<String> = rest.iter().map(|part| compact(part.get())).collect();
        return Ok((key, Entry::Unknown(rest.join(","))));
    }
    let are_texts = serde_json::from_str::<Vec<&RawValue>>(&key.arguments)
        .is_ok_and(|arguments| arguments.iter().all(|argument| argument.get().starts_with('"')));
    if !are_texts {
        return Err(format!("the arguments of {}.{} are texts: {FORM}", key.module, key.function));
    }
    if key.arguments.contains('\\') {
        // The same text may be written in several ways.
        key.arguments = Value::from(key.arguments()).to_string();
    }
    let [envelope] = rest else { return Err(format!("it has {} parts: {FORM}", parts.len())) };
    let entry = envelope_of(envelope).map_err(|message| format!("{key}: {message}"))?;
    Ok((key, entry))
}

fn envelope_of(envelope: &RawValue) -> Result<Entry, String> {
    const AGAIN: &str = "take the line away and run `plimsoll lock`";
    let fields: Fields = serde_json::from_str(envelope.get())
        .map_err(|_| format!("what it says is no JSON object with \"value\" and \"policy\": {AGAIN}"))?;
    let mut more: Vec<(String, String)> = Vec::new();
    let (mut value, mut policy) = (None, None);
    for (name, text) in fields.0 {
        match name.as_str() {
            "value" => value = serde_json::from_str(&text).ok(),
            "policy" => policy = Some(text),
            _ => {
                more.retain(|(known, _)| *known != name);
                more.push((name, text));
            }
        }
    }
    more.sort();
    let value = value.ok_or_else(|| format!("it has no \"value\": {AGAIN}"))?;
    let policy = policy.ok_or_else(|| format!("it has no \"policy\": write \"pin\" or \"float\", or {AGAIN}"))?;
    let named = serde_json::from_str(&policy).ok().and_then(|name: String| Policy::of(&name));
    let policy = named.ok_or_else(|| format!("{policy} is no policy: write \"pin\" or \"float\""))?;
    Ok(Entry::Known { value, policy, more })
}

/// The fields of an object in their order, each as JSON without blanks.
struct Fields(Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    fields.push((name, compact(value.get())));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Writes a line, without its end.
pub(super) fn write(text: &mut String, key: &Key, entry: &Entry) {
    let (module, function) = (Value::from(key.module.as_str()), Value::from(key.function.as_str()));
    let _ = write!(text, "[{module},{function},{}", key.arguments);
    match entry {
        Entry::Unknown(rest) if rest.is_empty() => {}
        Entry::Unknown(rest) => {
            let _ = write!(text, ",{rest}");
        }
        Entry::Known { value, policy, more } => {
            let _ = write!(text, ",{{\"value\":{value},\"policy\":\"{}\"", policy.name());
            for (name, json) in more {
                let _ = write!(text, ",{}:{json}", Value::from(name.as_str()));
            }
            text.push('}');
        }
    }
    text.push(']');
}

/// A text of a stranger's on one line, without what a terminal would obey.
pub(super) fn plain_text(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// JSON without blanks outside of its strings.
fn compact(json: &str) -> String {
    if !json.contains([' ', '\t', '\n', '\r']) {
        return json.to_owned();
    }
    let (mut text, mut is_string, mut is_escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_string,
            '"' => is_string = !is_string,
            ' ' | '\t' | '\n' | '\r' if !is_string => continue,
            _ => {}
        }
        text.push(c);
    }
    text
}

/// What a parser says, without where: a line has one line.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}
