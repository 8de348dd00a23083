//! What ShellCheck says of scripts.

use plimsoll_sdk::log;
use plimsoll_sdk::prelude::*;
use serde::Deserialize;

use crate::answer::{self, Comment, Level};
use crate::directive::{Directives, codes};
use crate::header::Text;
use crate::variables::Variables;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Codes that are left out.
    exclude: Vec<String>,
    /// The least level that is reported.
    level: Level,
}

const TOOL: &str = "shellcheck";
const ARGUMENTS: [&str; 2] = ["--norc", "--format=json1"];

/// What says nothing of a script in a Dockerfile: that sourced files are not followed, and that ash is read as dash.
const NEVER: [u32; 3] = [1090, 1091, 2187];
/// Comments on one script that are reported. Who has more has seen what is the matter.
const REPORTED_MAX: usize = 200;
/// That a variable is not set, which of a container or another build nobody knows.
const NOT_SET: u32 = 2154;

impl Rule for Script {
    const NAME: &'static str = "script";
    const SUMMARY: &'static str = "Scripts should be such that ShellCheck finds nothing in them";
    const FIXABLE: bool = true;
    const OPTIONS_SCHEMA: &'static str = r#"{
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "exclude": { "type": "array", "items": { "type": "string" }, "description": "Codes that are left out, such as SC2086 or SC3000-SC3999." },
    "level": { "enum": ["error", "warning", "info", "style"], "description": "The least level of ShellCheck's that is reported." }
  }
}"#;

    fn configure(options: &str) -> Result<Self, String> {
        let script: Self = from_json(options)?;
        match script.exclude.iter().find(|text| codes(text).is_none()) {
            Some(text) => Err(format!("exclude: {text:?} is no code such as SC2086")),
            None => Ok(script),
        }
    }

    fn plan(&self, document: &Document, plan: &Plan) {
        let arguments = ARGUMENTS.map(str::to_owned);
        let (mut variables, mut top) = (Variables::default(), None);
        for step in document.steps() {
            variables.take(document, &step);
            let Some((stage, script)) = step.stage().zip(script_of(document, &step)) else { continue };
            let top = top.get_or_insert_with(|| at_top(document));
            let directives = top.clone().and(above(&step)).and(Directives::at_top_of(&script.text));
            let text = Text::new(&script, &directives, |name| variables.contain(document, stage.index(), name));
            let notes = [step.index(), text.header_lines].map(u32::to_le_bytes).concat();
            let request = plan.about(Scope::Stage(stage.index())).with_state(notes);
            if let Err(error) = console::plan_check(&request, TOOL, &arguments, ".sh", &text.text) {
                log::write(log::Level::Info, &format!("{}: a script is not checked: {error}", document.path()));
            }
        }
    }

    fn on_success(&self, answered: &Answered, document: &Document, report: &mut Report) -> Outcome {
        let comments: Vec<Comment> = match from_json(&console::entries(answered)) {
            Ok(comments) => comments,
            Err(error) => {
                let message = format!("{}: this is not what ShellCheck prints: {error}", document.path());
                log::write(log::Level::Warn, &message);
                return Outcome::Keep;
            }
        };
        let [step, header_lines] = [0, 4].map(|at| {
            let number = answered.state.get(at..).and_then(|rest| rest.first_chunk());
            number.map_or(0, |number| u32::from_le_bytes(*number))
        });
        let mut comments: Vec<_> = comments.into_iter().filter(|comment| self.wants(comment)).collect();
        if comments.len() > REPORTED_MAX {
            let left_out = comments.len() - REPORTED_MAX;
            comments.truncate(REPORTED_MAX);
            let message = format!("{}: ShellCheck has {left_out} more to say of a script", document.path());
            log::write(log::Level::Warn, &message);
        }
        // Most scripts are fine, and then nothing of the document need be known.
        let step = if comments.is_empty() { None } else { document.steps().nth(step as usize) };
        if let Some((step, source)) = step.and_then(|step| Some((step, script_of(document, &step)?))) {
            let script = answer::Script::new(&source, header_lines);
            let everywhere = at_top(document).and(above(&step)).and(Directives::at_top_of(&source.text));
            let (inside, is_later) = (inside(document, &step), is_later(document, &step));
            let is_fixable = !is_exec_form(document, &step);
            for comment in comments {
                let Some(place) = script.place(&comment) else { continue };
                let is_inside = |(part, directives): &(Span, Directives)| {
                    (part.start..part.end).contains(&place.start) && directives.disable(comment.code)
                };
                let is_disabled = everywhere.disable(comment.code) || inside.iter().any(is_inside);
                if is_disabled || is_later && comment.code == NOT_SET {
                    continue;
                }
                let finding = report.add(place, format!("SC{}: {}", comment.code, comment.message));
                finding.severity(comment.level.into());
                finding.url = Some(format!("https://www.shellcheck.net/wiki/SC{}", comment.code));
                if let Some(edits) = script.edits(&comment).filter(|_| is_fixable) {
                    finding.unsafe_fix("Write what ShellCheck suggests", edits);
                }
            }
        }
        Outcome::Add
    }
}

impl Script {
    /// Whether a comment is one that the user wants to see.
    fn wants(&self, comment: &Comment) -> bool {
        let mut excluded = self.exclude.iter().filter_map(|text| codes(text));
        let is_excluded = NEVER.contains(&comment.code) || excluded.any(|codes| codes.contains(&comment.code));
        !is_excluded && comment.level <= self.level
    }
}

/// The script of a step that stands in this file, unless it is one for Windows.
fn script_of(document: &Document, step: &Step) -> Option<shell::ScriptSource> {
    let runs = matches!(
        step.keyword(),
        Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Healthcheck | Keyword::Onbuild
    );
    // A trigger has been seen where it is written.
    let is_here = || step.instruction().is_some_and(|instruction| instruction.span() == step.span());
    let script = if runs && step.is_needed() && is_here() { step.script_source()? } else { return None };
    // Nobody has said who reads it.
    let is_default = script.shell == "sh" && script.options == ["-c"];
    (!is_default || !is_for_windows(document, step, &script)).then_some(script)
}

/// Whether a script that nobody says the reader of is one for Windows: who writes backticks for backslashes has paths
/// with these, and Microsoft's images of Windows have no `sh`.
fn is_for_windows(document: &Document, step: &Step, script: &shell::ScriptSource) -> bool {
    let root = step.stage().map(|stage| document.stage(stage.root()));
    let first = script.text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    document.escape() != '\\'
        || root.is_some_and(|root| root.base_text().starts_with("mcr.microsoft.com/windows"))
        || ["powershell", "pwsh", "cmd"].contains(&first.strip_suffix(".exe").unwrap_or(&first))
}

/// The instruction of a step; of ONBUILD, its trigger.
fn innermost<'d>(document: &'d Document, step: &Step<'d>) -> Option<Instruction<'d>> {
    let mut instruction = step.instruction()?;
    while instruction.keyword() == Keyword::Onbuild {
        instruction = document.instruction(instruction.index() + 1);
    }
    Some(instruction)
}

/// Whether it runs in a container or another build, whose variables nobody knows yet.
fn is_later(document: &Document, step: &Step) -> bool {
    step.keyword() == Keyword::Onbuild
        || innermost(document, step).is_some_and(|instruction| instruction.keyword() != Keyword::Run)
}

fn is_exec_form(document: &Document, step: &Step) -> bool {
    innermost(document, step).is_some_and(|instruction| instruction.is_exec_form())
}

/// What comments in front of the first instruction say.
fn at_top(document: &Document) -> Directives {
    let first = document.instructions().next().map_or(0, |instruction| instruction.span().start);
    let comments: Vec<_> =
        document.comments().take_while(|comment| comment.span().start < first).map(|comment| comment.text()).collect();
    Directives::of(comments.iter().map(AsRef::as_ref))
}

/// What comments above an instruction say.
fn above(step: &Step) -> Directives {
    let comments: Vec<_> = step
        .instruction()
        .into_iter()
        .flat_map(|instruction| instruction.comments())
        .map(|comment| comment.text())
        .collect();
    Directives::of(comments.iter().map(AsRef::as_ref))
}

/// What comments between the lines of an instruction say: each of the line below it, and of all of the first
/// command, if that begins there.
fn inside(document: &Document, step: &Step) -> Vec<(Span, Directives)> {
    let all = step.span();
    let comments = document.comments().skip_while(|comment| comment.span().start < all.start);
    let comments = comments.take_while(|comment| comment.span().start < all.end);
    let mut parts = Vec::new();
    for comment in comments {
        let directives = Directives::of([comment.text().as_ref()]);
        if directives == Directives::default() {
            continue;
        }
        let start = comment.span().end;
        let line = next_line(&document.text(Span { start, end: all.end }));
        let line_end = start + u32::try_from(line).unwrap_or(0);
        let command = step.script().ok().and_then(|script| {
            let behind = script.commands().map(|command| command.span()).filter(|span| span.start >= start);
            behind.min_by_key(|span| (span.start, u32::MAX - span.end))
        });
        let end =
            command.filter(|command| command.start < line_end).map_or(line_end, |command| command.end.max(line_end));
        parts.push((Span { start, end }, directives));
    }
    parts
}

/// Where the line ends below a comment, comments and empty lines passed over, counted from the comment's end.
fn next_line(rest: &str) -> usize {
    let mut end = 0;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        end += line.len();
        let text = line.trim();
        if number > 0 && !text.is_empty() && !text.starts_with('#') {
            break;
        }
    }
    end
}
