//! TOML by key, with the line of everything, as `registries.conf` is read elsewhere: keys in any case, unknown ones
//! ignored, a value of another type an error.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;
use super::files::Source;

/// A value and the line it is on, from 1.
#[derive(Clone, Debug)]
pub(super) struct Line<T> {
    pub value: T,
    pub line: usize,
}

/// A table of a file.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    source: &'a Source,
    table: &'a DeTable<'a>,
    /// Where the table begins.
    pub line: usize,
}

impl Source {
    /// Parses the text and hands the root table to `read`.
    pub fn parsed<T>(&self, read: impl FnOnce(Table<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let root = DeTable::parse(&self.text).map_err(|error| {
            let line = self.line(&error.span().unwrap_or(0..0));
            self.problem(line, format!("not TOML: {}", error.message().replace('\n', ", ")))
        })?;
        read(Table { source: self, table: root.get_ref(), line: 1 })
    }

    pub fn problem(&self, line: usize, what: impl Into<String>) -> Problem {
        Problem { file: Some(self.shown.clone()), line: Some(line), what: what.into() }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

impl<'a> Table<'a> {
    pub fn string(self, key: &str) -> Result<Option<Line<String>>, Problem> {
        self.read(key, "a string", |value, line| match value.get_ref() {
            DeValue::String(text) => Some(Line { value: text.clone().into_owned(), line }),
            _ => None,
        })
    }

    pub fn boolean(self, key: &str) -> Result<bool, Problem> {
        let found = self.read(key, "true or false", |value, _| match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => None,
        });
        Ok(found?.unwrap_or(false))
    }

    pub fn strings(self, key: &str) -> Result<Option<Vec<Line<String>>>, Problem> {
        self.read(key, "a list of strings", |value, _| match value.get_ref() {
            DeValue::Array(items) => {
                let item = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
                    DeValue::String(text) => {
                        Some(Line { value: text.clone().into_owned(), line: self.source.line(&item.span()) })
                    }
                    _ => None,
                };
                items.iter().map(item).collect()
            }
            _ => None,
        })
    }

    pub fn table(self, key: &str) -> Result<Option<Self>, Problem> {
        self.read(key, "a table", |value, line| match value.get_ref() {
            DeValue::Table(table) => Some(Self { table, line, ..self }),
            _ => None,
        })
    }

    pub fn tables(self, key: &str) -> Result<Option<Vec<Self>>, Problem> {
        self.read(key, "a list of tables", |value, _| match value.get_ref() {
            DeValue::Array(items) => {
                let item = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
                    DeValue::Table(table) => Some(Self { table, line: self.source.line(&item.span()), ..self }),
                    _ => None,
                };
                items.iter().map(item).collect()
            }
            _ => None,
        })
    }

    /// All keys of a table whose values must be strings.
    pub fn entries(self) -> Result<Vec<(String, Line<String>)>, Problem> {
        let entry = |(key, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let line = self.source.line(&key.span());
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            match value.get_ref() {
                DeValue::String(text) => {
                    Ok((key.clone().into_owned(), Line { value: text.clone().into_owned(), line }))
                }
                _ => Err(self.source.problem(line, format!("`{key}` must be a string"))),
            }
        };
        self.table.iter().map(entry).collect()
    }

    fn read<T>(
        self,
        key: &str,
        kind: &str,
        take: impl FnOnce(&'a Spanned<DeValue<'a>>, usize) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let exact = self.table.iter().find(|(name, _)| name.get_ref() == key);
        let found = exact.or_else(|| self.table.iter().find(|(name, _)| name.get_ref().eq_ignore_ascii_case(key)));
        let Some((name, value)) = found else {
            return Ok(None);
        };
        let line = self.source.line(&name.span());
        take(value, line).map(Some).ok_or_else(|| self.source.problem(line, format!("`{key}` must be {kind}")))
    }
}
