//! Completions and manual pages, as the shells and `mandoc` take them.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use plimsoll_test_support::tools::program_or_skip;
use plimsoll_test_support::{Project, files_below};

fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_plimsoll"))
}

/// The completions for a shell, in a file.
fn script(project: &Project, shell: &str) -> PathBuf {
    let run = project.run(&format!("completions {shell}"));
    assert_eq!(run.status, 0, "{run:#?}");
    project.write("script", &run.stdout);
    project.path().join("script")
}

/// What a program prints; it must be content.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{program}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn bash_completes_commands_and_flags() {
    if !program_or_skip("bash", "bash_completes_commands_and_flags") {
        return;
    }
    let project = project();
    let script = script(&project, "bash");
    let complete = |words: &str| {
        let count = words.split_whitespace().count();
        let last = words.split_whitespace().next_back().unwrap();
        let previous = words.split_whitespace().nth(count - 2).unwrap();
        let asked = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD={}; COMP_LINE='{words}'; COMP_POINT=${{#COMP_LINE}}; \
             _plimsoll plimsoll {last} {previous}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display(),
            count - 1
        );
        output("bash", &["--norc", "--noprofile", "-c", &asked]).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("plimsoll exp"), ["explain"]);
    assert_eq!(complete("plimsoll plugin ins"), ["inspect"]);
    assert_eq!(complete("plimsoll lint --explain-p"), ["--explain-plan"]);
    assert_eq!(complete("plimsoll completions po"), ["powershell"]);
    assert_eq!(complete("plimsoll lint --format rd"), ["rdjson"]);
    assert_eq!(complete("plimsoll lint --slow-checks o"), ["on", "off"]);
    assert_eq!(complete("plimsoll lint --fail-level e"), ["error"]);
    assert_eq!(complete("plimsoll lint --lock s"), ["strict"]);
    assert_eq!(complete("plimsoll rules --format j"), ["json"]);
}

#[test]
fn fish_completes_commands_and_flags() {
    if !program_or_skip("fish", "fish_completes_commands_and_flags") {
        return;
    }
    let project = project();
    let script = script(&project, "fish");
    let complete = |words: &str| {
        let asked = format!("source {}; complete -C '{words}'", script.display());
        let printed = output("fish", &["--no-config", "-c", &asked]);
        printed.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(complete("plimsoll exp"), ["explain"]);
    assert_eq!(complete("plimsoll lint --explain-p"), ["--explain-plan"]);
    assert_eq!(complete("plimsoll lock check --slow-checks a"), ["auto"]);
}

#[test]
fn zsh_reads_its_completions() {
    if !program_or_skip("zsh", "zsh_reads_its_completions") {
        return;
    }
    let project = project();
    let script = script(&project, "zsh");
    let asked =
        format!("autoload -Uz compinit && compinit -D -u; source {}; print $_comps[plimsoll]", script.display());
    assert_eq!(output("zsh", &["-f", "-c", &asked]).trim(), "_plimsoll");
}

#[test]
fn powershell_gets_each_flag() {
    let script = project().run("completions powershell").stdout;
    assert!(script.contains("Register-ArgumentCompleter -Native -CommandName 'plimsoll'"), "{script}");
    assert!(script.contains("'--explain-plan'") && script.contains("'plimsoll;plugin;inspect'"), "{script}");
}

#[test]
fn manual_pages_are_read() {
    let project = project();
    let run = project.run("man pages");
    let pages = files_below(&project.path().join("pages"));
    assert_eq!(run.stdout, format!("pages: {} pages\n", pages.len()), "{run:#?}");
    for name in ["plimsoll.1", "plimsoll-lint.1", "plimsoll-plugin-inspect.1"] {
        assert!(pages.iter().any(|page| page.ends_with(name)), "{name} in {pages:?}");
    }
    assert_eq!(project.run("man").stdout, fs::read_to_string(project.path().join("pages/plimsoll.1")).unwrap());
    if !program_or_skip("mandoc", "manual_pages_are_read") {
        return;
    }
    for page in &pages {
        let text = output("mandoc", &["-Tascii", "-Werror", page.to_str().unwrap()]);
        // As terminals that overstrike print it.
        let text: String = text.split('\u{8}').fold(String::new(), |text, part| match text.is_empty() {
            true => part.to_owned(),
            false => text[..text.len() - 1].to_owned() + part,
        });
        let title = page.file_stem().unwrap().to_str().unwrap().to_uppercase();
        assert!(text.contains(&format!("{title}(1)")), "{text}");
        let examples = text.split("\nEXAMPLES\n").nth(1).unwrap_or_else(|| panic!("{title} has no examples: {text}"));
        assert!(examples.contains("plimsoll "), "{examples}");
    }
}

/// What the command line says of itself holds together: clap looks only where it is asked to.
#[test]
fn scripts_for_all_shells_are_written() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let run = project().run(&format!("completions {shell}"));
        assert!(run.status == 0 && run.stdout.contains("--slow-checks"), "{shell}: {run:#?}");
    }
    let version = project().run("--version");
    assert_eq!((version.status, version.stdout), (0, concat!("plimsoll ", env!("CARGO_PKG_VERSION"), "\n").to_owned()));
}
