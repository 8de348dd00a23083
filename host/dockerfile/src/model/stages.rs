//! Stages: what every `FROM` names.
//!
//! `FROM` instructions → [`Stage`]s, in order. A base is looked up among the stages before it, in the
//! case it is written in, as BuildKit does; `--from` is looked up among all, in any case.

use std::ops::Range;

use super::build::{At, Builder, Phase, State};
use super::{Base, ImageUse, ImageUseKind, Origin, PlatformFlag, Site, Stage, StageName, VariableScope};
use crate::limits::MODEL_SUGGESTIONS_MAX;
use crate::parse::{is_stage_name, stage_name, suggested};
use crate::platform::Platform;
use crate::reference::Reference;
use crate::span::{Span, offset};
use crate::tree::{Instruction, Keyword, Source, Tree, Word};

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
        let named = words.first().and_then(|word| self.base_name(&at, &state, word));
        // BuildKit does not look at the platform behind a base that stops it.
        let variables = self.model.variables.len();
        let platform_flag = self.platform_flag(&at, &state);
        if named.is_none() {
            self.model.variables.truncate(variables);
        }
        self.end();
        let (as_span, name) = name(source, tree, words);
        let wanted = match &platform_flag {
            PlatformFlag::Resolved { platform, .. } => platform.clone(),
            _ => self.inputs.target_platform.clone(),
        };
        let context = name.as_ref().and_then(|name| self.own_context(&at, &name.name, &wanted));
        let replaced = context.is_some();
        // What a context takes the place of must be a valid name all the same.
        let base = named.map(|name| self.base(&name, &wanted, from));
        let base = context.or(base).unwrap_or(Base::Unresolvable { name: None });
        // Without build arguments the default is what was just expanded and found to be an image.
        let is_default = self.build_args.is_empty() && !replaced && matches!(base, Base::Image { .. });
        let unknown = words.first().filter(|_| !is_default);
        let default = unknown.and_then(|word| self.default_base(tree.characters(source, word.text)));
        let invalid_default_base = default.is_some_and(|name| Reference::check(&name).is_err());
        let platform = match &base {
            Base::Stage(parent) => self.model.stages[*parent as usize].platform.clone(),
            Base::Scratch => self.inputs.target_platform.clone(),
            _ => wanted,
        };
        let root = match base {
            Base::Stage(parent) => self.model.stages[parent as usize].root,
            _ => index,
        };
        let source = base.clone();
        self.model.images.push(ImageUse {
            kind: ImageUseKind::From,
            step,
            stage: index,
            span: base_span,
            source,
            platform: platform.clone(),
        });
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
            if let Some(name) = &stage.name {
                self.names.insert(name.name.clone(), index);
            }
        }
    }

    /// The stage of a name in lower case; of equal names the last.
    pub(super) fn stage_named(&self, name: &str) -> Option<u32> {
        let stages = &self.model.stages;
        if stages.len() > FEW_STAGES {
            return self.names.get(name).copied();
        }
        stages.iter().rposition(|stage| stage.name.as_ref().is_some_and(|known| known.name == name)).map(offset)
    }

    /// The name of the base after expansion; nothing where BuildKit stops at it.
    fn base_name(&mut self, at: &At<'_>, state: &State, word: &Word) -> Option<String> {
        let site = at.word(0);
        let value = self.expand_text(at, state, site, word.text)?;
        let name = self.model.text(&value).map(str::to_owned)?;
        if name.is_empty() {
            let message = format!("base name ({}) should not be blank", at.tree.characters(at.source, word.text));
            self.problem_in(Phase::From, at, site, message);
            return None;
        }
        Some(name)
    }

    fn base(&mut self, name: &str, platform: &Platform, from: &Instruction) -> Base {
        if let Some(stage) = self.stage_named(name) {
            return Base::Stage(stage);
        }
        let (base, error) = self.meant(name, platform);
        if let (Base::Unresolvable { name: Some(name) }, Some(error)) = (&base, error) {
            let message = format!("failed to parse stage name {name:?}: {error}");
            self.problem(Phase::Resolve, message, from.span, from.lines.0);
        }
        base
    }

    /// The context of the stage's own name. BuildKit takes that name for a reference.
    fn own_context(&mut self, at: &At<'_>, name: &str, platform: &Platform) -> Option<Base> {
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
        let mut flags = flags.filter(|(_, flag)| at.tree.characters(at.source, flag.name) == "platform");
        let Some((number, written)) = flags.find_map(|(number, flag)| Some((number, flag.value?))) else {
            return PlatformFlag::None;
        };
        if written.is_empty() {
            return PlatformFlag::None;
        }
        let before = self.model.variables.len();
        let site = Site::Flag(at.instruction.flags.start + offset(number));
        let value = self.expand_text(at, state, site, written);
        let text = value.and_then(|value| self.model.text(&value).map(str::to_owned));
        let parsed = text.as_deref().map(Platform::parse);
        let (text, error) = match (text, parsed) {
            (Some(text), Some(Ok(platform))) => return PlatformFlag::Resolved { text, platform },
            (Some(text), Some(Err(error))) => (Some(text), error.to_string()),
            _ => (None, String::new()),
        };
        let unset: Vec<String> = self.model.variables[before..]
            .iter()
            .filter(|variable| variable.state != super::VariableState::Resolved)
            .map(|variable| self.model.name(variable).to_owned())
            .collect();
        let written = at.read_flag(written).text;
        let message = match text.as_deref() {
            // Why expansion failed is noted already.
            None => return PlatformFlag::Unresolvable { text, unset },
            Some("") => format!("empty platform value from expression {written}"),
            Some(_) => format!("failed to parse platform {written}: {error}"),
        };
        let message = match unset.first().filter(|_| self.suggestions < MODEL_SUGGESTIONS_MAX) {
            Some(name) => {
                self.suggestions += 1;
                suggested(message, name, &self.model.scopes.visible(self.globals, false))
            }
            None => message,
        };
        self.problem_in(Phase::From, at, site, message);
        PlatformFlag::Unresolvable { text, unset }
    }

    /// Checks that the target is there.
    pub(super) fn find_target(&mut self) {
        let Some(target) = self.target() else { return };
        if self.stage_named(&stage_name(target)).is_none() {
            let names: Vec<&str> =
                self.model.stages.iter().filter_map(|s| s.name.as_ref()).map(|n| n.name.as_str()).collect();
            let message = suggested(format!("target stage {target:?} could not be found"), target, &names);
            self.problem(Phase::Target, message, Span::default(), 1);
        }
    }
}

/// The name of the last stage.
pub(super) fn last_name(source: Source<'_>, tree: &Tree) -> Option<String> {
    let mut froms = tree.instructions.iter().rev().filter(|i| i.keyword == Keyword::From && i.parent.is_none());
    name(source, tree, tree.words_of(froms.next()?)).1.map(|name| name.name)
}

/// So many stages are compared by name one by one; beyond that a map knows them.
const FEW_STAGES: usize = 16;

/// `AS name`, if it is well formed.
fn name(source: Source<'_>, tree: &Tree, words: &[Word]) -> (Option<Span>, Option<StageName>) {
    let [_, keyword, name] = words else { return (None, None) };
    if !tree.characters(source, keyword.text).eq_ignore_ascii_case("as") {
        return (None, None);
    }
    let written = tree.characters(source, name.text);
    let lower = stage_name(written);
    let name = is_stage_name(&lower).then(|| StageName {
        name: lower.into_owned(),
        written: written.to_owned(),
        span: name.span,
    });
    (Some(keyword.span), name)
}
