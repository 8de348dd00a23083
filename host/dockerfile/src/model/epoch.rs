//! What the caller's build arguments say to BuildKit itself, before any stage is looked at.
//!
//! `SOURCE_DATE_EPOCH` and arguments of the frontend → problems, and the value that stages see. A stage
//! may stand for the time: then it must consist of one remote `ADD`.

use std::collections::HashMap;

use super::VariableScope;
use super::build::{Builder, NO_STEP, Phase};
use super::copy::check_digest;
use super::scope::View;
use crate::expand::{Env, Lexer};
use crate::limits::EXPANSION_WORK_MAX;
use crate::parse::heredoc;
use crate::reference::Reference;
use crate::source::{SourceKind, kind, parse_bool, repository};
use crate::span::Span;
use crate::tree::{Instruction, Keyword, Text};

/// Global arguments without the one in question, and what a stage adds to them.
struct Around<'a> {
    globals: View<'a>,
    added: HashMap<String, String>,
}

impl<'a> Builder<'a> {
    /// Build arguments that stop the frontend.
    pub(super) fn check_options(&mut self) {
        let message = if self.build_args.get(FILE_OPERATIONS).is_some_and(|value| parse_bool(value) == Some(true)) {
            format!("support for {FILE_OPERATIONS:?} build-arg was removed in BuildKit 0.11")
        } else {
            match self.build_args.get(SEVERAL_PLATFORMS).filter(|value| !value.is_empty()) {
                Some(value) if parse_bool(value).is_none() => {
                    format!("invalid boolean value for multi-platform: {value}")
                }
                _ => return,
            }
        };
        self.problem(Phase::Options, message, Span::default(), 1);
    }

    /// Reads `SOURCE_DATE_EPOCH`, from a build argument or a global `ARG`.
    pub(super) fn epoch(&mut self) {
        let given = self.build_args.get(EPOCH).copied();
        let global = self.model.scopes.find(self.globals, EPOCH).value;
        let (text, exact) = match (given, global) {
            (Some(text), _) => (text.to_owned(), true),
            (None, Some(value)) => (self.model.scopes.value(value).to_owned(), value.exact),
            (None, None) => return,
        };
        let name = self.model.scopes.intern(EPOCH);
        if !exact || (text.is_empty() && given.is_none()) {
            return;
        }
        if text.is_empty() {
            self.build_args.remove(EPOCH);
            self.globals = self.model.scopes.unset(self.globals, name);
            return;
        }
        // What a stage or context stands for is not known before they are fetched.
        let value = match text.parse::<i64>() {
            Ok(seconds) => self.model.scopes.assigned(&seconds.to_string(), true),
            Err(_) => {
                self.epoch_source(&text);
                self.model.scopes.assigned("", false)
            }
        };
        if given.is_some() {
            self.epoch = Some(value);
        }
        if global.is_some() {
            self.globals = self.model.scopes.set(self.globals, name, value);
        }
    }

    #[cold]
    fn epoch_source(&mut self, text: &str) {
        if text == "context" {
            return;
        }
        let inputs = self.inputs;
        let reference = match Reference::parse(text) {
            Ok(reference) => reference,
            Err(error) => {
                let message = format!("invalid context name {text}: {error}");
                return self.problem(Phase::Epoch, message, Span::default(), 1);
            }
        };
        if !self.contexts.is_empty() && self.context(&reference, &inputs.build_platform).is_some() {
            return;
        }
        let tree = self.tree;
        let froms = tree.instructions.iter().enumerate();
        let froms = froms.filter(|(_, i)| i.keyword == Keyword::From && i.parent.is_none());
        let named = froms.into_iter().find(|(_, from)| match tree.words_of(from) {
            [_, _, name] => tree.characters(self.source, name.text).eq_ignore_ascii_case(text),
            _ => false,
        });
        let Some((index, from)) = named else {
            let message = format!("invalid SOURCE_DATE_EPOCH: {text}");
            return self.problem(Phase::Epoch, message, Span::default(), 1);
        };
        let commands = tree.instructions[index + 1..].iter();
        let commands = commands.take_while(|i| i.keyword != Keyword::From || i.parent.is_some());
        if let Err(message) = self.check_epoch_stage(from, commands.filter(|i| i.parent.is_none())) {
            self.problem(Phase::Epoch, message, from.span, from.lines.0);
        }
    }

    fn check_epoch_stage(
        &self,
        from: &Instruction,
        commands: impl Iterator<Item = &'a Instruction>,
    ) -> Result<(), String> {
        let globals = View { scopes: &self.model.scopes, scope: self.globals };
        let mut around = Around { globals, added: HashMap::new() };
        let base = self.tree.words_of(from).first().map(|word| word.text);
        let base = base.map_or(Ok(String::new()), |base| self.expanded(base, &around))?;
        if base != "scratch" {
            return Err("SOURCE_DATE_EPOCH stage must use FROM scratch".to_owned());
        }
        let mut sources = 0;
        for command in commands {
            match command.keyword {
                Keyword::Arg => self.epoch_arguments(command, &mut around)?,
                Keyword::Add if sources == 0 => {
                    self.check_epoch_add(command, &around)?;
                    sources += 1;
                }
                Keyword::Add => return Err(ONE_ADD.to_owned()),
                other => {
                    return Err(format!(
                        "SOURCE_DATE_EPOCH stage does not meet source-only requirements: unsupported {} instruction",
                        other.as_str()
                    ));
                }
            }
        }
        if sources == 1 { Ok(()) } else { Err(ONE_ADD.to_owned()) }
    }

    fn epoch_arguments(&self, command: &Instruction, around: &mut Around<'_>) -> Result<(), String> {
        for word in self.tree.words_of(command) {
            let text = self.tree.characters(self.source, word.text);
            let (key, default) = text.split_once('=').map_or((text, None), |(key, default)| (key, Some(default)));
            let value = match (self.build_args.get(key), default) {
                (Some(value), _) => (*value).to_owned(),
                (None, None) => continue,
                (None, Some(default)) => {
                    let default = word.text.slice(text.len() - default.len(), text.len());
                    self.expanded(default, around)?
                }
            };
            around.added.insert(key.to_owned(), value);
        }
        Ok(())
    }

    fn check_epoch_add(&self, command: &Instruction, around: &Around<'_>) -> Result<(), String> {
        let words = self.tree.words_of(command);
        let source = match words {
            [source, _] if !is_heredoc(self.tree.characters(self.source, source.text)) => source,
            _ => return Err("SOURCE_DATE_EPOCH stage must contain exactly one remote ADD source".to_owned()),
        };
        let source = self.expanded(source.text, around)?;
        repository(&source)?;
        let at = self.at(NO_STEP, command, None, VariableScope::Stage);
        if kind(&source) == SourceKind::Local {
            return Err("SOURCE_DATE_EPOCH stage source must be a single HTTP(S) or Git ADD".to_owned());
        }
        if let Some((checksum, _)) = at.flag_values("checksum").find(|(value, _)| !value.is_empty()) {
            let checksum = self.expanded(checksum, around)?;
            if kind(&source) == SourceKind::Url {
                check_digest(&checksum)?;
            }
        }
        Ok(())
    }

    fn expanded(&self, text: Text, around: &Around<'_>) -> Result<String, String> {
        let text = self.tree.characters(self.source, text);
        let mut work = EXPANSION_WORK_MAX;
        let value = Lexer::new(char::from(self.tree.escape)).value(text, around, &mut work).value;
        value.map(|value| value.into_owned()).map_err(|error| error.message)
    }
}

impl Env for Around<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let global = || if name == EPOCH { None } else { self.globals.get(name) };
        self.added.get(name).map(String::as_str).or_else(global)
    }
}

fn is_heredoc(word: &str) -> bool {
    matches!(heredoc::marker(word), Ok(Some(_)))
}

/// The time that a build gives to what it makes.
pub(super) const EPOCH: &str = "SOURCE_DATE_EPOCH";
const FILE_OPERATIONS: &str = "BUILDKIT_DISABLE_FILEOP";
const SEVERAL_PLATFORMS: &str = "BUILDKIT_MULTI_PLATFORM";
const ONE_ADD: &str = "SOURCE_DATE_EPOCH stage must contain exactly one remote ADD";
