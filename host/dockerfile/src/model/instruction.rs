//! One instruction at a time: what BuildKit expands in it, and what it changes for those behind it.
//!
//! An instruction and the [`State`] before it → values, variables and image uses, and the state
//! behind it.

use std::collections::HashMap;

use super::build::{At, Builder, Phase, State};
use super::scope::{Assigned, Name};
use super::{Base, ImageUse, ImageUseKind, Site, Value, VariableScope};
use crate::expand::{Lexer, NoEnv};
use crate::limits::{EXPANSION_WORK_MAX, MODEL_VALUE_BYTES_MAX};
use crate::parse::{heredoc, options};
use crate::span::{Span, offset};
use crate::tree::{Heredoc, Keyword, Text};

impl Builder<'_> {
    /// Runs one instruction of a stage.
    pub(super) fn run(&mut self, at: &At<'_>, state: &mut State) {
        match at.instruction.keyword {
            Keyword::Env => self.environment(at, state),
            Keyword::Arg => self.arguments(at, state),
            Keyword::Label | Keyword::User | Keyword::Volume => self.words(at, state),
            Keyword::Stopsignal => {
                self.words(at, state);
                self.check_signal(at);
            }
            Keyword::Expose => self.expose(at, state),
            Keyword::Workdir => {
                self.words(at, state);
                state.workdir_set = true;
            }
            Keyword::Add => self.copied(at, state, &["chown", "chmod", "checksum"]),
            Keyword::Copy => {
                self.copy_from(at);
                self.copied(at, state, &["chown", "chmod"]);
            }
            Keyword::Run => self.mounts(at, state),
            Keyword::Shell => {
                let words = at.tree.words_of(at.instruction).iter();
                let shell = words.map(|word| at.tree.text(at.source, word.text).to_owned()).collect();
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
        for (number, word) in at.tree.words_of(at.instruction).iter().enumerate() {
            let text = at.tree.text(at.source, word.text);
            let equals = text.find('=');
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
                (Some(value), _) => self.kept(value, true),
                (None, Some(equals)) => {
                    let default = word.text.slice(equals + 1, text.len());
                    let value = self.expand_text(at, state, at.word(number), default);
                    let text = self.model.text(&value).unwrap_or_default().to_owned();
                    self.kept(&text, value.exact)
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

    /// `ENV`: all of it sees what was before the instruction.
    fn environment(&mut self, at: &At<'_>, state: &mut State) {
        let before = self.model.values.len();
        self.words(at, state);
        for index in (before..self.model.values.len()).step_by(2) {
            let [key, value] = [index, index + 1].map(|at| self.model.values.get(at).copied());
            let text =
                |value: Option<Value>| value.and_then(|value| self.model.text(&value)).unwrap_or_default().to_owned();
            let (key, text, exact) = (text(key), text(value), value.is_some_and(|value| value.exact));
            let value = self.kept(&text, exact);
            let name = self.model.scopes.intern(&key);
            state.scope = self.model.scopes.set_image(state.scope, name, value);
        }
    }

    pub(super) fn words(&mut self, at: &At<'_>, state: &State) {
        for (number, word) in at.tree.words_of(at.instruction).iter().enumerate() {
            self.expand_text(at, state, at.word(number), word.text);
        }
    }

    /// `ADD` and `COPY`: flags, then sources and destination, then bodies of heredocs.
    fn copied(&mut self, at: &At<'_>, state: &State, flags: &[&str]) {
        for name in flags {
            for (number, flag) in at.tree.flags_of(at.instruction).iter().enumerate() {
                if let Some(value) = flag.value.filter(|_| at.tree.text(at.source, flag.name) == *name) {
                    self.expand_text(at, state, at.flag(number), value);
                }
            }
        }
        let words = at.tree.words_of(at.instruction);
        let mut bodies = Vec::new();
        for (number, word) in words.iter().enumerate() {
            let text = at.tree.text(at.source, word.text);
            let marker = if text.contains("<<") && number + 1 < words.len() { heredoc::marker(text) } else { Ok(None) };
            match marker {
                Ok(Some(marker)) => bodies.push(marker),
                _ => drop(self.expand_text(at, state, at.word(number), word.text)),
            }
        }
        if !bodies.is_empty() {
            self.bodies(at, state, &bodies);
        }
    }

    /// The bodies of heredocs that are sources, without quotes in their names, once each.
    fn bodies(&mut self, at: &At<'_>, state: &State, markers: &[heredoc::Marker]) {
        let heredocs = at.tree.heredocs_of(at.instruction).iter().enumerate();
        // Of equal names the last counts.
        let mut named: HashMap<&str, (usize, &Heredoc)> =
            heredocs.map(|(number, heredoc)| (at.tree.text(at.source, heredoc.name), (number, heredoc))).collect();
        for marker in markers.iter().filter(|marker| marker.expand) {
            let Some((number, heredoc)) = named.remove(marker.name.as_str()) else { continue };
            let lexer = Lexer { skip_quotes: true, ..Lexer::new('\\') };
            let body = String::from_utf8_lossy(heredoc.body.of(at.source));
            let locate = |span: Span| Span::new(heredoc.body.start + span.start, heredoc.body.start + span.end);
            let site = Site::Heredoc(at.instruction.heredocs.start + offset(number));
            self.expand(at, state, site, &body, lexer, &locate);
        }
    }

    /// `RUN`: only the values of mounts are expanded.
    fn mounts(&mut self, at: &At<'_>, state: &State) {
        for (number, flag) in at.tree.flags_of(at.instruction).iter().enumerate() {
            let Some(value) = flag.value.filter(|_| at.tree.text(at.source, flag.name) == "mount") else { continue };
            if let Err(message) = self.mount(at, state, number, value) {
                self.problem_at(Phase::Run, at, message);
            }
        }
    }

    fn mount(&mut self, at: &At<'_>, state: &State, number: usize, flag: Text) -> Result<(), String> {
        let text = at.tree.text(at.source, flag);
        let fields = options::fields(text).map_err(|reason| format!("failed to parse csv mounts: {reason}"))?;
        let mut mount = options::Mount::default();
        let mut from = None;
        for field in &fields {
            let Some((key, value)) = field.text.split_once('=') else {
                mount.set(&field.text, None)?;
                continue;
            };
            let start = offset(field.start + key.len() + 1);
            // A doubled quote in a field makes what follows it one byte off: no matter for a place.
            let locate = |span: Span| at.tree.source_span(flag, start + span.start..start + span.end);
            if key.eq_ignore_ascii_case("from") {
                from = Some((value, locate(Span::new(0, offset(value.len())))));
            }
            let lexer = Lexer::new(char::from(self.tree.escape));
            let expanded = self.expand(at, state, at.flag(number), value, lexer, &locate);
            let expanded = self.model.text(&expanded).map(str::to_owned);
            if let Some(expanded) = expanded {
                mount.set(&field.text, Some(&expanded))?;
            }
        }
        if let Some((name, span)) = from.filter(|(name, _)| !name.is_empty()) {
            let source = self.used(at, name, span);
            let message = || {
                format!(
                    "cannot mount from stage {name:?} to {:?}, stage needs to be defined before current command",
                    mount.target()
                )
            };
            self.image_use(at, ImageUseKind::MountFrom, span, source, message);
        }
        mount.check()
    }

    fn copy_from(&mut self, at: &At<'_>) {
        let mut flags = at.tree.flags_of(at.instruction).iter();
        let Some((value, flag)) = flags.find_map(|flag| {
            let named = at.tree.text(at.source, flag.name) == "from";
            flag.value.filter(|value| named && !value.is_empty()).map(|value| (value, flag))
        }) else {
            return;
        };
        let name = at.tree.text(at.source, value);
        let span = at.tree.source_span(value, 0..value.len());
        let lexer = Lexer::new(char::from(self.tree.escape));
        let mut work = EXPANSION_WORK_MAX;
        let plain = match lexer.value(name, &NoEnv, &mut work).value {
            Ok(expanded) if expanded == name => Ok(()),
            Ok(_) => Err(NO_VARIABLES_IN_FROM.to_owned()),
            Err(error) => Err(error.message),
        };
        let source = match (plain, name.parse::<i64>()) {
            (Err(message), _) => {
                self.problem_at(Phase::Uses, at, message);
                Base::Unresolvable { name: None }
            }
            (Ok(()), Ok(index)) => match usize::try_from(index).ok().filter(|index| *index < self.model.stages.len()) {
                Some(index) => Base::Stage(offset(index)),
                None => {
                    self.problem_at(Phase::Uses, at, format!("invalid stage index {index}"));
                    Base::Unresolvable { name: Some(name.to_owned()) }
                }
            },
            (Ok(()), Err(_)) => self.used(at, name, flag.span),
        };
        let stage = at.stage.and_then(|stage| self.model.stages.get(stage as usize)?.name.clone());
        let stage = stage.map_or_else(|| format!("stage-{}", at.stage.unwrap_or_default()), |name| name.name);
        let message =
            || format!("cannot copy from stage {name:?}, it needs to be defined before current stage {stage:?}");
        self.image_use(at, ImageUseKind::CopyFrom, span, source, message);
    }

    /// What a name behind `from=` means: a stage in any case, or an image.
    fn used(&mut self, at: &At<'_>, name: &str, span: Span) -> Base {
        match self.names.get(&name.to_lowercase()) {
            Some(stage) => Base::Stage(*stage),
            None => self.image(name.to_owned(), at.outside.unwrap_or(span), at.line),
        }
    }

    fn image_use(&mut self, at: &At<'_>, kind: ImageUseKind, span: Span, source: Base, late: impl Fn() -> String) {
        let Some(stage) = at.stage else { return };
        if let Base::Stage(used) = source {
            self.uses.push((stage, used));
            if used >= stage {
                self.problem_at(Phase::Run, at, late());
            }
        }
        let platform = match source {
            Base::Stage(used) => self.model.stages[used as usize].platform.clone(),
            _ => self.inputs.target_platform.clone(),
        };
        let span = at.outside.unwrap_or(span);
        self.model.images.push(ImageUse { kind, step: at.step, stage, span, source, platform });
    }

    fn check_signal(&mut self, at: &At<'_>) {
        let signal =
            self.model.steps.get(at.step as usize).and_then(|step| self.model.values.get(step.values.start as usize));
        let Some(text) = signal.and_then(|value| self.model.text(value)) else { return };
        let upper = text.to_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let real_time = name.strip_prefix("RTMIN+").or_else(|| name.strip_prefix("RTMAX-"));
        let known = SIGNALS.contains(&name)
            || real_time.is_some_and(|n| n.parse::<u8>().is_ok_and(|n| n <= 15))
            || text.parse::<i32>().is_ok_and(|number| number > 0);
        if !known {
            let message = format!("invalid signal: {text}");
            self.problem_at(Phase::Run, at, message);
        }
    }
}

impl At<'_> {
    fn flag(&self, number: usize) -> Site {
        Site::Flag(self.instruction.flags.start + offset(number))
    }
}

/// Arguments that steer the build and are no environment variables.
const NOT_IN_ENVIRONMENT: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

const NO_VARIABLES_IN_FROM: &str = "variable expansion is not supported for --from, \
     define a new stage with FROM using ARG from global scope as a workaround";

const SIGNALS: [&str; 36] = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1",
    "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
];
