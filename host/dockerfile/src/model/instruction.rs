//! One instruction at a time: what BuildKit expands in it, and what it changes for those behind it.
//!
//! An instruction and the [`State`] before it → values, variables and image uses, and the state
//! behind it.

use super::build::{At, Builder, Phase, State};
use super::epoch::EPOCH;
use super::scope::{Assigned, Name};
use super::{Value, VariableScope};
use crate::limits::{DIRECTORY_BYTES_MAX, MODEL_VALUE_BYTES_MAX};
use crate::path;
use crate::span::Span;
use crate::tree::Keyword;

impl Builder<'_> {
    /// Runs one instruction of a stage.
    pub(super) fn run(&mut self, at: &At<'_>, state: &mut State) {
        match at.instruction.keyword {
            Keyword::Env => self.environment(at, state),
            Keyword::Arg => self.arguments(at, state),
            Keyword::Label | Keyword::User => {
                self.words(at, state);
            }
            Keyword::Volume => self.volumes(at, state),
            Keyword::Stopsignal => self.signal(at, state),
            Keyword::Expose => self.expose(at, state),
            Keyword::Workdir => self.directory(at, state),
            Keyword::Add | Keyword::Copy => self.copied(at, state),
            Keyword::Run => self.mounts(at, state),
            Keyword::Shell => {
                let words = at.tree.words_of(at.instruction).iter();
                let shell = words.map(|word| at.tree.characters(at.source, word.text).to_owned()).collect();
                state.shell = self.shell(shell);
            }
            Keyword::Cmd
            | Keyword::Entrypoint
            | Keyword::From
            | Keyword::Healthcheck
            | Keyword::Maintainer
            | Keyword::Onbuild
            | Keyword::Unknown => {}
        }
    }

    /// `ARG`: each word sees those before it.
    pub(super) fn arguments(&mut self, at: &At<'_>, state: &mut State) {
        let mut stopped = false;
        for (number, word) in at.tree.words_of(at.instruction).iter().enumerate() {
            let text = at.tree.characters(at.source, word.text);
            let equals = text.bytes().position(|b| b == b'=');
            let key = &text[..equals.unwrap_or(text.len())];
            let name = self.model.scopes.intern(key);
            let global = at.scope == VariableScope::Global;
            let given = self.build_args.get(key).copied();
            if given.is_none() && equals.is_none() && !global {
                // What a global `ARG` or the platform says becomes visible here.
                if let Some(value) = self.model.scopes.entry(self.globals, name).value {
                    self.assign(state, name, value);
                    continue;
                }
            }
            let value = match (given, equals) {
                (Some(_), _) if key == EPOCH && self.epoch.is_some() => {
                    self.epoch.unwrap_or_else(|| self.kept("", false))
                }
                (Some(value), _) => self.kept(value, true),
                (None, Some(_)) if stopped => self.kept("", false),
                (None, Some(equals)) => {
                    let default = word.text.slice(equals + 1, text.len());
                    let value = self.expand_text(at, state, at.word(number), default);
                    stopped = value.is_none();
                    self.kept_value(value)
                }
                (None, None) => {
                    state.scope = self.model.scopes.declare(state.scope, name);
                    continue;
                }
            };
            self.assign(state, name, value);
        }
    }

    fn assign(&mut self, state: &mut State, name: Name, value: Assigned) {
        let scopes = &mut self.model.scopes;
        if NOT_IN_ENVIRONMENT.contains(&scopes.name(name)) {
            state.scope = scopes.declare(state.scope, name);
            return;
        }
        if scopes.entry(state.scope, name).image.is_some() {
            state.shadowed.push(name);
        }
        state.scope = scopes.set(state.scope, name, value);
    }

    /// A value for a scope; once there are too many bytes of values, an unknown one.
    fn kept(&mut self, value: &str, exact: bool) -> Assigned {
        let full = self.model.scopes.bytes() + value.len() > MODEL_VALUE_BYTES_MAX;
        if full { self.model.scopes.assigned("", false) } else { self.model.scopes.assigned(value, exact) }
    }

    /// The same of what was expanded; nothing and what has no text is an unknown value.
    fn kept_value(&mut self, value: Option<Value>) -> Assigned {
        let exact = value.is_some_and(|value| value.exact);
        let text = value.and_then(|value| value.text).unwrap_or_default();
        let full = self.model.scopes.bytes() + text.len() as usize > MODEL_VALUE_BYTES_MAX;
        let (text, exact) = if full { (Span::default(), false) } else { (text, exact) };
        self.model.scopes.assigned_kept(text, exact)
    }

    /// `ENV`: all of it sees what was before the instruction.
    fn environment(&mut self, at: &At<'_>, state: &mut State) {
        let before = self.model.values.len();
        self.words(at, state);
        let words = at.tree.words_of(at.instruction);
        for (number, key) in words.iter().enumerate().step_by(2) {
            let [name, value] = [number, number + 1].map(|number| self.model.values.get(before + number).copied());
            let value = self.kept_value(value);
            let name = match name.and_then(|name| name.text) {
                Some(name) => self.model.scopes.intern_kept(name),
                // What stands behind an error is set to something all the same.
                None => self.model.scopes.intern(at.tree.characters(at.source, key.text)),
            };
            state.scope = self.model.scopes.set_image(state.scope, name, value);
        }
    }

    /// Expands words until BuildKit stops at one. The values are those that are new in the model.
    pub(super) fn words(&mut self, at: &At<'_>, state: &State) -> bool {
        let mut words = at.tree.words_of(at.instruction).iter().enumerate();
        words.all(|(number, word)| self.expand_text(at, state, at.word(number), word.text).is_some())
    }

    /// The text of a value that is certain.
    pub(super) fn certain(&self, value: &Value) -> Option<&str> {
        self.model.text(value).filter(|_| value.exact)
    }

    #[inline(never)]
    fn volumes(&mut self, at: &At<'_>, state: &State) {
        let before = self.model.values.len();
        if !self.words(at, state) {
            return;
        }
        let empty = self.model.values[before..].iter().find(|value| self.certain(value) == Some(""));
        if let Some(site) = empty.map(|value| value.site) {
            self.problem_in(Phase::Run, at, site, "VOLUME specified can not be an empty string".to_owned());
        }
    }

    #[inline(never)]
    fn directory(&mut self, at: &At<'_>, state: &mut State) {
        let before = self.model.values.len();
        self.words(at, state);
        state.workdir_set = true;
        let value = self.model.values.get(before).and_then(|value| self.certain(value));
        let Some(value) = value else {
            state.directory = None;
            return;
        };
        let system = self.system(at);
        // An absolute directory does not need the one before it.
        let known = state.directory.is_some() || path::is_absolute(value, system);
        let current = state.directory.take().unwrap_or_default();
        match path::normal(&current, value, system, false) {
            Ok(directory) => {
                state.directory = Some(directory).filter(|directory| known && directory.len() <= DIRECTORY_BYTES_MAX)
            }
            Err(error) => {
                let message = format!("normalizing workdir: normalizing working directory: {error}");
                self.problem_at(Phase::Run, at, message);
            }
        }
    }

    /// The operating system of the stage that runs.
    pub(super) fn system(&self, at: &At<'_>) -> &str {
        let stage = at.stage.and_then(|stage| self.model.stages.get(stage as usize));
        stage.map_or("", |stage| &self.model.platform(stage.platform).os)
    }

    #[inline(never)]
    fn signal(&mut self, at: &At<'_>, state: &State) {
        let before = self.model.values.len();
        self.words(at, state);
        let value = self.model.values.get(before).and_then(|value| self.certain(value));
        if let Some(text) = value.filter(|text| !is_signal(text)) {
            let message = format!("invalid signal: {text}");
            self.problem_at(Phase::Run, at, message);
        }
    }
}

/// Whether a text is a number other than 0, or a signal of Linux.
fn is_signal(text: &str) -> bool {
    if let Ok(number) = text.parse::<i64>() {
        return number != 0;
    }
    let upper = text.to_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let offset = |prefix: &str, max: u8| {
        let number = name.strip_prefix(prefix).filter(|number| !number.starts_with(['0', '+']));
        number.and_then(|number| number.parse::<u8>().ok()).is_some_and(|number| number <= max)
    };
    SIGNALS.contains(&name) || offset("RTMIN+", REAL_TIME_UP) || offset("RTMAX-", REAL_TIME_DOWN)
}

/// How far `RTMIN+n` goes.
const REAL_TIME_UP: u8 = 15;

/// How far `RTMAX-n` goes.
const REAL_TIME_DOWN: u8 = 14;

/// Arguments that steer the build and are no environment variables.
const NOT_IN_ENVIRONMENT: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

const SIGNALS: [&str; 36] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
];
