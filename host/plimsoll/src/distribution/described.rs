//! What a component says of itself without being run: imports, exports, and the
//! sections in which toolchains note where it came from.
//!
//! Input: bytes, which need not be valid. Output: texts of a stranger, bounded.

use std::collections::BTreeSet;

use wasmparser::{Parser, Payload};

use crate::limits::{ANNOTATION_BYTES_MAX, ARTIFACT_NAMES_MAX};
use crate::plugin::{Component, contract};

/// What a component says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// Names of what it imports.
    pub imports: Vec<String>,
    /// Names of what it exports.
    pub exports: Vec<String>,
    /// Section `description`.
    pub description: Option<String>,
    /// Section `source`: where its source is.
    pub source: Option<String>,
    /// Section `licenses`: an SPDX expression.
    pub licenses: Option<String>,
}

impl Described {
    /// What can be read of it.
    pub fn of(component: &Component) -> Self {
        let mut described = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(component.bytes()) {
            match payload {
                Ok(Payload::Version { .. }) => depth += 1,
                Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
                Ok(payload) if depth == 1 => described.take(&payload),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        described
    }

    /// The version of the contract that it is made for, as its exports say; none if they say nothing of it.
    pub fn contract(&self) -> Option<&str> {
        let versions = self.exports.iter().chain(&self.imports);
        versions.filter_map(|name| Some(name.strip_prefix(contract::PACKAGE)?.split_once('@')?.1)).next()
    }

    /// What it can ask for, as its imports say, sorted.
    pub fn capabilities(&self) -> BTreeSet<&'static str> {
        let imports = self.imports.iter().filter_map(|name| name.strip_prefix(contract::PACKAGE)?.split_once('@'));
        let interfaces: BTreeSet<&str> = imports.map(|(interface, _)| interface).collect();
        contract::CAPABILITIES.iter().copied().filter(|capability| interfaces.contains(capability)).collect()
    }

    fn take(&mut self, payload: &Payload) {
        match payload {
            Payload::ComponentImportSection(imports) => {
                let names = imports.clone().into_iter().map_while(Result::ok);
                extend(&mut self.imports, names.map(|import| import.name.name.to_owned()));
            }
            Payload::ComponentExportSection(exports) => {
                let names = exports.clone().into_iter().map_while(Result::ok);
                extend(&mut self.exports, names.map(|export| export.name.name.to_owned()));
            }
            Payload::CustomSection(section) => {
                let text = std::str::from_utf8(section.data()).ok();
                let text =
                    text.filter(|text| !text.is_empty() && text.len() <= ANNOTATION_BYTES_MAX).map(str::to_owned);
                match section.name() {
                    "description" => self.description = text,
                    "source" => self.source = text,
                    "licenses" => self.licenses = text,
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

fn extend(names: &mut Vec<String>, more: impl Iterator<Item = String>) {
    let room = ARTIFACT_NAMES_MAX.saturating_sub(names.len());
    names.extend(more.filter(|name| name.len() <= ANNOTATION_BYTES_MAX).take(room));
}
