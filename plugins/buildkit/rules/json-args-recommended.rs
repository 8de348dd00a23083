//! CMD and ENTRYPOINT should be JSON arrays.

use plimsoll_sdk::prelude::*;
use plimsoll_sdk::shell::{self, CommandKind};

use crate::{base_image, place, text};

#[derive(Default)]
pub struct JsonArgsRecommended;

impl Rule for JsonArgsRecommended {
    const NAME: &'static str = "JSONArgsRecommended";
    const SUMMARY: &'static str = "CMD and ENTRYPOINT should be JSON arrays, so that signals reach the program";
    const URL: Option<&'static str> = Some("https://docs.docker.com/go/dockerfile/rule/json-args-recommended/");
    const FIXABLE: bool = true;

    /// Takes base images to set no SHELL.
    fn check(&self, document: &Document, report: &mut Report) {
        shell_forms(document).for_each(|step| add(document, report, &step));
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        let open = shell_forms(document).filter(|step| step.shell() == Shell::Unknown);
        base_image::ask(document, plan, open.filter_map(|step| step.stage()));
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        base_image::learn(answered, |root| {
            let known = shell_forms(document).filter(|step| step.stage().is_some_and(|stage| stage.root() == root));
            known.for_each(|step| add(document, report, &step));
        })
    }
}

fn shell_forms(document: &Document) -> impl Iterator<Item = Step<'_>> {
    document.steps().filter(|step| {
        let starts = matches!(step.keyword(), Keyword::Cmd | Keyword::Entrypoint);
        starts && !step.is_exec_form() && step.shell() != Shell::Set && step.is_needed()
    })
}

fn add(document: &Document, report: &mut Report, step: &Step) {
    let name = step.name();
    let message = format!("JSON arguments recommended for {name} to prevent unintended behavior related to OS signals");
    let finding = report.add(place::of_keyword(document, step), message);
    if let Some(edit) = rewrite(document, step) {
        finding.unsafe_fix("Write it as a JSON array", [edit]);
    }
}

/// Programs that there are in shells only, or that do there what they do nowhere else.
const BUILT_IN: [&str; 54] = [
    ".",
    ":",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "enable",
    "eval",
    "exit",
    "export",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "time",
    "times",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
    "coproc",
];

/// One command whose words are known, without the shell around it.
fn rewrite(document: &Document, step: &Step) -> Option<Edit> {
    let instruction = step.instruction()?;
    let script = step.script().ok()?;
    let mut commands = script.commands();
    let (command, None) = (commands.next()?, commands.next()) else { return None };
    let is_plain = command.kind() == CommandKind::Simple && !command.is_negated() && !command.is_background();
    if !is_plain || command.assignments().count() + command.redirections().count() > 0 {
        return None;
    }
    let arguments = instruction.arguments_span();
    if document.text(arguments).trim() != document.text(command.span()) || !text::is_whole(&document.text(arguments)) {
        return None;
    }
    // Bash makes several words of braces.
    let is_one = |word: &shell::Word, text: &str| !word.expands() && (word.is_quoted() || !text.contains('{'));
    let words = command.words().map(|word| word.text().filter(|text| is_one(&word, text)));
    let words: Vec<&str> = words.collect::<Option<_>>()?;
    // Whoever has another escape character means a backslash to be part of a path, as on Windows.
    if document.escape() != '\\' && document.text(arguments).contains('\\') {
        return None;
    }
    // An array that is none by a mistake is not what somebody wants run, unless it is a test.
    if document.text(arguments).starts_with('[') && words.last() != Some(&"]") {
        return None;
    }
    // The shell that makes room for a program is not there any more.
    let words = words.strip_prefix(&["exec"]).unwrap_or(&words);
    let program = words.first()?;
    if program.starts_with('-') || program.contains('=') || BUILT_IN.contains(program) {
        return None;
    }
    let words: Vec<String> = words.iter().map(|word| text::json(word)).collect();
    Some(Edit::replace(command.span(), format!("[{}]", words.join(", "))))
}
