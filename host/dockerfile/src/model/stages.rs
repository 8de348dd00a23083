//! Stages: what every `FROM` names.
//!
//! `FROM` instructions → [`Stage`]s, in order. A base is looked up among the stages before it, in the
//! case it is written in, as BuildKit does; `--from` is looked up among all, in any case.

use std::borrow::Cow;
use std::ops::Range;

use super::build::{At, Builder, Phase, State, TARGET_PLATFORM};
use super::{Base, ImageUse, ImageUseKind, Kept, Origin, PlatformFlag, PlatformNumber};
use super::{Site, Stage, StageName, VariableScope, VariableState};
use crate::limits::MODEL_SUGGESTIONS_MAX;
use crate::parse::{is_stage_name, stage_name, suggested};
use crate::platform::Platform;
use crate::reference::Reference;
use crate::span::{Span, offset};
use crate::tree::{Instruction, Keyword, Source, Text, Tree, Word};

impl<'a> Builder<'a> {
    /// Makes a stage of every `FROM`.
    pub(super) fn stages(&mut self) {
        let tree = self.tree;
        let is_from = |(_, i): &(usize, &Instruction)| i.keyword == Keyword::From && i.parent.is_none();
        let mut froms = tree.instructions.iter().enumerate().filter(is_from).peekable();
        while let Some((index, from)) = froms.next() {
            let end = froms.peek().map_or(tree.instructions.len(), |(next, _)| *next);
            self.stage(offset(index)..offset(end), from);
        }
    }

    fn stage(&mut self, instructions: Range<u32>, from: &'a Instruction) {
        let (source, tree) = (self.source, self.tree);
        let index = offset(self.model.stages.len());
        let state = State::new(self.globals);
        let step = self.begin(Origin::Own, instructions.start, Some(index), from.lines, &state);
        let at = self.at(step, from, Some(index), VariableScope::From);
        let words = tree.words_of(from);
        let base_span = words.first().map_or(from.keyword_span, |word| word.span);
        let named = words.first().and_then(|word| self.expand_base(&at, &state, word));
        // BuildKit does not look at the platform behind a base that stops it.
        let variables = self.model.variables.len();
        let platform_flag = self.platform_flag(&at, &state);
        if named.is_none() {
            self.model.variables.truncate(variables);
        }
        self.end();
        let wanted = match platform_flag {
            PlatformFlag::Resolved(platform) => platform,
            _ => TARGET_PLATFORM,
        };
        let (as_span, name) = name(source, tree, words);
        let context = name.as_ref().and_then(|(_, name)| self.own_context(&at, name, wanted));
        let name = name.map(|(span, name)| StageName { name: Kept(self.model.scopes.keep(&name)), span });
        let replaced = context.is_some();
        // What a context takes the place of must be a valid name all the same.
        let base = named.map(|name| self.base(name, wanted, from));
        let base = context.or(base).unwrap_or(Base::Unresolvable(None));
        // Without build arguments the default is what was just expanded and found to be an image.
        let is_default = self.build_args.is_empty() && !replaced && matches!(base, Base::Image(_));
        let unknown = words.first().filter(|_| !is_default);
        let default = unknown.and_then(|word| self.default_base(tree.characters(source, word.text), word.text.plain));
        let invalid_default_base = default.is_some_and(|name| Reference::check(&name).is_err());
        let platform = match base {
            Base::Stage(parent) => self.model.stages[parent as usize].platform,
            Base::Scratch => TARGET_PLATFORM,
            _ => wanted,
        };
        let root = match base {
            Base::Stage(parent) => self.model.stages[parent as usize].root,
            _ => index,
        };
        let kind = ImageUseKind::From;
        self.model.images.push(ImageUse { kind, step, stage: index, span: base_span, source: base, platform });
        self.model.stages.push(Stage {
            from: instructions.start,
            name,
            base,
            base_span,
            as_span,
            platform_flag,
            platform,
            root,
            replaced,
            instructions,
            steps: 0..0,
            reachable: true,
            invalid_default_base,
        });
        self.name_stage(index);
    }

    /// Notes the name of a stage, once there are more than a few.
    fn name_stage(&mut self, index: u32) {
        let stages = &self.model.stages;
        let from = match stages.len() {
            0..=FEW_STAGES => return,
            count if count == FEW_STAGES + 1 => 0,
            _ => index as usize,
        };
        for (stage, index) in stages[from..].iter().zip(offset(from)..) {
            if let Some(name) = self.model.stage_name(stage) {
                self.names.insert(name.to_owned(), index);
            }
        }
    }

    /// The stage of a name in lower case; of equal names the last.
    pub(super) fn stage_named(&self, name: &str) -> Option<u32> {
        let stages = &self.model.stages;
        if stages.len() > FEW_STAGES {
            return self.names.get(name).copied();
        }
        stages.iter().rposition(|stage| self.model.stage_name(stage) == Some(name)).map(offset)
    }

    /// The name of the base after expansion; nothing where BuildKit stops at it.
    fn expand_base(&mut self, at: &At<'_>, state: &State, word: &Word) -> Option<Kept> {
        let site = at.word(0);
        let name = self.expand_text(at, state, site, word.text)?.text?;
        if name.is_empty() {
            let message = format!("base name ({}) should not be blank", at.tree.characters(at.source, word.text));
            self.problem_in(Phase::From, at, site, message);
            return None;
        }
        Some(Kept(name))
    }

    fn base(&mut self, name: Kept, platform: PlatformNumber, from: &Instruction) -> Base {
        if let Some(stage) = self.stage_named(self.model.scopes.text(name.0)) {
            return Base::Stage(stage);
        }
        let (base, error) = self.meant(name, platform);
        if let Some(error) = error {
            let message = format!("failed to parse stage name {:?}: {error}", self.model.scopes.text(name.0));
            self.problem(Phase::Resolve, message, from.span, from.lines.0);
        }
        base
    }

    /// The context of the stage's own name. BuildKit takes that name for a reference.
    fn own_context(&mut self, at: &At<'_>, name: &str, platform: PlatformNumber) -> Option<Base> {
        match self.stage_context(name, platform) {
            Ok(context) => context,
            Err(error) => {
                self.problem_at(Phase::From, at, format!("invalid context name {name}: {error}"));
                None
            }
        }
    }

    fn platform_flag(&mut self, at: &At<'_>, state: &State) -> PlatformFlag {
        let flags = at.tree.flags_of(at.instruction).iter().enumerate();
        let mut flags = flags.filter(|(_, flag)| at.tree.is_named(at.source, flag, "platform"));
        let Some((number, written)) = flags.find_map(|(number, flag)| Some((number, flag.value?))) else {
            return PlatformFlag::None;
        };
        if written.is_empty() { PlatformFlag::None } else { self.resolve_platform(at, state, number, written) }
    }

    #[inline(never)]
    fn resolve_platform(&mut self, at: &At<'_>, state: &State, number: usize, written: Text) -> PlatformFlag {
        let before = self.model.variables.len();
        let site = Site::Flag(at.instruction.flags.start + offset(number));
        let value = self.expand_text(at, state, site, written);
        // Why expansion failed is noted already.
        let Some(text) = value.and_then(|value| self.model.text(&value)) else { return PlatformFlag::Unresolvable };
        let written = at.read_flag(written).text;
        let message = match Platform::parse(text) {
            Ok(platform) => {
                self.model.platforms.push(platform);
                return PlatformFlag::Resolved(PlatformNumber(offset(self.model.platforms.len())));
            }
            Err(_) if text.is_empty() => format!("empty platform value from expression {written}"),
            Err(error) => format!("failed to parse platform {written}: {error}"),
        };
        let mut variables = self.model.variables[before..].iter();
        let unset = variables.find(|variable| variable.state != VariableState::Resolved);
        let message = match unset.filter(|_| self.suggestions < MODEL_SUGGESTIONS_MAX) {
            Some(variable) => {
                self.suggestions += 1;
                let names = self.model.scopes.visible(self.globals, false);
                suggested(message, self.model.name(variable), &names)
            }
            None => message,
        };
        self.problem_in(Phase::From, at, site, message);
        PlatformFlag::Unresolvable
    }

    /// Checks that the target is there.
    pub(super) fn find_target(&mut self) {
        let Some(target) = self.target() else { return };
        if self.stage_named(&stage_name(target)).is_none() {
            let names: Vec<&str> = self.model.stages.iter().filter_map(|s| self.model.stage_name(s)).collect();
            let message = suggested(format!("target stage {target:?} could not be found"), target, &names);
            self.problem(Phase::Target, message, Span::default(), 1);
        }
    }
}

/// The name of the last stage.
pub(super) fn last_name<'t>(source: Source<'t>, tree: &'t Tree) -> Option<Cow<'t, str>> {
    let mut froms = tree.instructions.iter().rev().filter(|i| i.keyword == Keyword::From && i.parent.is_none());
    name(source, tree, tree.words_of(froms.next()?)).1.map(|(_, name)| name)
}

/// So many stages are compared by name one by one; beyond that a map knows them.
const FEW_STAGES: usize = 16;

/// `AS` and the name behind it, in lower case, if it is well formed.
fn name<'t>(source: Source<'t>, tree: &'t Tree, words: &[Word]) -> (Option<Span>, Option<(Span, Cow<'t, str>)>) {
    let [_, keyword, name] = words else { return (None, None) };
    if !tree.characters(source, keyword.text).eq_ignore_ascii_case("as") {
        return (None, None);
    }
    let lower = stage_name(tree.characters(source, name.text));
    let name = is_stage_name(&lower).then_some((name.span, lower));
    (Some(keyword.span), name)
}
