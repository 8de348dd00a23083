//! Expansion inside a model: one text of the tree in one scope.
//!
//! A text, its place and a scope → a [`Value`] and the [`Variable`]s in it. All expansions of a model
//! draw on one budget.

use std::borrow::Cow;

use super::build::{At, Builder, Phase, State};
use super::scope::{Scope, View};
use super::{Site, Value, Variable, VariableScope, VariableState};
use crate::expand::{ExpandError, Lexer};
use crate::limits::{EXPANSION_WORK_MAX, MODEL_VALUE_BYTES_MAX};
use crate::span::Span;
use crate::tree::{Instruction, Keyword, Text};

impl Builder<'_> {
    /// The scope with defaults goes along where build arguments change the other one.
    pub(super) fn default_argument(&mut self, instruction: &Instruction) {
        if self.build_args.is_empty() {
            // BuildKit gives up on defaults where one does not expand.
            let fails = self.problems.iter().any(|noted| noted.phase == Phase::Arguments);
            self.defaults = self.defaults.filter(|_| !fails).map(|_| self.globals);
            return;
        }
        let (source, tree) = (self.source, self.tree);
        for word in tree.words_of(instruction) {
            let text = tree.characters(source, word.text);
            let (Some(scope), Some((key, default))) = (self.defaults, text.split_once('=')) else { continue };
            self.defaults = self.silently(default, scope).map(|value| {
                let name = self.model.scopes.intern(key);
                let value = self.model.scopes.assigned(&value, true);
                self.model.scopes.set(scope, name, value)
            });
        }
    }

    /// The name of a base when all build arguments keep their defaults; `plain` where expansion leaves it as it is.
    pub(super) fn default_base<'t>(&mut self, text: &'t str, plain: bool) -> Option<Cow<'t, str>> {
        let scope = self.defaults?;
        if plain {
            return Some(text.into());
        }
        let value = self.silently(text, scope).map(Cow::Owned);
        // BuildKit gives up on all stages from here.
        if value.is_none() {
            self.defaults = None;
        }
        value
    }

    fn silently(&mut self, text: &str, scope: Scope) -> Option<String> {
        let view = View { scopes: &self.model.scopes, scope };
        let mut work = self.work.min(EXPANSION_WORK_MAX);
        let before = work;
        let value = Lexer::new(char::from(self.tree.escape)).value(text, &view, &mut work).value.ok();
        let value = value.map(|value| value.into_owned());
        self.work -= before - work;
        value
    }

    /// Expands a text of the tree; nothing where BuildKit stops at it.
    pub(super) fn expand_text(&mut self, at: &At<'_>, state: &State, site: Site, text: Text) -> Option<Value> {
        let lexer = Lexer::new(char::from(self.tree.escape));
        if matches!(site, Site::Flag(_)) {
            let flag = at.read_flag(text);
            return self.expand(at, state, site, &flag.text, lexer, &|span| at.flag_span(&flag, span));
        }
        let mut text = text;
        let mut characters = at.tree.characters(at.source, text);
        if text.plain
            && let Some(value) = self.expand_plain(site, characters, 0)
        {
            return Some(value);
        }
        if at.instruction.keyword == Keyword::Volume {
            let start = characters.len() - characters.trim_start().len();
            characters = characters.trim();
            text = text.slice(start, start + characters.len());
        }
        self.expand(at, state, site, characters, lexer, &|span| at.tree.source_span(text, span.start..span.end))
    }

    /// Expands `text` and notes its value and its variables; `locate` leads from it to the source.
    /// Nothing comes back where BuildKit stops at it.
    pub(super) fn expand(
        &mut self,
        at: &At<'_>,
        state: &State,
        site: Site,
        text: &str,
        lexer: Lexer,
        locate: &dyn Fn(Span) -> Span,
    ) -> Option<Value> {
        let plain = lexer.plain(text).and_then(|(plain, cost)| self.expand_plain(site, plain, cost));
        plain.or_else(|| self.expand_fully(at, state, site, text, lexer, locate))
    }

    /// Notes a value that is known without expansion, and the work it takes; nothing where a bound is hit.
    fn expand_plain(&mut self, site: Site, plain: &str, cost: usize) -> Option<Value> {
        let within =
            cost <= self.work.min(EXPANSION_WORK_MAX) && self.value_bytes + plain.len() <= MODEL_VALUE_BYTES_MAX;
        within.then(|| {
            let value = Value { site, exact: true, text: Some(self.model.scopes.keep(plain)) };
            self.value_bytes += plain.len();
            self.work -= cost;
            self.expansions += 1;
            self.model.values.push(value);
            value
        })
    }

    #[inline(never)]
    fn expand_fully(
        &mut self,
        at: &At<'_>,
        state: &State,
        site: Site,
        text: &str,
        lexer: Lexer,
        locate: &dyn Fn(Span) -> Span,
    ) -> Option<Value> {
        let mut work = self.work.min(EXPANSION_WORK_MAX);
        let before = work;
        let view = View { scopes: &self.model.scopes, scope: state.scope };
        let result = lexer.value_in(text, &view, &mut work, &mut self.buffers);
        self.work -= before - work;
        let value = &self.buffers.value;
        let (text_span, error) = match result {
            Ok(()) if self.value_bytes + value.len() <= MODEL_VALUE_BYTES_MAX => {
                self.value_bytes += value.len();
                (Some(self.model.scopes.keep(value)), None)
            }
            Ok(()) => (None, Some(ExpandError { message: TOO_MANY_BYTES.to_owned(), limit: true })),
            Err(error) => (None, Some(error)),
        };
        let mut exact = text_span.is_some();
        for reference in &self.buffers.references {
            let name = self.model.scopes.intern(reference.name(text));
            let entry = self.model.scopes.entry(state.scope, name);
            let variable_state = match entry.value {
                Some(_) => VariableState::Resolved,
                None if entry.declared => VariableState::Declared,
                None if state.unknown => VariableState::Unknown,
                None => VariableState::Unresolved,
            };
            exact &= entry.value.map_or(!state.unknown, |value| value.exact);
            self.model.variables.push(Variable {
                span: at.outside.unwrap_or_else(|| locate(reference.span)),
                step: at.step,
                site,
                expansion: self.expansions,
                stage: at.stage,
                scope: at.scope,
                state: variable_state,
                form: reference.form,
                line: at.line,
                name,
                value: entry.value,
                environment: state.scope,
            });
        }
        self.expansions += 1;
        let value = Value { site, exact, text: text_span };
        self.model.values.push(value);
        let Some(error) = error else { return Some(value) };
        // Of what is beyond a bound the first place says enough.
        if error.limit && std::mem::replace(&mut self.limited, true) {
            return Some(value);
        }
        let phase = match at.scope {
            VariableScope::Global => Phase::Arguments,
            VariableScope::From => Phase::From,
            VariableScope::Stage => Phase::Run,
        };
        self.problem_in(phase, at, site, error.message);
        // Beyond a bound of ours BuildKit may go on.
        error.limit.then_some(value)
    }
}

const TOO_MANY_BYTES: &str = "the values in this file are too long to keep";
