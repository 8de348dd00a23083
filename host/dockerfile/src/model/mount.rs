//! `RUN`: what BuildKit expands in its mounts, and every reason for which it refuses them.
//!
//! An instruction and the [`State`] before it → values, variables, the stages and images it mounts, and
//! the first problem.

use super::build::{At, Builder, Phase, State};
use super::{Base, ImageUseKind};
use crate::expand::Lexer;
use crate::parse::options::{self, Mount, MountKind};
use crate::path;
use crate::span::{Span, offset};
use crate::tree::Text;

/// A mount, and whether it depends on nothing that is unknown.
struct Read {
    mount: Mount,
    /// The stage behind `from=`.
    used: Option<u32>,
    exact: bool,
}

impl Builder<'_> {
    /// Only the values of mounts are expanded. BuildKit reads all mounts before it looks at any.
    pub(super) fn mounts(&mut self, at: &At<'_>, state: &State) {
        if !at.instruction.flags.is_empty() || !at.instruction.heredocs.is_empty() {
            self.each_mount(at, state);
        }
    }

    #[inline(never)]
    fn each_mount(&mut self, at: &At<'_>, state: &State) {
        let mut mounts = Vec::new();
        for (value, number) in at.flag_values("mount") {
            match self.mount(at, state, number, value) {
                Ok(Some(mount)) => mounts.push((number, mount)),
                Ok(None) => return,
                Err(message) => return self.problem_in(Phase::Run, at, at.flag(number), message),
            }
        }
        if at.instruction.json && !at.instruction.heredocs.is_empty() {
            return self.problem_at(Phase::Run, at, "parsing produced an invalid run command".to_owned());
        }
        for (number, mount) in mounts {
            if let Err(message) = self.check_mount(at, state, &mount) {
                return self.problem_in(Phase::Run, at, at.flag(number), message);
            }
        }
        if let Some((_, number)) = at.flag_values("device").next().filter(|_| !self.experimental) {
            let message = "device feature is only supported in Dockerfile frontend 1.14.0-labs or later";
            self.problem_in(Phase::Run, at, at.flag(number), message.to_owned());
        }
    }

    /// Expands and reads one mount; nothing where BuildKit stops at an expansion.
    fn mount(&mut self, at: &At<'_>, state: &State, number: usize, flag: Text) -> Result<Option<Read>, String> {
        let flag = at.read_flag(flag);
        let fields = options::fields(&flag.text).map_err(|reason| format!("failed to parse csv mounts: {reason}"))?;
        let mut mount = Mount::default();
        let (mut from, mut exact) = (None, true);
        for field in fields {
            let Some((key, value)) = field.pair() else {
                mount.set(&field.text, None)?;
                continue;
            };
            let start = offset(field.start + key.len() + 1);
            // A doubled quote in a field makes what follows it one byte off: no matter for a place.
            let locate = |span: Span| at.flag_span(&flag, Span::new(start + span.start, start + span.end));
            if key.eq_ignore_ascii_case("from") {
                from = Some((value.to_owned(), locate(Span::new(0, offset(value.len())))));
            }
            let lexer = Lexer::new(char::from(self.tree.escape));
            let Some(value) = self.expand(at, state, at.flag(number), value, lexer, &locate) else { return Ok(None) };
            match self.certain(&value) {
                Some(value) => mount.set(&field.text, Some(value))?,
                None => exact = false,
            }
        }
        if exact {
            mount.check()?;
        }
        let (name, span) = from.filter(|(name, _)| !name.is_empty()).unzip();
        let source = match name {
            Some(name) => self.mount_source(&name),
            None if mount.kind == MountKind::Cache => self.mount_source("scratch"),
            None => Base::Scratch,
        };
        let used = if let Base::Stage(used) = source { Some(used) } else { None };
        if let Some(span) = span {
            self.image_use(at, ImageUseKind::MountFrom, span, source);
        }
        Ok(Some(Read { mount, used, exact }))
    }

    fn check_mount(&self, at: &At<'_>, state: &State, Read { mount, used, exact }: &Read) -> Result<(), String> {
        if let (Some(stage), Some(used)) = (at.stage, used)
            && self.is_late(stage, *used)
        {
            let from = if mount.from.is_empty() { "scratch" } else { &mount.from };
            return Err(format!(
                "cannot mount from stage {from:?} to {:?}, stage needs to be defined before current command",
                mount.target()
            ));
        }
        match mount.kind {
            _ if !exact => Ok(()),
            MountKind::Secret => Ok(()),
            MountKind::Ssh if mount.has_source() => Err("ssh does not support source".to_owned()),
            MountKind::Ssh => Ok(()),
            MountKind::Bind | MountKind::Cache | MountKind::Tmpfs => check_target(mount.target(), state),
        }
    }
}

/// A mount must not hide the whole file system.
fn check_target(target: &str, state: &State) -> Result<(), String> {
    let root = match &state.directory {
        _ if target.starts_with('/') => target == "/",
        Some(directory) => path::clean(&format!("/{}/{target}", directory.replace('\\', "/"))) == "/",
        None => false,
    };
    if root { Err("invalid mount target \"/\"".to_owned()) } else { Ok(()) }
}
