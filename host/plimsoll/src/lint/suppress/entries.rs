//! The rules that a file's comments name, each with where it counts.
//!
//! Input: a document, and the rules there are. Output: [`Entries`], which say what covers a
//! finding. Invariant: what a file costs grows with its comments and findings, not with their product, where
//! comments do not nest.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use plimsoll_dockerfile::Span;
use plimsoll_dockerfile::tree::Comment as TreeComment;
use time::Date;

use super::comment::{Comment, Kind, Odd, Until, read};
use super::hadolint;
use super::meant::{Meant, code_of, number};
use crate::document::Document;
use crate::finding::{Finding, Suppression};
use crate::limits::SUPPRESSIONS_MAX;
use crate::lint::own;
use crate::plugin::{OWN_PACK, Plugin};

/// Rules that comments name.
#[derive(Debug, Default)]
pub(in crate::lint) struct Entries {
    /// In the order of the file.
    pub(in crate::lint) all: Vec<Entry>,
    /// The comments that they are of, and others of their kind.
    pub(in crate::lint) told: Vec<Told>,
    /// Where entries stop to count, because there are too many before.
    pub(in crate::lint) too_many: Option<Span>,
    /// How many names there are, those of ends counted; a comment without any counts for one.
    seen: usize,
    /// By rule, those that may cover its findings.
    by_rule: HashMap<Arc<str>, Matched>,
}

/// One rule that a comment names.
#[derive(Debug)]
pub(in crate::lint) struct Entry {
    /// As it is written.
    pub(in crate::lint) name: String,
    pub(in crate::lint) span: Span,
    /// Its comment, as index.
    pub(in crate::lint) comment: usize,
    /// Whether it counts: its day is not over.
    pub(in crate::lint) counts: bool,
    /// Whether it is written to Plimsoll.
    pub(in crate::lint) is_own: bool,
    /// Whether any rule there is may be meant.
    pub(in crate::lint) is_known: bool,
    /// What ends its block.
    pub(in crate::lint) end: Option<End>,
    reach: Reach,
    /// What a finding's message must say to be meant.
    words: String,
    /// The codes that it must begin with one of.
    codes: Option<RangeInclusive<u16>>,
}

/// Where an entry counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// In an instruction.
    Instruction(Span),
    Block(Span),
    File,
    Nowhere,
}

/// What ends a block of one rule.
#[derive(Debug, Clone, Copy)]
pub(in crate::lint) struct End {
    /// The comment, as index.
    pub(in crate::lint) comment: usize,
    /// Where it names the rule, if it names any.
    pub(in crate::lint) name: Option<Span>,
}

/// What is to be known of a comment.
#[derive(Debug)]
pub(in crate::lint) struct Told {
    /// From its `#` to the end of the line.
    pub(in crate::lint) span: Span,
    pub(in crate::lint) line: u32,
    pub(in crate::lint) names: Vec<Span>,
    /// The entries of the names; an end has none.
    pub(in crate::lint) entries: Range<usize>,
    /// The names in an end that end nothing, where others do.
    pub(in crate::lint) stray: Vec<Span>,
    /// What in it means nothing, and was meant to.
    pub(in crate::lint) odd: Option<Span>,
    pub(in crate::lint) is_own: bool,
    /// Whether its day is over.
    pub(in crate::lint) is_over: bool,
    pub(in crate::lint) until: Option<(Span, Option<Date>)>,
    pub(in crate::lint) reason: Option<Arc<str>>,
    /// Whether there has to be a reason.
    pub(in crate::lint) needs_reason: bool,
    pub(in crate::lint) form: Form,
}

/// Whether a comment is what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lint) enum Form {
    Whole,
    /// It names no rule.
    Empty,
    /// No instruction follows that it could be about.
    Astray,
    /// A block without an end.
    Open,
    /// An end of no block.
    Stray,
    /// It cannot be read.
    Unread,
}

/// Entries that may cover findings of a rule: of instructions, of blocks, of the file.
#[derive(Debug, Default)]
struct Matched {
    instructions: Vec<u32>,
    blocks: Vec<u32>,
    /// Of each block the furthest end of those up to it.
    ends: Vec<u32>,
    file: Vec<u32>,
    /// The first of those that are about the same.
    file_distinct: Vec<u32>,
}

impl Entries {
    /// Reads a document's comments.
    pub(super) fn of(document: &Document, plugins: &[Plugin], today: Date) -> Self {
        let (source, tree) = (document.source(), document.tree());
        let comments = (0..).zip(&tree.comments);
        let comments: Vec<(u32, &TreeComment, Comment)> = comments
            .filter_map(|(index, comment)| Some((index, comment, read(comment.span.of(source), comment.span.start)?)))
            .collect();
        if comments.is_empty() {
            return Self::default();
        }
        let mut entries = Self::default();
        let mut open: Vec<u32> = Vec::new();
        let names = bare_names(plugins);
        let is_name = |span: Span| is_name(&String::from_utf8_lossy(span.of(source)), plugins, &names);
        for (index, place, mut comment) in comments {
            if entries.too_many.is_some() {
                break;
            }
            comment.odd = comment.odd.filter(|odd| match odd {
                Odd::Certain(_) => true,
                Odd::IfRule(span) => is_name(*span),
            });
            // Else it is written to people.
            if comment.kind == Kind::Unread && comment.odd.is_none() {
                continue;
            }
            let is_own = comment.is_own;
            let instruction = || instruction_of(document, index, place, is_own);
            entries.take(document, comment, today, instruction, &mut open);
        }
        let end = u32::try_from(source.len()).unwrap_or(u32::MAX);
        for entry in open {
            entries.close(entry, end, None);
            let comment = entries.all[entry as usize].comment;
            entries.told[comment].form = Form::Open;
        }
        entries.by_rule = matched(&mut entries.all, plugins);
        entries
    }

    fn take(
        &mut self,
        document: &Document,
        comment: Comment,
        today: Date,
        instruction: impl FnOnce() -> Option<Span>,
        open: &mut Vec<u32>,
    ) {
        let source = document.source();
        let text = |span: Span| String::from_utf8_lossy(span.of(source)).into_owned();
        let Comment { span, kind, is_own, mut names, until, reason, odd } = comment;
        let room = SUPPRESSIONS_MAX - self.seen;
        self.too_many = names.get(room).copied().or_else(|| (room == 0).then_some(span));
        if room == 0 {
            return;
        }
        names.truncate(room);
        // A comment without names is read, and told of, all the same.
        self.seen += names.len().max(1);
        let is_over = until.is_some_and(|until| until.day.is_none_or(|day| day < today));
        let is_empty = names.is_empty() && self.too_many.is_none() && kind != Kind::End;
        let mut form = if is_empty { Form::Empty } else { Form::Whole };
        let mut stray = Vec::new();
        let reach = match kind {
            Kind::Instruction => instruction().map_or(Reach::Nowhere, Reach::Instruction),
            Kind::File => Reach::File,
            Kind::Start => Reach::Block(Span::new(span.end, span.end)),
            Kind::End => {
                match self.end(&names, source, span.start, open) {
                    Some(names) => stray = names,
                    None => form = Form::Stray,
                }
                Reach::Nowhere
            }
            Kind::Unread => {
                form = Form::Unread;
                Reach::Nowhere
            }
        };
        if kind == Kind::Instruction && reach == Reach::Nowhere && form == Form::Whole {
            form = Form::Astray;
        }
        let first = self.all.len();
        if kind != Kind::End {
            for name in &names {
                if kind == Kind::Start {
                    open.push(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
                }
                let (name, span) = (text(*name), *name);
                let comment = self.told.len();
                let counts = !is_over;
                let (words, codes) = (String::new(), None);
                let (is_known, end) = (false, None);
                self.all.push(Entry { name, span, comment, counts, is_own, is_known, end, reach, words, codes });
            }
        }
        self.told.push(Told {
            span,
            line: document.lines().line_of(span.start),
            names,
            entries: first..self.all.len(),
            stray,
            odd: odd.map(|(Odd::Certain(span) | Odd::IfRule(span))| span),
            is_own,
            is_over,
            until: until.map(|Until { span, day }| (span, day)),
            reason: reason.map(|reason| text(reason).into()),
            needs_reason: is_own && !matches!(kind, Kind::End | Kind::Unread) && reason.is_none(),
            form,
        });
    }

    /// Ends blocks: those of the names, else all that the last comment began of which one is open. Nothing if there are
    /// none, else the names that end nothing.
    fn end(&mut self, names: &[Span], source: &[u8], at: u32, open: &mut Vec<u32>) -> Option<Vec<Span>> {
        let last = self.all[*open.last()? as usize].comment;
        let comment = self.told.len();
        if names.is_empty() {
            let from = open.partition_point(|entry| self.all[*entry as usize].comment < last);
            for entry in open.split_off(from) {
                self.close(entry, at, Some(End { comment, name: None }));
            }
        }
        let mut stray = Vec::new();
        for span in names {
            let name = String::from_utf8_lossy(span.of(source));
            match open.iter().rposition(|entry| self.all[*entry as usize].name == name) {
                Some(found) => self.close(open.remove(found), at, Some(End { comment, name: Some(*span) })),
                None => stray.push(*span),
            }
        }
        (names.is_empty() || stray.len() < names.len()).then_some(stray)
    }

    fn close(&mut self, entry: u32, at: u32, by: Option<End>) {
        let entry = &mut self.all[entry as usize];
        entry.end = by;
        if let Reach::Block(block) = &mut entry.reach {
            block.end = at;
        }
    }

    /// The entry that covers a finding: of several the nearest.
    pub(in crate::lint) fn covering(&self, finding: &Finding) -> Option<usize> {
        let matched = self.by_rule.get(&finding.rule)?;
        let at = finding.span.start;
        let number = code_of(finding).and_then(number);
        let is_meant = |entry: &&u32| {
            let Entry { words, codes, .. } = &self.all[**entry as usize];
            let is_code = |codes: &RangeInclusive<u16>| number.is_some_and(|number| codes.contains(&number));
            finding.message.contains(words.as_str()) && codes.as_ref().is_none_or(is_code)
        };
        let of_instruction = |at: u32| {
            let begun = matched.instructions.partition_point(|entry| self.place(*entry).start <= at);
            let mut near =
                matched.instructions[..begun].iter().rev().take_while(|entry| self.place(**entry).contains(at));
            near.find(is_meant)
        };
        // hadolint reports the second of two, and reads what stands above it.
        let of_second = || {
            let second =
                finding.related.first().filter(|_| finding.rule.ends_with("/MultipleInstructionsDisallowed"))?;
            of_instruction(second.0.start).filter(|entry| !self.all[**entry as usize].is_own)
        };
        let of_block = || {
            let begun = matched.blocks.partition_point(|entry| self.place(*entry).start <= at);
            let open = (0..begun).rev().take_while(|index| matched.ends[*index] > at);
            let mut open = open.map(|index| &matched.blocks[index]).filter(|entry| self.place(**entry).contains(at));
            open.find(is_meant)
        };
        let found = of_instruction(at).or_else(of_second).or_else(of_block);
        found.or_else(|| matched.file_distinct.iter().find(is_meant)).map(|entry| *entry as usize)
    }

    /// Whether the whole file goes without a rule, whatever it says.
    pub(in crate::lint) fn cover_all_of(&self, rule: &str) -> bool {
        let matched = self.by_rule.get(rule);
        matched.is_some_and(|matched| {
            matched.file_distinct.iter().any(|entry| {
                let Entry { words, codes, .. } = &self.all[*entry as usize];
                words.is_empty() && codes.is_none()
            })
        })
    }

    /// The rules that an entry may be about.
    pub(in crate::lint) fn rules_of(&self) -> BTreeMap<usize, Vec<&Arc<str>>> {
        let mut rules: BTreeMap<usize, Vec<&Arc<str>>> = BTreeMap::new();
        for (rule, Matched { instructions, blocks, file, .. }) in &self.by_rule {
            for entry in instructions.iter().chain(blocks).chain(file) {
                rules.entry(*entry as usize).or_default().push(rule);
            }
        }
        rules
    }

    /// What covers the findings of an entry.
    pub(in crate::lint) fn suppression(&self, entry: usize) -> Suppression {
        let Told { line, reason, .. } = &self.told[self.all[entry].comment];
        Suppression::Comment { line: *line, reason: reason.clone() }
    }

    /// The place that an entry is about, where that is not the whole file.
    pub(in crate::lint) fn reach(&self, entry: usize) -> Option<Span> {
        match self.all[entry].reach {
            Reach::Instruction(span) | Reach::Block(span) => Some(span),
            Reach::File | Reach::Nowhere => None,
        }
    }

    fn place(&self, entry: u32) -> Span {
        self.reach(entry as usize).unwrap_or_default()
    }
}

/// The instruction that a comment is about: the one around it, else the one below. To others than Plimsoll a bare `#`
/// parts it from that.
fn instruction_of(document: &Document, index: u32, comment: &TreeComment, is_own: bool) -> Option<Span> {
    let instructions = &document.tree().instructions;
    let at = comment.span.start;
    let next = instructions.partition_point(|instruction| instruction.span.start <= at);
    if comment.inside {
        // What stands in an ONBUILD begins behind it.
        let around = instructions[..next].iter().rev().find(|instruction| instruction.parent.is_none());
        return around.map(|instruction| instruction.span).filter(|span| span.contains(at));
    }
    let below = instructions.get(next).filter(|below| is_own || below.comments.contains(&index));
    below.map(|below| below.span)
}

/// What rules are called without their pack, as far as people do not write such words.
fn bare_names(plugins: &[Plugin]) -> HashSet<&str> {
    let names = plugins.iter().flat_map(|plugin| plugin.names.iter()).map(|name| &**name).chain(own::names());
    let bare = names.filter_map(|name| Some(name.split_once('/')?.1));
    bare.filter(|name| !name.bytes().all(|byte| byte.is_ascii_lowercase())).collect()
}

/// Whether a word among others names a rule, or a code such as DL3006.
fn is_name(word: &str, plugins: &[Plugin], bare: &HashSet<&str>) -> bool {
    let of_pack = |pack: &str| pack == OWN_PACK || plugins.iter().any(|plugin| plugin.name == pack);
    match word.split_once('/') {
        Some((pack, _)) => of_pack(pack),
        None => bare.contains(word) || number(word).is_some() || hadolint::rule(word).is_some(),
    }
}

/// By rule, the entries that may be about it. Fills in what entries lack: whether there is such a rule.
fn matched(entries: &mut [Entry], plugins: &[Plugin]) -> HashMap<Arc<str>, Matched> {
    // Equal names are held against the rules once.
    let mut by_name: HashMap<(String, bool), Vec<u32>> = HashMap::new();
    for (index, entry) in (0..).zip(&*entries) {
        by_name.entry((entry.name.clone(), entry.is_own)).or_default().push(index);
    }
    let names: Vec<&Arc<str>> = plugins.iter().flat_map(|plugin| plugin.names.iter()).collect();
    let mut by_rule: HashMap<Arc<str>, Matched> = HashMap::new();
    for ((name, is_own), indices) in by_name {
        let meant = Meant::of(&name, is_own);
        for index in &indices {
            let entry = &mut entries[*index as usize];
            meant.words.clone_into(&mut entry.words);
            entry.codes.clone_from(&meant.codes);
        }
        // What is said of comments is waved through by who means it, not by `*`.
        let names_own = name.split_once('/').is_some_and(|(pack, _)| pack == OWN_PACK);
        let own = own::names().filter(|rule| names_own && meant.is(rule)).map(Arc::from);
        let found: Vec<Arc<str>> =
            names.iter().filter(|rule| meant.is(rule)).map(|rule| Arc::clone(rule)).chain(own).collect();
        for index in indices.iter().filter(|_| !found.is_empty()) {
            entries[*index as usize].is_known = true;
        }
        for rule in found {
            let matched = by_rule.entry(rule).or_default();
            for index in indices.iter().filter(|index| entries[**index as usize].counts) {
                match entries[*index as usize].reach {
                    Reach::Instruction(_) => matched.instructions.push(*index),
                    Reach::Block(_) => matched.blocks.push(*index),
                    Reach::File => matched.file.push(*index),
                    Reach::Nowhere => {}
                }
            }
        }
    }
    let start = |entry: &u32| match entries[*entry as usize].reach {
        Reach::Instruction(span) | Reach::Block(span) => (span.start, *entry),
        Reach::File | Reach::Nowhere => (0, *entry),
    };
    for matched in by_rule.values_mut() {
        matched.instructions.sort_by_key(start);
        matched.blocks.sort_by_key(start);
        matched.file.sort_unstable();
        let mut seen = HashSet::new();
        let about = |entry: &u32| (&entries[*entry as usize].words, &entries[*entry as usize].codes);
        matched.file_distinct = matched.file.iter().copied().filter(|entry| seen.insert(about(entry))).collect();
        let mut furthest = 0;
        let ends = matched.blocks.iter().map(|entry| {
            if let Reach::Block(block) = entries[*entry as usize].reach {
                furthest = furthest.max(block.end);
            }
            furthest
        });
        matched.ends = ends.collect();
    }
    by_rule
}
