//! Who reads a script.
//!
//! The words of `SHELL` or of an exec form, or the first line of a file → whether a shell whose grammar
//! is known here is told to run a string.

use super::Shell;

/// The shell that words run with `-c`, and how many words come before the script. Nothing where it is
/// no known shell, or is not told to run a string.
pub(super) fn command_string<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<(Shell, usize)> {
    let mut words = words.into_iter().peekable();
    let (shell, mut taken) = named(&mut words)?;
    let mut is_string = false;
    while let Some(word) = words.peek() {
        let Some(letters) = word.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else { break };
        if !LONG_OPTIONS.contains(word) {
            if !letters.bytes().all(|letter| letter.is_ascii_alphabetic()) {
                return None;
            }
            is_string |= word.starts_with('-') && letters.contains('c');
            // Each `o` takes a word: the name of an option.
            for _ in letters.bytes().filter(|letter| matches!(letter, b'o' | b'O')) {
                words.next();
                taken += 1;
                words.peek()?;
            }
        }
        words.next();
        taken += 1;
    }
    is_string.then_some((shell, taken))
}

/// The shell that `#!` names at the start of a file.
pub(super) fn shebang(script: &str) -> Option<Shell> {
    let line = script.strip_prefix("#!")?.lines().next()?;
    Some(named(&mut line.split_ascii_whitespace().filter(|word| *word != "-S").peekable())?.0)
}

/// The shell at the start of a command, and how many words name it.
fn named<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<(Shell, usize)> {
    let mut name = file_name(words.next()?);
    let mut taken = 1;
    while matches!(name, "env" | "busybox") {
        name = file_name(words.next()?);
        taken += 1;
    }
    let shell = match name {
        "sh" | "ash" | "dash" | "ksh" | "mksh" => Shell::Posix,
        "bash" => Shell::Bash,
        _ => return None,
    };
    Some((shell, taken))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

const LONG_OPTIONS: [&str; 4] = ["--login", "--noprofile", "--norc", "--posix"];
