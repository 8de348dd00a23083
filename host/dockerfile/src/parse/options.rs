//! Options in flags of `RUN`: `--mount=type=cache,target=/x` and `--device=name,required`.
//!
//! The value of a flag → its [`Field`]s → a [`Mount`], or BuildKit's words against it.

use std::borrow::Cow;

use crate::source::parse_bool;
use crate::suggest;

/// One comma-separated field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// Its text without quotes.
    pub text: Cow<'a, str>,
    /// Where the text starts in the flag's value.
    pub start: usize,
}

/// What a mount says, as far as anyone needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mount {
    pub kind: MountKind,
    pub from: String,
    target: String,
    has_source: bool,
    has_id: bool,
    has_sharing: bool,
    /// `mode`, `uid` or `gid`, whichever came first.
    owner: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MountKind {
    #[default]
    Bind,
    Cache,
    Tmpfs,
    Secret,
    Ssh,
}

/// The fields of one value, in order.
pub(crate) struct Fields<'a> {
    /// What is left of a value without quotes, and where it starts in the value.
    plain: Option<(&'a str, usize)>,
    quoted: std::vec::IntoIter<Field<'a>>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let Some((rest, start)) = self.plain.take() else { return self.quoted.next() };
        let text = match rest.bytes().position(|b| b == b',') {
            Some(len) => {
                self.plain = Some((&rest[len + 1..], start + len + 1));
                &rest[..len]
            }
            None => rest,
        };
        Some(Field { text: text.into(), start })
    }
}

/// Splits CSV: fields may be quoted with `"`, doubled inside.
pub(crate) fn fields(value: &str) -> Result<Fields<'_>, String> {
    let line = value.strip_suffix('\n').map_or(value, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.is_empty() {
        return Err("EOF".into());
    }
    if !line.as_bytes().contains(&b'"') {
        return Ok(Fields { plain: Some((line, 0)), quoted: Vec::new().into_iter() });
    }
    Ok(Fields { plain: None, quoted: quoted_fields(line)?.into_iter() })
}

fn quoted_fields(line: &str) -> Result<Vec<Field<'_>>, String> {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let rest = &line[at..];
        let Some(quoted) = rest.strip_prefix('"') else {
            let len = rest.bytes().position(|b| b == b',').unwrap_or(rest.len());
            if let Some(quote) = rest[..len].bytes().position(|b| b == b'"') {
                return Err(format!("parse error on line 1, column {}: bare \" in non-quoted-field", at + quote + 1));
            }
            fields.push(Field { text: rest[..len].into(), start: at });
            at += len + 1;
            if at > line.len() {
                return Ok(fields);
            }
            continue;
        };
        let len = closing_quote(quoted).ok_or_else(|| {
            format!("parse error on line 1, column {}: extraneous or missing \" in quoted-field", at + 2)
        })?;
        let text = &quoted[..len];
        let text = if text.contains('"') { text.replace("\"\"", "\"").into() } else { text.into() };
        fields.push(Field { text, start: at + 1 });
        at += len + 2;
        match line[at..].chars().next() {
            None => return Ok(fields),
            Some(',') => at += 1,
            Some(_) => {
                return Err(format!("parse error on line 1, column {at}: extraneous or missing \" in quoted-field"));
            }
        }
    }
}

impl Field<'_> {
    /// What stands before and behind the first `=`, if there is one.
    pub(crate) fn pair(&self) -> Option<(&str, &str)> {
        let equals = self.text.bytes().position(|b| b == b'=')?;
        Some((&self.text[..equals], &self.text[equals + 1..]))
    }
}

impl Mount {
    /// Reads the next field. `value` is the expanded text behind `=`.
    pub(crate) fn set(&mut self, field: &str, value: Option<&str>) -> Result<(), String> {
        let key = lower(&field[..field.bytes().position(|b| b == b'=').unwrap_or(field.len())]);
        let fallible = matches!(self.kind, MountKind::Secret | MountKind::Ssh);
        let unexpected = |mount: &Self| format!("unexpected key '{key}' for mount type '{}'", mount.kind.as_str());
        let Some(value) = value else {
            return match &*key {
                "readonly" | "ro" | "readwrite" | "rw" => Ok(()),
                "required" if fallible => Ok(()),
                "required" => Err(unexpected(self)),
                _ => Err(format!("invalid field '{field}' must be a key=value pair")),
            };
        };
        let invalid = || format!("invalid value for {key}: {value}");
        match &*key {
            "type" => self.kind = MountKind::parse(value)?,
            "from" => self.from = value.into(),
            "source" | "src" => self.has_source = !value.is_empty(),
            "target" | "dst" | "destination" => self.target = value.into(),
            "id" => self.has_id = !value.is_empty(),
            "env" => {}
            "readonly" | "ro" | "readwrite" | "rw" => drop(parse_bool(value).ok_or_else(invalid)?),
            "required" if fallible => drop(parse_bool(value).ok_or_else(invalid)?),
            "size" if self.kind == MountKind::Tmpfs => {
                if !is_size(value) {
                    return Err(invalid());
                }
            }
            "required" | "size" => return Err(unexpected(self)),
            "sharing" => {
                self.has_sharing = true;
                if !SHARING.contains(&&*lower(value)) {
                    return Err(suggested(format!("unsupported sharing value {value:?}"), value, &SHARING));
                }
            }
            "mode" => self.number("mode", parse_unsigned(value, 8).is_some(), value)?,
            "uid" => self.number("uid", parse_unsigned(value, 10).is_some(), value)?,
            "gid" => self.number("gid", parse_unsigned(value, 10).is_some(), value)?,
            _ => return Err(suggested(format!("unexpected key '{key}' in '{field}'"), &key, &MOUNT_KEYS)),
        }
        Ok(())
    }

    /// Where it is mounted.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Whether it names a source.
    pub(crate) fn has_source(&self) -> bool {
        self.has_source
    }

    /// What is wrong with the mount as a whole.
    pub(crate) fn check(&self) -> Result<(), String> {
        let kind = self.kind.as_str();
        if let (MountKind::Bind | MountKind::Tmpfs, Some(owner)) = (self.kind, self.owner) {
            return Err(format!("{owner} not allowed for {kind:?} type mounts"));
        }
        if self.kind == MountKind::Secret {
            if !self.from.is_empty() {
                return Err("secret mount should not have a from".into());
            }
            if self.has_sharing {
                return Err("secret mount should not define sharing".into());
            }
            if !self.has_source && self.target.is_empty() && !self.has_id {
                return Err("invalid secret mount. one of source, target required".into());
            }
            if self.has_source && self.has_id {
                return Err("both source and id can't be set".into());
            }
        }
        if self.has_sharing && self.kind != MountKind::Cache {
            return Err(format!("invalid cache sharing set for {kind} mount"));
        }
        Ok(())
    }

    fn number(&mut self, key: &'static str, valid: bool, value: &str) -> Result<(), String> {
        self.owner.get_or_insert(key);
        if valid { Ok(()) } else { Err(format!("invalid value {value} for {key}")) }
    }
}

impl MountKind {
    fn parse(value: &str) -> Result<Self, String> {
        let kinds = [Self::Bind, Self::Cache, Self::Tmpfs, Self::Secret, Self::Ssh];
        let lower = lower(value);
        let kind = kinds.into_iter().find(|kind| kind.as_str() == lower);
        kind.ok_or_else(|| suggested(format!("unsupported mount type {value:?}"), value, &kinds.map(Self::as_str)))
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Cache => "cache",
            Self::Tmpfs => "tmpfs",
            Self::Secret => "secret",
            Self::Ssh => "ssh",
        }
    }
}

/// What is wrong with the value of `--device`.
pub(crate) fn check_device(value: &str) -> Result<(), String> {
    let fields = fields(value).map_err(|reason| format!("failed to parse csv devices: {reason}"))?;
    let mut name = String::new();
    for field in fields {
        let text = &field.text;
        let (key, value) = field.pair().map_or((&**text, None), |(key, value)| (key, Some(value)));
        match (key.to_lowercase().as_str(), value) {
            ("required", None) => {}
            ("required", Some(value)) => {
                parse_bool(value).ok_or_else(|| format!("invalid value for required: {value}"))?;
            }
            ("name", Some(_)) if !name.is_empty() => return Err(format!("device name already set to {name}")),
            ("name", Some(value)) => name = value.into(),
            _ if name.is_empty() => name = text.to_string(),
            (_, None) => return Err(format!("invalid field '{text}' must be a key=value pair")),
            (key, Some(_)) => {
                return Err(suggested(format!("unexpected key '{key}' in '{text}'"), key, &["name", "required"]));
            }
        }
    }
    Ok(())
}

/// A message with the nearest known name, if one is near.
pub(crate) fn suggested(message: String, value: &str, known: &[&str]) -> String {
    match suggest::nearest(value, known.iter().copied()) {
        Some(near) => format!("{message} (did you mean {near}?)"),
        None => message,
    }
}

const SHARING: [&str; 3] = ["shared", "private", "locked"];

const MOUNT_KEYS: [&str; 19] = [
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
    "src",
    "dst",
    "destination",
    "ro",
    "rw",
    "readwrite",
    "env",
];

/// A text in lower case.
fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    if is_lower { text.into() } else { text.to_lowercase().into() }
}

/// The place of the quote that closes a field; doubled quotes do not.
fn closing_quote(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].find('"')?;
        if !text[at + 1..].starts_with('"') {
            return Some(at);
        }
        at += 2;
    }
}

/// An unsigned number without sign.
fn parse_unsigned(value: &str, radix: u32) -> Option<u32> {
    u32::from_str_radix(value, radix).ok().filter(|_| !value.starts_with('+'))
}

/// A number with a binary unit, such as `64m` or `1.5GiB`.
fn is_size(value: &str) -> bool {
    let Some(end) = value.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ') else { return false };
    let (number, unit) = value.split_at(end + 1);
    let number = number.strip_suffix(' ').unwrap_or(number);
    let unit = unit.to_ascii_lowercase();
    let scale = unit.strip_suffix("ib").or_else(|| unit.strip_suffix('b')).unwrap_or(&unit);
    let known = unit.is_empty() || unit == "b" || ["k", "m", "g", "t", "p"].contains(&scale);
    known && number.parse::<f64>().is_ok_and(|number| number >= 0.0)
}
