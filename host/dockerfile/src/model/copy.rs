//! `ADD` and `COPY`: what BuildKit expands in them, and every reason for which it refuses them.
//!
//! An instruction and the [`State`] before it → values, variables, the stage or image it copies from,
//! and the first problem. What depends on something unknown is no problem.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::build::{At, Builder, Phase, State, TARGET_PLATFORM};
use super::{Base, ImageUse, ImageUseKind, Site, Value};
use crate::expand::Lexer;
use crate::parse::heredoc;
use crate::path;
use crate::source::{is_web, repository, takes_checksum};
use crate::span::{Span, offset};
use crate::tree::{Heredoc, Keyword};

/// The expanded parts of one instruction.
#[derive(Default)]
struct Copied {
    chmod: Option<Value>,
    checksum: Option<Value>,
    /// Sources that are no heredocs, among the values of the model.
    sources: Range<usize>,
    heredocs: Vec<heredoc::Marker>,
    destination: Option<Value>,
}

impl Builder<'_> {
    #[inline(never)]
    pub(super) fn copied(&mut self, at: &At<'_>, state: &State) {
        let late = self.note_source(at);
        let Some(copied) = self.expand_copied(at, state) else { return };
        if let Some((name, stage)) = late {
            let own = self.model.stage_name(&self.model.stages[stage as usize]);
            let own = own.map_or_else(|| format!("stage-{stage}"), |name| shortened(name).to_owned());
            let message =
                format!("cannot copy from stage {name:?}, it needs to be defined before current stage {own:?}");
            return self.problem_at(Phase::Run, at, message);
        }
        if let Err((site, message)) = self.check_copied(at, &copied) {
            match site {
                Some(site) => self.problem_in(Phase::Run, at, site, message),
                None => self.problem_at(Phase::Run, at, message),
            }
        }
    }

    /// Flags, then sources and destination, then bodies of heredocs; nothing where BuildKit stops.
    fn expand_copied(&mut self, at: &At<'_>, state: &State) -> Option<Copied> {
        let mut copied = Copied::default();
        let flags = if at.instruction.flags.is_empty() { &[][..] } else { &["chown", "chmod", "checksum"] };
        for name in flags.iter().copied() {
            if name == "checksum" && at.instruction.keyword == Keyword::Copy {
                continue;
            }
            for (value, number) in at.flag_values(name) {
                let value = Some(self.expand_text(at, state, at.flag(number), value)?);
                match name {
                    "chmod" => copied.chmod = value,
                    "checksum" => copied.checksum = value,
                    _ => {}
                }
            }
        }
        copied.sources.start = self.model.values.len();
        let words = at.tree.words_of(at.instruction);
        for (number, word) in words.iter().enumerate() {
            let last = number + 1 == words.len();
            let marker = if last || word.text.plain {
                Ok(None)
            } else {
                heredoc::marker(at.tree.characters(at.source, word.text))
            };
            match marker {
                Ok(Some(marker)) => copied.heredocs.push(marker),
                _ => {
                    let value = self.expand_text(at, state, at.word(number), word.text)?;
                    if last {
                        copied.sources.end = self.model.values.len() - 1;
                        copied.destination = Some(value);
                    }
                }
            }
        }
        if !copied.heredocs.is_empty() {
            self.bodies(at, state, &copied.heredocs)?;
        }
        Some(copied)
    }

    /// The bodies of heredocs that are sources, without quotes in their names, once each.
    fn bodies(&mut self, at: &At<'_>, state: &State, markers: &[heredoc::Marker]) -> Option<()> {
        let heredocs = at.tree.heredocs_of(at.instruction).iter().enumerate();
        // Of equal names the last counts.
        let mut named: HashMap<&str, (usize, &Heredoc)> = heredocs
            .map(|(number, heredoc)| (at.tree.characters(at.source, heredoc.name), (number, heredoc)))
            .collect();
        for marker in markers.iter().filter(|marker| marker.expand) {
            let Some((number, heredoc)) = named.remove(marker.name.as_str()) else { continue };
            let lexer = Lexer { skip_quotes: true, ..Lexer::new('\\') };
            let (body, places) = lossy(heredoc.body.of(at.source.bytes));
            let place = |offset: u32| heredoc.body.start + places.of(offset);
            let locate = |span: Span| Span::new(place(span.start), place(span.end));
            let site = Site::Heredoc(at.instruction.heredocs.start + offset(number));
            self.expand(at, state, site, &body, lexer, &locate)?;
        }
        Some(())
    }

    /// Notes what an instruction copies from. A stage that has not run yet comes back by its name, with the
    /// one that wants it.
    fn note_source<'t>(&mut self, at: &At<'t>) -> Option<(Cow<'t, str>, u32)> {
        if at.instruction.keyword != Keyword::Copy {
            return None;
        }
        let (name, value) = at.copied_from()?;
        let source = self.copy_source(&name);
        let late = match (at.stage, source) {
            (Some(stage), Base::Stage(used)) if self.is_late(stage, used) => Some((name, stage)),
            _ => None,
        };
        let span = at.tree.source_span(value, 0..value.len());
        self.image_use(at, ImageUseKind::CopyFrom, span, source);
        late
    }

    /// Notes that an instruction uses a stage or an image.
    pub(super) fn image_use(&mut self, at: &At<'_>, kind: ImageUseKind, span: Span, source: Base) {
        let Some(stage) = at.stage else { return };
        let platform = match source {
            Base::Stage(used) => self.model.stages[used as usize].platform,
            _ => TARGET_PLATFORM,
        };
        let span = at.outside.unwrap_or(span);
        self.model.images.push(ImageUse { kind, step: at.step, stage, span, source, platform });
    }

    fn check_copied(&self, at: &At<'_>, copied: &Copied) -> Result<(), (Option<Site>, String)> {
        let system = self.system(at);
        if let Some(destination) = copied.destination.as_ref().and_then(|value| self.certain(value)) {
            path::check(destination, system).map_err(|message| (None, message))?;
        }
        if let Some(mode) = copied.chmod.as_ref().and_then(|value| self.certain(value)) {
            check_mode(mode).map_err(|message| (None, message))?;
        }
        let sources = self.model.values.get(copied.sources.clone()).unwrap_or_default();
        let checksum = copied.checksum.as_ref().and_then(|value| self.certain(value)).unwrap_or_default();
        if !checksum.is_empty() {
            let message = match sources {
                [source] => match self.certain(source) {
                    Some(source) if !takes_checksum(source) => Some("checksum requires HTTP(S) or Git sources"),
                    _ => None,
                },
                _ => Some("checksum can't be specified for multiple sources"),
            };
            message.map_or(Ok(()), |message| Err((None, message.to_owned())))?;
        }
        let mut options = Options { keep_git_dir: keeps_git_dir(at), checksum: checksum.to_owned() };
        let copy = at.instruction.keyword == Keyword::Copy;
        let parents = at.flag_switch("parents") == Some(true);
        for value in sources {
            let Some(source) = self.certain(value) else { continue };
            check_source(source, copy, parents, system, &mut options).map_err(|message| (Some(value.site), message))?;
        }
        for marker in &copied.heredocs {
            path::check(&marker.name, system).map_err(|message| (None, message))?;
        }
        Ok(())
    }
}

/// What sources of repositories add up to.
struct Options {
    keep_git_dir: Option<bool>,
    checksum: String,
}

impl At<'_> {
    /// The value of a flag that is `true`, `false` or nothing.
    fn flag_switch(&self, name: &str) -> Option<bool> {
        let mut flags = self.tree.flags_of(self.instruction).iter();
        let flag = flags.find(|flag| self.tree.is_named(self.source, flag, name))?;
        Some(flag.value.is_none_or(|value| self.tree.characters(self.source, value).eq_ignore_ascii_case("true")))
    }
}

fn keeps_git_dir(at: &At<'_>) -> Option<bool> {
    at.flag_switch("keep-git-dir").filter(|_| at.instruction.keyword == Keyword::Add)
}

fn check_source(source: &str, copy: bool, parents: bool, system: &str, options: &mut Options) -> Result<(), String> {
    if let Some(repository) = repository(source)?.filter(|repository| !repository.like_local) {
        if copy {
            return Err("source can't be a git ref for COPY".to_owned());
        }
        if let (Some(flag), Some(query)) = (options.keep_git_dir, repository.keep_git_dir)
            && flag != query
        {
            return Err("inconsistent keep-git-dir configuration".to_owned());
        }
        options.keep_git_dir = repository.keep_git_dir.or(options.keep_git_dir);
        if let Some(checksum) = repository.checksum {
            let known = &options.checksum;
            if !known.is_empty() && *known != checksum {
                return Err(format!("checksum mismatch {known:?} != {checksum:?}"));
            }
            options.checksum = checksum;
        }
        return Ok(());
    }
    if is_web(source) {
        if copy {
            return Err("source can't be a URL for COPY".to_owned());
        }
        return if options.checksum.is_empty() { Ok(()) } else { check_digest(&options.checksum) };
    }
    if !parents {
        return path::check(source, system);
    }
    let (source, pattern) = source.split_once("/./").unwrap_or(("/", source));
    path::check(pattern, system)?;
    path::check(source, system)
}

/// A mode as `chmod` takes it: octal, or symbolic such as `u=rwX,go-w`.
fn check_mode(mode: &str) -> Result<(), String> {
    if mode.is_empty() {
        return Ok(());
    }
    if mode.starts_with(|c: char| c.is_ascii_digit()) {
        let octal = u32::from_str_radix(mode, 8).is_ok_and(|mode| mode <= 0o7777);
        let message =
            || format!("invalid chmod parameter: '{mode}'. it should be octal string and between 0 and 07777");
        return if octal { Ok(()) } else { Err(message()) };
    }
    let symbolic = mode.split(',').all(|clause| {
        let changes = clause.trim_start_matches(['a', 'u', 'g', 'o']);
        changes.starts_with(['+', '-', '=']) && changes.bytes().all(|b| b"+-=rstwXxugo".contains(&b))
    });
    if symbolic { Ok(()) } else { Err("invalid syntax".to_owned()) }
}

/// What is wrong with a digest such as `sha256:…`.
pub(super) fn check_digest(digest: &str) -> Result<(), String> {
    let Some((algorithm, encoded)) = digest.split_once(':').filter(|(a, e)| !a.is_empty() && !e.is_empty()) else {
        return Err("invalid checksum digest format".to_owned());
    };
    let Some((_, len)) = ALGORITHMS.iter().find(|(name, _)| *name == algorithm) else {
        let part = |part: &str| !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
        let other = encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"=_-".contains(&b));
        let form = algorithm.split(['.', '+', '_', '-']).all(part) && other;
        let message = if form { "unsupported digest algorithm" } else { "invalid checksum digest format" };
        return Err(message.to_owned());
    };
    if encoded.len() != *len {
        return Err("invalid checksum digest length".to_owned());
    }
    let hexadecimal = encoded.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if hexadecimal { Ok(()) } else { Err("invalid checksum digest format".to_owned()) }
}

/// Algorithms of digests, and how many characters each takes.
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// Where the characters of a text stand in the bytes they were read from.
#[derive(Default)]
struct Places {
    /// Offsets into text and bytes behind each character that stands for other bytes.
    behind: Vec<(u32, u32)>,
}

impl Places {
    fn of(&self, at: u32) -> u32 {
        match self.behind.partition_point(|(text, _)| *text <= at) {
            0 => at,
            count => self.behind[count - 1].1 + (at - self.behind[count - 1].0),
        }
    }
}

/// Bytes as text, with U+FFFD for what is not UTF-8.
fn lossy(bytes: &[u8]) -> (Cow<'_, str>, Places) {
    if let Ok(text) = str::from_utf8(bytes) {
        return (text.into(), Places::default());
    }
    let (mut text, mut places, mut at) = (String::with_capacity(bytes.len()), Places::default(), 0);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        at += chunk.valid().len() + chunk.invalid().len();
        if !chunk.invalid().is_empty() {
            text.push('\u{FFFD}');
            places.behind.push((offset(text.len()), offset(at)));
        }
    }
    (text.into(), places)
}

/// A name for a message: one stage may be named by every line of it.
fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}

/// Longer names of stages are cut off in messages.
const NAME_BYTES_MAX: usize = 256;
