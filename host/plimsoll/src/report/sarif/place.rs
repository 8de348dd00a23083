//! Where something is: addresses of files, and regions in them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use plimsoll_dockerfile::Span;
use serde::Serialize;

use super::Text;
use crate::document::Source;
use crate::report::walk::Place;

/// What stands for the folder that paths are relative to.
pub(super) const BASE: &str = "%SRCROOT%";

/// All but what stands for itself in the path of any address; no colon, which could end a scheme.
const IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

#[derive(Serialize)]
pub(super) struct Base {
    #[serde(rename = "uriBaseId")]
    pub(super) id: &'static str,
}

#[derive(Serialize)]
pub(super) struct Location<'o> {
    #[serde(rename = "physicalLocation")]
    pub(super) physical: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<Text<'o>>,
}

#[derive(Serialize)]
pub(super) struct PhysicalLocation {
    #[serde(rename = "artifactLocation")]
    pub(super) file: File,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<Region>,
}

/// A file by its address.
#[derive(Serialize)]
pub(super) struct File {
    uri: String,
    #[serde(rename = "uriBaseId", skip_serializing_if = "Option::is_none")]
    base: Option<&'static str>,
}

impl File {
    /// The address of a path as reports show it. What leads out of the base is not relative to it.
    pub(super) fn of(path: &str) -> Self {
        let path = path.strip_prefix("./").unwrap_or(path);
        let uri = percent_encode(path.as_bytes(), IN_PATHS).to_string();
        match path {
            _ if path.starts_with('/') => Self { uri: format!("file://{uri}"), base: None },
            _ if path.split('/').any(|part| part == "..") => Self { uri, base: None },
            _ => Self { uri, base: Some(BASE) },
        }
    }
}

/// A range, counted from 1 in lines and columns and from 0 in offsets; ends are the first behind.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    char_offset: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    char_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_offset: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_length: Option<u32>,
}

impl Region {
    /// A span of a file.
    pub(super) fn of(span: Span, source: &Source) -> Self {
        let Place { start, end } = Place::of(span, Some(source));
        let characters = |offset| source.lines().characters(offset);
        Self {
            start_line: start.line,
            start_column: Some(start.column),
            end_line: Some(end.line),
            end_column: Some(end.column),
            char_offset: Some(characters(span.start)),
            char_length: Some(characters(span.end).saturating_sub(characters(span.start))),
            byte_offset: Some(span.start),
            byte_length: Some(span.len()),
        }
    }

    /// A whole line.
    pub(super) fn of_line(line: u32) -> Self {
        Self {
            start_line: line,
            start_column: None,
            end_line: None,
            end_column: None,
            char_offset: None,
            char_length: None,
            byte_offset: None,
            byte_length: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_addresses() {
        let check = |path: &str, uri: &str, base: Option<&str>| {
            let file = File::of(path);
            assert_eq!((file.uri.as_str(), file.base), (uri, base), "{path}");
        };
        check("./a/Dockerfile", "a/Dockerfile", Some(BASE));
        check("a b/c%d/\u{e9}:1#?.Dockerfile", "a%20b/c%25d/%C3%A9%3A1%23%3F.Dockerfile", Some(BASE));
        check("javascript:alert(1)", "javascript%3Aalert%281%29", Some(BASE));
        check("/srv/a/Dockerfile", "file:///srv/a/Dockerfile", None);
        check("../a/Dockerfile", "../a/Dockerfile", None);
        check("a\n..b\\c", "a%0A..b%5Cc", Some(BASE));
    }
}
