//! Stages: what every `FROM` names, and which stages need which.
//!
//! `FROM` instructions → [`Stage`]s, in order. A base is looked up among the stages before it, in the
//! case it is written in, as BuildKit does; `--from` is looked up among all, in any case.

use std::ops::Range;

use super::build::{At, Builder, Phase, State};
use super::{Base, ImageUse, ImageUseKind, Origin, PlatformFlag, Site, Stage, StageName, Value, VariableScope};
use crate::limits::MODEL_SUGGESTIONS_MAX;
use crate::parse::{is_stage_name, suggested};
use crate::platform::Platform;
use crate::reference::Reference;
use crate::span::{Span, offset};
use crate::tree::{Instruction, Keyword, Tree, Word};

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
        let mut base = Base::Unresolvable { name: None };
        let mut base_span = from.keyword_span;
        let mut invalid_default_base = false;
        if let Some(word) = words.first() {
            base_span = word.span;
            let value = self.expand_text(&at, &state, at.word(0), word.text);
            base = self.base(value, tree.text(source, word.text), from);
            // Without build arguments the defaults are what was just expanded.
            let known_valid = self.build_args.is_empty() && matches!(base, Base::Image { .. } | Base::Scratch);
            invalid_default_base = !known_valid
                && self.default_base(tree.text(source, word.text)).is_some_and(|name| Reference::parse(&name).is_err());
        }
        let platform_flag = self.platform_flag(&at, &state);
        self.end();
        let platform = match (&base, &platform_flag) {
            (Base::Stage(parent), _) => self.model.stages[*parent as usize].platform.clone(),
            (Base::Scratch, _) => self.inputs.target_platform.clone(),
            (_, PlatformFlag::Resolved { platform, .. }) => platform.clone(),
            _ => self.inputs.target_platform.clone(),
        };
        let root = match base {
            Base::Stage(parent) => self.model.stages[parent as usize].root,
            _ => index,
        };
        let (as_span, name) = name(source, tree, words);
        if let Some(name) = &name {
            self.names.insert(name.name.clone(), index);
        }
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
            instructions,
            steps: 0..0,
            reachable: true,
            invalid_default_base,
        });
    }

    fn base(&mut self, value: Value, written: &str, from: &Instruction) -> Base {
        let Some(name) = self.model.text(&value).map(str::to_owned) else { return Base::Unresolvable { name: None } };
        if name.is_empty() {
            let message = format!("base name ({written}) should not be blank");
            self.problem(Phase::From, message, from.span, from.lines.0);
            return Base::Unresolvable { name: Some(name) };
        }
        match self.names.get(&name) {
            Some(stage) => Base::Stage(*stage),
            None => self.image(name, from.span, from.lines.0),
        }
    }

    /// An image or `scratch` by its name.
    pub(super) fn image(&mut self, name: String, span: Span, line: u32) -> Base {
        if name == "scratch" {
            return Base::Scratch;
        }
        match Reference::parse(&name) {
            Ok(reference) => Base::Image { name, reference },
            Err(error) => {
                self.problem(Phase::Resolve, format!("failed to parse stage name {name:?}: {error}"), span, line);
                Base::Unresolvable { name: Some(name) }
            }
        }
    }

    fn platform_flag(&mut self, at: &At<'_>, state: &State) -> PlatformFlag {
        let flags = at.tree.flags_of(at.instruction).iter().enumerate();
        let mut flags = flags.filter(|(_, flag)| at.tree.text(at.source, flag.name) == "platform");
        let Some((number, written)) = flags.find_map(|(number, flag)| Some((number, flag.value?))) else {
            return PlatformFlag::None;
        };
        if written.is_empty() {
            return PlatformFlag::None;
        }
        let before = self.model.variables.len();
        let site = Site::Flag(at.instruction.flags.start + offset(number));
        let value = self.expand_text(at, state, site, written);
        let text = self.model.text(&value).map(str::to_owned);
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
        let written = at.tree.text(at.source, written);
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
        self.problem_at(Phase::From, at, message);
        PlatformFlag::Unresolvable { text, unset }
    }

    /// Checks that the target is there.
    pub(super) fn find_target(&mut self) {
        let Some(target) = self.inputs.target.filter(|target| !target.is_empty()) else { return };
        if !self.names.contains_key(&target.to_lowercase()) {
            let names: Vec<&str> =
                self.model.stages.iter().filter_map(|s| s.name.as_ref()).map(|n| n.name.as_str()).collect();
            let message = suggested(format!("target stage {target:?} could not be found"), target, &names);
            self.problem(Phase::Target, message, Span::default(), 1);
        }
    }

    /// Marks what the target needs.
    pub(super) fn mark_reachable(&mut self) {
        let Some(target) = self.inputs.target.and_then(|name| self.names.get(&name.to_lowercase())) else { return };
        let needs = self.needs(true);
        for stage in &mut self.model.stages {
            stage.reachable = false;
        }
        let mut open = vec![*target];
        while let Some(stage) = open.pop() {
            let stage_of = &mut self.model.stages[stage as usize];
            if !std::mem::replace(&mut stage_of.reachable, true) {
                open.extend(&needs[stage as usize]);
            }
        }
    }

    /// Stages that copy from each other in a circle: the build stops before any of them runs.
    pub(super) fn find_cycles(&mut self) {
        if self.uses.iter().all(|(user, used)| used < user) {
            return;
        }
        let needs = self.needs(false);
        let mut mark = vec![Mark::New; needs.len()];
        for first in 0..needs.len() {
            let mut way: Vec<(usize, usize)> = Vec::new();
            if mark[first] == Mark::New {
                mark[first] = Mark::Open;
                way.push((first, 0));
            }
            while let Some((stage, next)) = way.last_mut() {
                let Some(used) = needs[*stage].get(*next).map(|used| *used as usize) else {
                    mark[*stage] = Mark::Done;
                    way.pop();
                    continue;
                };
                *next += 1;
                match mark[used] {
                    Mark::Done => {}
                    Mark::New => {
                        mark[used] = Mark::Open;
                        way.push((used, 0));
                    }
                    Mark::Open => {
                        let stage = &self.model.stages[used];
                        let name =
                            stage.name.as_ref().map_or_else(|| format!("stage-{used}"), |name| name.name.clone());
                        let from = &self.tree.instructions[stage.from as usize];
                        let message = format!("circular dependency detected on stage: {name}");
                        return self.problem(Phase::Cycles, message, from.span, from.lines.0);
                    }
                }
            }
        }
    }

    /// For each stage those it uses, with its base or without.
    fn needs(&self, bases: bool) -> Vec<Vec<u32>> {
        let mut needs = vec![Vec::new(); self.model.stages.len()];
        for (user, used) in &self.uses {
            needs[*user as usize].push(*used);
        }
        for (stage, needs) in self.model.stages.iter().zip(&mut needs).filter(|_| bases) {
            if let Base::Stage(base) = stage.base {
                needs.push(base);
            }
        }
        needs
    }
}

/// How far the search for circles is with a stage.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// The name of the last stage.
pub(super) fn last_name(source: &[u8], tree: &Tree) -> Option<String> {
    let mut froms = tree.instructions.iter().rev().filter(|i| i.keyword == Keyword::From && i.parent.is_none());
    name(source, tree, tree.words_of(froms.next()?)).1.map(|name| name.name)
}

/// The text of a platform for `BUILDPLATFORM`, which does not name the version of the operating system.
pub(super) fn without_version(platform: &Platform) -> String {
    if platform.os_version.is_empty() && platform.os_features.is_empty() {
        return platform.to_string();
    }
    Platform { os_version: String::new(), os_features: Vec::new(), ..platform.clone() }.to_string()
}

/// `AS name`, if it is well formed.
fn name(source: &[u8], tree: &Tree, words: &[Word]) -> (Option<Span>, Option<StageName>) {
    let [_, keyword, name] = words else { return (None, None) };
    if !tree.text(source, keyword.text).eq_ignore_ascii_case("as") {
        return (None, None);
    }
    let written = tree.text(source, name.text);
    let lower = written.to_lowercase();
    let name = is_stage_name(&lower).then(|| StageName { name: lower, written: written.to_owned(), span: name.span });
    (Some(keyword.span), name)
}
