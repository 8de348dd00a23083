//! What a Dockerfile itself refers to, whether or not a rule asks about it.
//!
//! Input: a document's meaning. Output: the questions whose answers a build of it
//! depends on, each with its line, and with what `# plimsoll lock=pin` above the
//! instruction says of when they may move. Triggers of base images are not known before
//! these are, and name no images of their own.

use plimsoll_dockerfile::model::{Base, ImageUseKind, Origin, Site};
use plimsoll_dockerfile::source::{SourceKind, kind};
use plimsoll_dockerfile::tree::Keyword;
use plimsoll_dockerfile::{LineIndex, Span};

use super::{Policy, keys};
use crate::document::{Document, Meaning};
use crate::question::{Algorithm, Question, check_reference, parse_remote, parse_url};

/// A use of something that can move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What is asked of it.
    pub question: Question,
    /// Its line, from 1.
    pub line: u32,
    /// What uses it, such as `FROM`.
    pub what: &'static str,
    /// Whether a variable stands in its name.
    pub is_variable: bool,
    /// Whether that may make another repository of it, or another address.
    pub may_be_any: bool,
    /// When it may move, as a comment above the instruction has it; else what that says.
    pub wish: Option<Result<Policy, String>>,
}

/// A digest that the file itself names for something that the lock knows by its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyPin {
    /// What is asked where there is no digest.
    pub question: Question,
    /// The digest.
    pub digest: String,
    /// Its line, from 1.
    pub line: u32,
}

impl LegacyPin {
    /// What would be asked if the digest were not there; without a tag, that of `latest`.
    pub fn unpinned(&self) -> Question {
        match self.question.clone() {
            Question::Image { reference, platform } => {
                Question::Image { reference: reference.with_default_tag(), platform }
            }
            other => other,
        }
    }
}

/// All uses of a document, in file order.
pub fn uses(document: &Document, meaning: &Meaning) -> Vec<Use> {
    let lines = LineIndex::new(document.source());
    let images = images(meaning).filter(|image| keys::key(&image.question).is_some()).map(|image| {
        let Image { question, span, what, instruction } = image;
        let written = span.of(document.source());
        let is_variable = written.contains(&b'$');
        // A variable behind the last colon is one of the tag.
        let name = written.rsplitn(2, |byte| *byte == b':').last().unwrap_or(written);
        let may_be_any = name.contains(&b'$') && name.len() < written.len() || is_variable && !written.contains(&b':');
        let (line, wish) = (lines.position(span.start).line, wish(document, instruction));
        Use { question, line, what, is_variable, may_be_any, wish }
    });
    let mut uses: Vec<Use> = images.chain(downloads(document, meaning, &lines)).collect();
    uses.sort_by_key(|one| one.line);
    uses
}

/// Digests that the file names beside a tag.
pub fn legacy_pins(document: &Document, meaning: &Meaning) -> Vec<LegacyPin> {
    let lines = LineIndex::new(document.source());
    let pins = images(meaning).filter_map(|Image { question, span, .. }| {
        let Question::Image { mut reference, platform } = question else { return None };
        let digest = reference.digest.take()?;
        let line = lines.position(span.start).line;
        Some(LegacyPin { question: Question::Image { reference, platform }, digest, line })
    });
    pins.collect()
}

/// An image that an instruction uses.
struct Image {
    question: Question,
    span: Span,
    what: &'static str,
    instruction: u32,
}

fn images(meaning: &Meaning) -> impl Iterator<Item = Image> {
    let model = meaning.model();
    let is_own = |step: u32| model.steps.get(step as usize).is_none_or(|step| step.origin == Origin::Own);
    model.images.iter().filter(move |used| is_own(used.step)).filter_map(|used| {
        let Base::Image(_) = used.source else { return None };
        let instruction = model.steps.get(used.step as usize)?.instruction;
        let reference = model.reference(&used.source)?.with_default_tag();
        let platform = model.platform(used.platform).clone();
        let what = match used.kind {
            ImageUseKind::From => "FROM",
            ImageUseKind::CopyFrom => "COPY --from",
            ImageUseKind::MountFrom => "RUN --mount",
        };
        Some(Image { question: Question::Image { reference, platform }, span: used.span, what, instruction })
    })
}

/// What ADD takes from elsewhere without a checksum.
fn downloads<'d>(
    document: &'d Document,
    meaning: &'d Meaning,
    lines: &'d LineIndex,
) -> impl Iterator<Item = Use> + use<'d> {
    let (model, tree) = (meaning.model(), document.tree());
    let own = model.steps.iter().filter(|step| step.origin == Origin::Own);
    own.flat_map(move |step| {
        let instruction = &tree.instructions[step.instruction as usize];
        let is_add = instruction.keyword == Keyword::Add;
        let flags = tree.flags_of(instruction).iter();
        let has_checksum = flags.into_iter().any(|flag| tree.text(document.source(), flag.name) == "checksum");
        // The last word is where it goes.
        let last = instruction.words.end.saturating_sub(1);
        let values = model.values_of(step).iter().filter(move |value| {
            is_add && !has_checksum && value.exact && matches!(value.site, Site::Word(word) if word < last)
        });
        values.filter_map(move |value| {
            let text = model.text(value)?;
            let question = match kind(text) {
                SourceKind::Url => Question::Download { url: parse_url(text).ok()?, algorithm: Algorithm::Sha256 },
                SourceKind::Git => commit(text)?,
                SourceKind::Local => return None,
            };
            let line = lines.position(instruction.span.start).line;
            let is_variable = instruction.span.of(document.source()).contains(&b'$');
            let wish = wish(document, step.instruction);
            Some(Use { question, line, what: "ADD", is_variable, may_be_any: is_variable, wish })
        })
    })
}

/// What a git source of ADD means, `https://host/path.git?query#name:folder`; none where it names a commit itself.
fn commit(source: &str) -> Option<Question> {
    let (address, fragment) = source.split_once('#').unwrap_or((source, ""));
    let (remote, query) = address.split_once('?').unwrap_or((address, ""));
    let mut name = fragment.split(':').next().unwrap_or_default().to_owned();
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let prefixed = |prefix: &str| format!("{prefix}{}", value.strip_prefix(prefix).unwrap_or(value));
        match key {
            "ref" => name = value.to_owned(),
            "tag" => name = prefixed("refs/tags/"),
            "branch" => name = prefixed("refs/heads/"),
            "checksum" | "commit" => return None,
            _ => {}
        }
    }
    Some(Question::Commit { remote: parse_remote(remote).ok()?, reference: check_reference(&name).ok()? })
}

/// Whether an image cannot be told here: with other arguments it may be any.
pub fn has_unknown_images(meaning: &Meaning) -> bool {
    meaning.model().images.iter().any(|used| matches!(used.source, Base::Unresolvable(_)))
}

/// What the comments above an instruction say of when its references may move; the last counts.
fn wish(document: &Document, instruction: u32) -> Option<Result<Policy, String>> {
    let instruction = document.tree().instructions.get(instruction as usize)?;
    let said = document.tree().comments_of(instruction).iter().rev().find_map(|comment| {
        let text = String::from_utf8_lossy(comment.text.of(document.source())).into_owned();
        let value = text.trim_start_matches('#').trim_start().strip_prefix("plimsoll lock")?.trim_start().to_owned();
        Some(value.strip_prefix('=')?.split_whitespace().next().unwrap_or_default().to_owned())
    });
    said.map(|name| Policy::of(&name).ok_or(name))
}
