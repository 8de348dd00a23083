//! Words that mean something where they end up, in every format.

use plimsoll::config::Format;
use plimsoll::report::printable;
use plimsoll_test_support::Project;

use crate::readers::{self, Told};
use crate::scene::{outcome, written};

const WORDS: [&str; 12] = [
    "</script><script>alert(1)</script>",
    "]]> --> <!-- &amp; &lt; <![CDATA[",
    "::error::pwned\n::warning file=a::b\r\n::stop-commands::x",
    "\u{202E}txt.exe\u{2066}x\u{2069}",
    "a|b`c``d|e\\|f\\",
    "[link](javascript:alert(1)) **bold** _x_ ![i](http://e) ~~x~~ $x$",
    "<b>@team #12 https://e.com www.e.com a@e.com</b>",
    "\u{1B}]0;pwn\u{7}\u{1B}[31m\0\u{85}\u{FFFE}",
    "'\"><img src=x onerror=alert(1)> %0A%25 {{summary}} &#10;",
    "\u{e9}\u{1D4B3} \u{1F6A2} \u{FEFF}x",
    "# heading\n\n| a | b |\n|---|---|\n- x\n```\n",
    "title=x,file=y::z",
];

/// What a format tells, to who reads it.
type Reader = fn(&str) -> Vec<Told>;
/// What becomes of words on the way.
type Change = fn(&str) -> String;

/// How each format is read, and what may have become of the words.
const READERS: [(Format, Reader, Change); 12] = [
    (Format::Text, readers::text, printable),
    (Format::Concise, readers::concise, printable),
    (Format::Json, readers::json, str::to_owned),
    (Format::JsonLines, readers::json_lines, str::to_owned),
    (Format::Sarif, readers::sarif, str::to_owned),
    (Format::Github, readers::github, printable),
    (Format::Gitlab, readers::gitlab, str::to_owned),
    (Format::Checkstyle, readers::checkstyle, readers::xml_characters),
    (Format::Junit, readers::junit, readers::xml_characters),
    (Format::Rdjson, readers::rdjson, str::to_owned),
    (Format::Markdown, readers::markdown, in_a_cell),
    (Format::Html, readers::html, |words| readers::xml_characters(&printable(words))),
];

/// A cell is one line, without spaces at its ends.
fn in_a_cell(words: &str) -> String {
    printable(&words.replace(['\n', '\r'], " ")).trim().to_owned()
}

#[test]
fn every_format_is_read_back() {
    assert_eq!(READERS.map(|(format, ..)| format), Format::ALL, "each has its reader");
    for words in WORDS {
        let outcome = outcome(words);
        for (format, read, change) in READERS {
            let text = written(&outcome, format);
            let words = change(words);
            let told = |name: &str| Told { path: words.clone(), name: name.to_owned(), message: words.clone() };
            // Of these formats the first two entries are the same findings; the problem has its place elsewhere.
            let expected = match format {
                Format::Sarif => vec![told("acme/rule"), told("acme/rule"), told("problem/syntax")],
                _ => vec![told("syntax"), told("acme/rule"), told("acme/rule")],
            };
            assert_eq!(read(&text), expected, "{} with {words:?}:\n{text}", format.name());
        }
    }
}

/// What people look at, in a terminal, in a log or in a browser, moves no cursor and turns no text around.
#[test]
fn no_format_for_people_has_characters_that_act() {
    for words in WORDS {
        for format in [Format::Text, Format::Concise, Format::Github, Format::Markdown, Format::Html] {
            let text = written(&outcome(words), format);
            // The file of a command is for GitHub, which has to find it.
            let seen = |line: &str| match format {
                Format::Github => line.splitn(3, "::").last().unwrap().to_owned(),
                _ => line.to_owned(),
            };
            let is_calm = text.lines().map(seen).all(|line| line == printable(&line));
            assert!(is_calm, "{} with {words:?}:\n{text}", format.name());
        }
    }
}

/// Nothing but the commands that are meant is one, whoever reads the log.
#[test]
fn github_sees_no_other_commands() {
    for words in WORDS {
        for format in [Format::Text, Format::Concise, Format::Github] {
            let text = written(&outcome(words), format);
            let commands = text.lines().filter(|line| line.trim_start().starts_with("::")).count();
            assert_eq!(commands, if format == Format::Github { 3 } else { 0 }, "{text}");
        }
    }
}

/// The other form of commands, which GitHub takes out of the middle of lines.
#[test]
fn no_line_of_a_log_is_a_command() {
    let name = "##[error]name.Dockerfile";
    let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file(
        name,
        "FROM scratch AS Build\nLABEL a=$NOPE##[set-output name=x;]evil\nRUN ##[stop-commands]x\nFOO ##[x]y\n",
    );
    for arguments in ["lint", "lint --format concise", "lint --format github", "lint --show-settings", "lint --diff"] {
        let run = project.run(&format!("{arguments} --slow-checks=off"));
        let said = run.stdout.clone() + &run.stderr;
        // Lines of a patch are the file's; in a command of the newer form, GitHub looks for no other.
        let is_data =
            |line: &str| arguments.ends_with("--diff") && line.starts_with([' ', '-', '+']) || line.starts_with("::");
        assert!(said.lines().all(|line| is_data(line) || !line.contains("##[")), "{said}");
    }
}

/// Edits that stand far from each other are one suggestion to rdjson, which has to say what lies between them.
#[test]
fn suggestions_do_not_hold_the_file() {
    let comments = format!("# {}\n", "c".repeat(80)).repeat(5_000);
    let file = |between: &str| format!("FROM scratch AS Build\n{between}FROM scratch\nCOPY --from=Build /a /b\n");
    let suggestions = |between: &str| {
        let project = Project::new(env!("CARGO_BIN_EXE_plimsoll")).file("Dockerfile", file(between));
        let report = project.run("lint --slow-checks=off --format rdjson").stdout;
        assert!(report.len() < 10_000 && report.contains("StageNameCasing"), "{} bytes", report.len());
        report.matches("\"suggestions\"").count()
    };
    assert_eq!((suggestions(""), suggestions(&comments)), (1, 0));
}
