//! Who reads a script.
//!
//! The words of `SHELL` or of an exec form, or the first line of a file → whether a shell whose grammar
//! is known here is told to run a string.

use super::Shell;

/// A shell that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub shell: Shell,
    /// What it is called, without its path.
    pub name: &'static str,
}

/// A shell with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interpreter {
    pub program: Program,
    /// What stands between its name and the script.
    pub options: Vec<String>,
}

impl Program {
    /// The default shell.
    pub const SH: Self = Self { shell: Shell::Posix, name: "sh" };

    /// The shell of this name.
    pub fn named(name: &str) -> Option<Self> {
        let known = |name| Self { shell: if name == "bash" { Shell::Bash } else { Shell::Posix }, name };
        NAMES.into_iter().find(|known| *known == name).map(known)
    }
}

impl From<Program> for Interpreter {
    fn from(program: Program) -> Self {
        Self { program, options: Vec::new() }
    }
}

/// The shell that words run with `-c`, and how many words come before the script. Nothing where it is
/// no known shell, or is not told to run a string.
pub(super) fn command_string<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<(Interpreter, usize)> {
    let mut words = words.into_iter().peekable();
    let (program, mut taken) = named(&mut words)?;
    let mut options = Vec::new();
    let mut is_string = false;
    while let Some(word) = words.peek().copied() {
        let Some(letters) = word.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else { break };
        options.push(word.to_owned());
        if !LONG_OPTIONS.contains(&word) {
            if !letters.bytes().all(|letter| letter.is_ascii_alphabetic()) {
                return None;
            }
            is_string |= word.starts_with('-') && letters.contains('c');
            // Each `o` takes a word: the name of an option.
            for _ in letters.bytes().filter(|letter| matches!(letter, b'o' | b'O')) {
                words.next();
                taken += 1;
                options.push((*words.peek()?).to_owned());
            }
        }
        words.next();
        taken += 1;
    }
    is_string.then_some((Interpreter { program, options }, taken))
}

/// The shell that `#!` names at the start of a file.
pub(super) fn shebang(script: &str) -> Option<Interpreter> {
    let line = script.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_ascii_whitespace().filter(|word| *word != "-S").peekable();
    let (program, _) = named(&mut words)?;
    Some(Interpreter { program, options: words.map(str::to_owned).collect() })
}

/// The shell at the start of a command, and how many words name it.
fn named<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<(Program, usize)> {
    let mut name = file_name(words.next()?);
    let (mut taken, mut is_busybox) = (1, false);
    while matches!(name, "env" | "busybox") {
        is_busybox |= name == "busybox";
        name = file_name(words.next()?);
        taken += 1;
    }
    let name = if is_busybox && name == "sh" { "ash" } else { name };
    Some((Program::named(name)?, taken))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

const NAMES: [&str; 6] = ["sh", "ash", "dash", "ksh", "mksh", "bash"];

const LONG_OPTIONS: [&str; 4] = ["--login", "--noprofile", "--norc", "--posix"];
