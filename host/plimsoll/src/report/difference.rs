//! How the findings of two versions of a plugin differ: for people, and as JSON,
//! version 1, to which keys may be added.

use std::fmt::Write as _;

use plimsoll_dockerfile::Position;
use serde::Serialize;

use super::json::JsonFinding;
use super::{counted, printable};
use crate::finding::Finding;
use crate::lint::Difference;

/// What there is to say of two versions of a plugin.
pub struct Compared<'c> {
    /// What both are called.
    pub name: &'c str,
    /// The first.
    pub old: Version<'c>,
    /// The second.
    pub new: Version<'c>,
    /// Rules that only the second has.
    pub added: Vec<&'c str>,
    /// Rules that only the first has.
    pub removed: Vec<&'c str>,
    /// By file, how what they found differs.
    pub files: &'c [Difference],
    /// What was left unchecked by either.
    pub not_checked: usize,
}

/// One version of it.
#[derive(Serialize)]
pub struct Version<'c> {
    /// What it calls itself.
    pub version: &'c str,
    /// The digest of the component.
    pub digest: &'c str,
}

/// The version of the format.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'c> {
    version: u32,
    plugin: &'c str,
    old: &'c Version<'c>,
    new: &'c Version<'c>,
    rules: Rules<'c>,
    files: Vec<File<'c>>,
    summary: Counts,
}

#[derive(Serialize)]
struct Rules<'c> {
    added: &'c [&'c str],
    removed: &'c [&'c str],
}

#[derive(Serialize)]
struct File<'c> {
    path: &'c str,
    gained: Vec<JsonFinding<'c>>,
    lost: Vec<JsonFinding<'c>>,
    changed: Vec<Changed<'c>>,
}

#[derive(Serialize)]
struct Changed<'c> {
    old: JsonFinding<'c>,
    new: JsonFinding<'c>,
}

#[derive(Serialize)]
struct Counts {
    files: usize,
    gained: usize,
    lost: usize,
    changed: usize,
    same: usize,
    not_checked: usize,
}

impl<'c> Compared<'c> {
    /// Whether the second finds what the first does, by the same rules.
    pub fn is_alike(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.files.iter().all(Difference::is_none)
    }

    /// For people: a line a finding.
    pub fn text(&self) -> String {
        let Self { name, old, new, added, removed, files, .. } = self;
        let mut text = format!("{name} {} → {}\n", shown(old), shown(new));
        for (what, rules) in [("added", added), ("removed", removed)] {
            if !rules.is_empty() {
                let _ = writeln!(text, "rules {what}: {}", rules.join(", "));
            }
        }
        text.push('\n');
        for file in files.iter().filter(|file| !file.is_none()) {
            for line in lines(file) {
                text += &line;
            }
            text.push('\n');
        }
        text + &self.summary()
    }

    /// As one JSON document, with a newline at its end. It has the files that differ.
    pub fn json(&self) -> String {
        let file = |file: &'c Difference| {
            let Difference { path, gained, lost, changed, .. } = file;
            let json = |finding| JsonFinding::of(finding, file.source.as_deref());
            File {
                path,
                gained: gained.iter().map(json).collect(),
                lost: lost.iter().map(json).collect(),
                changed: changed.iter().map(|(old, new)| Changed { old: json(old), new: json(new) }).collect(),
            }
        };
        let document = Document {
            version: FORMAT,
            plugin: self.name,
            old: &self.old,
            new: &self.new,
            rules: Rules { added: &self.added, removed: &self.removed },
            files: self.files.iter().filter(|file| !file.is_none()).map(file).collect(),
            summary: self.counts(),
        };
        serde_json::to_string(&document).expect("the report has string keys only") + "\n"
    }

    fn counts(&self) -> Counts {
        let sum = |count: fn(&Difference) -> usize| self.files.iter().map(count).sum();
        Counts {
            files: self.files.len(),
            gained: sum(|file| file.gained.len()),
            lost: sum(|file| file.lost.len()),
            changed: sum(|file| file.changed.len()),
            same: sum(|file| file.same),
            not_checked: self.not_checked,
        }
    }

    fn summary(&self) -> String {
        let Counts { files, gained, lost, changed, same, not_checked, .. } = self.counts();
        let files = counted(files, "file");
        let unchecked = if not_checked == 0 { String::new() } else { format!("; {not_checked} not checked") };
        match gained + lost + changed {
            0 => format!("No finding differs; {same} alike in {files}{unchecked}.\n"),
            _ => format!(
                "{}: {gained} gained, {lost} lost, {changed} changed; {same} alike in {files}{unchecked}.\n",
                counted(gained + lost + changed, "difference")
            ),
        }
    }
}

/// A version and the first digits of its digest, as far as two need them to be told apart.
fn shown(Version { version, digest }: &Version) -> String {
    format!("{} ({})", printable(version), digest.get(..DIGEST_BYTES_SHOWN).unwrap_or(digest))
}

const DIGEST_BYTES_SHOWN: usize = "sha256:".len() + 12;

/// What differs in a file, by place.
fn lines(file: &Difference) -> Vec<String> {
    let path = printable(&file.path);
    let line = |sign: char, finding: &Finding| {
        let place = file.source.as_ref().map(|source| source.lines().position(finding.span.start));
        let Position { line, column } = place.unwrap_or(Position { line: 1, column: 1 });
        format!("{sign} {path}:{line}:{column}: {}\n", said(finding))
    };
    let gained = file.gained.iter().map(|finding| (finding.span.start, line('+', finding)));
    let lost = file.lost.iter().map(|finding| (finding.span.start, line('-', finding)));
    let changed = file.changed.iter();
    let changed = changed.map(|(old, new)| (old.span.start, format!("{}  now {}\n", line('~', old), said(new))));
    let mut lines: Vec<(u32, String)> = gained.chain(lost).chain(changed).collect();
    lines.sort_by_key(|(place, _)| *place);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn said(finding: &Finding) -> String {
    format!("{}[{}]: {}", finding.severity, finding.rule, printable(&finding.message).replace('\n', " "))
}
