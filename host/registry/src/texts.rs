//! What documents say in annotations and types, bounded: an answer is handed on to rules, whose memory is small.

use std::collections::BTreeMap;

use crate::limits::{ANNOTATIONS_MAX, TEXT_BYTES_MAX};

/// Annotations as documents have them.
pub(crate) type Annotations = Option<BTreeMap<String, Option<String>>>;

/// Counts what one answer holds. The errors say what is too much.
#[derive(Default)]
pub(crate) struct Texts {
    annotations: usize,
    bytes: usize,
}

impl Texts {
    /// Annotations, with nothing for `null`.
    pub fn annotations(&mut self, annotations: Annotations) -> Result<BTreeMap<String, String>, String> {
        let annotations: BTreeMap<_, _> =
            annotations.into_iter().flatten().map(|(key, value)| (key, value.unwrap_or_default())).collect();
        self.annotations += annotations.len();
        if self.annotations > ANNOTATIONS_MAX {
            return Err(format!("more than {ANNOTATIONS_MAX} annotations"));
        }
        self.count(annotations.iter().map(|(key, value)| key.len() + value.len()).sum())?;
        Ok(annotations)
    }

    /// A text, if there is one.
    pub fn text(&mut self, text: Option<String>) -> Result<Option<String>, String> {
        self.count(text.as_ref().map_or(0, String::len))?;
        Ok(text)
    }

    fn count(&mut self, bytes: usize) -> Result<(), String> {
        self.bytes += bytes;
        match self.bytes > TEXT_BYTES_MAX {
            true => Err(format!("more than {TEXT_BYTES_MAX} bytes of annotations and types")),
            false => Ok(()),
        }
    }
}
