//! The tool, and its rules with their pages.

use std::collections::HashMap;

use serde::Serialize;

use super::{Text, level};
use crate::finding::Severity;
use crate::lint::all_rules;
use crate::plugin::{OWN_PACK, Plugin, Rule};
use crate::report::{HOME_PAGE, is_web_address};

/// The rules of a run, and where each stands among them.
pub(super) struct Rules<'r> {
    list: Vec<(Option<&'r Plugin>, &'r Rule)>,
    places: HashMap<&'r str, usize>,
}

impl<'r> Rules<'r> {
    pub(super) fn of(plugins: &'r [Plugin]) -> Self {
        let list: Vec<_> = all_rules(plugins).collect();
        let places = list.iter().enumerate().map(|(place, (_, rule))| (&*rule.name, place)).collect();
        Self { list, places }
    }

    /// The place of a rule.
    pub(super) fn place(&self, rule: &str) -> Option<usize> {
        self.places.get(rule).copied()
    }
}

#[derive(Serialize)]
pub(super) struct Tool<'r> {
    driver: Driver<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'r> {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Descriptor<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'r> {
    id: &'r str,
    short_description: Text<'r>,
    full_description: Text<'r>,
    help: Help<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'r str>,
    default_configuration: Configuration,
    properties: Properties<'r>,
}

#[derive(Serialize)]
struct Help<'r> {
    text: &'r str,
    markdown: &'r str,
}

#[derive(Serialize)]
struct Configuration {
    enabled: bool,
    level: &'static str,
}

#[derive(Serialize)]
struct Properties<'r> {
    tags: Vec<&'r str>,
    /// As GitHub's code scanning has it.
    #[serde(rename = "problem.severity")]
    severity: &'static str,
}

impl<'r> Tool<'r> {
    pub(super) fn of(rules: &Rules<'r>) -> Self {
        Self {
            driver: Driver {
                name: "Plimsoll",
                semantic_version: env!("CARGO_PKG_VERSION"),
                information_uri: HOME_PAGE,
                rules: rules.list.iter().map(|(plugin, rule)| Descriptor::of(*plugin, rule)).collect(),
            },
        }
    }
}

impl<'r> Descriptor<'r> {
    fn of(plugin: Option<&'r Plugin>, rule: &'r Rule) -> Self {
        let page = rule.page();
        let tags = [("fixable", rule.is_fixable), ("opt-in", rule.is_opt_in), ("lock", rule.is_about_lock)];
        let tags = tags.into_iter().filter_map(|(tag, is_so)| is_so.then_some(tag));
        Self {
            id: &rule.name,
            short_description: Text { text: &rule.summary },
            full_description: Text { text: first_paragraph(page).unwrap_or(&rule.summary) },
            help: Help { text: if page.is_empty() { &rule.summary } else { page }, markdown: page },
            help_uri: rule.url.as_deref().filter(|url| is_web_address(url)),
            default_configuration: Configuration { enabled: !rule.is_opt_in, level: level(rule.severity) },
            properties: Properties {
                tags: ["dockerfile", plugin.map_or(OWN_PACK, |plugin| &plugin.name)].into_iter().chain(tags).collect(),
                severity: match rule.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                    Severity::Info | Severity::Style => "recommendation",
                },
            },
        }
    }
}

/// The first paragraph of a page below its heading.
fn first_paragraph(page: &str) -> Option<&str> {
    let mut paragraphs = page.split("\n\n").map(str::trim);
    paragraphs.find(|paragraph| !paragraph.is_empty() && !paragraph.starts_with(['#', '`', '|', '-']))
}
