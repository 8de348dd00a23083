//! Resolver `console`: tools of this machine.
//!
//! Input: a tool by its name, arguments, and a text as input or to be checked. Output: what the tool
//! says. Invariants: only tools that the user named are run, never through a shell, each in a private
//! folder and with an environment of its own; no process outlives its question; all it writes is bounded.
//!
//! In reading order: [`Console`] (which program a name means), `check` (many texts put to few processes).

mod check;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use super::{Resolve, Resolving, ResolvingAll, misdirected};
use crate::config::Tools;
use crate::limits::{CONSOLE_COMPLAINT_CHARACTERS_MAX, CONSOLE_OUTPUT_BYTES_MAX};
use crate::private::{Folder, temporary_folder};
use crate::process::{Output, Process, Trouble, is_program, search_path};
use crate::question::{Answer, Failure, Question, Ran, SkipReason, Tool};

/// Runs tools of this machine.
#[derive(Debug, Clone, Default)]
pub struct Console {
    tools: Tools,
    /// Where programs are looked for.
    search: Vec<PathBuf>,
    home: Option<OsString>,
    /// Where private folders are made.
    temporary: PathBuf,
}

/// What rules may say to ShellCheck, the one tool that needs no configuration. With other words it would read and
/// show files of the user's.
const SHELLCHECK_OPTIONS: [&str; 8] =
    ["-", "--norc", "--format=", "--shell=", "--severity=", "--exclude=", "--include=", "--enable="];

/// A tool, found.
struct Program<'t> {
    tool: &'t Tool,
    path: PathBuf,
    arguments: Vec<OsString>,
}

impl Console {
    /// Runs these tools with what the environment of this process says of places.
    pub fn new(tools: Tools) -> Self {
        Self { tools, search: search_path(), home: env::var_os("HOME"), temporary: temporary_folder() }
    }

    fn find<'t>(&self, tool: &'t Tool) -> Result<Program<'t>, Failure> {
        let name = &tool.name;
        let is_known = |argument: &String| {
            SHELLCHECK_OPTIONS
                .iter()
                .any(|option| if option.ends_with('=') { argument.starts_with(option) } else { argument == option })
        };
        if let Some(argument) = tool.arguments.iter().find(|argument| &**name == "shellcheck" && !is_known(argument)) {
            let detail = format!("tool {name}: no rule may give it {argument:?}; it would read other files");
            return Err(Failure { reason: SkipReason::Denied, detail });
        }
        let Some((program, arguments)) = self.tools.get(&**name).and_then(|words| words.split_first()) else {
            let detail = format!("there is no tool {name}; --slow-checks-tool {name}=PROGRAM says which program it is");
            return Err(Failure { reason: SkipReason::Disabled, detail });
        };
        let path = match program.contains('/') {
            true => Some(PathBuf::from(program)).filter(|path| path.is_absolute() && is_program(path)),
            false => self.search.iter().map(|folder| folder.join(program)).find(|path| is_program(path)),
        };
        let Some(path) = path else {
            let place = if program.contains('/') { "" } else { " on the PATH" };
            let detail = format!("tool {name}: there is no program {program}{place}");
            return Err(Failure { reason: SkipReason::NotFound, detail });
        };
        let arguments = arguments.iter().chain(tool.arguments.iter()).map(OsString::from).collect();
        Ok(Program { tool, path, arguments })
    }

    /// Starts a program in a folder, and waits for its end.
    async fn start(&self, process: Process, deadline: Instant) -> Result<Output, Trouble> {
        let path = env::join_paths(&self.search).unwrap_or_default();
        let mut variables = vec![("PATH", path), ("LANG", "C.UTF-8".into()), ("LC_ALL", "C.UTF-8".into())];
        variables.extend(self.home.clone().map(|home| ("HOME", home)));
        variables.push(("TMPDIR", process.folder.path().into()));
        process.run(&variables, deadline).await
    }

    async fn run(&self, tool: &Tool, input: &str, deadline: Instant) -> Result<Ran, Failure> {
        let program = self.find(tool)?;
        let folder = Folder::new(&self.temporary).map_err(|error| program.failure(&Trouble::Folder(error)))?;
        let process = Process {
            program: program.path.clone(),
            arguments: program.arguments.clone(),
            folder: folder.into(),
            input: input.into(),
            output_bytes_max: CONSOLE_OUTPUT_BYTES_MAX,
        };
        let output = self.start(process, deadline).await.map_err(|trouble| program.failure(&trouble))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran { exit_code: output.exit_code, output: text(&output.output), errors: text(&output.errors) })
    }
}

impl Resolve for Console {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move {
            match question {
                Question::Run { tool, input } => self.run(tool, input, deadline).await.map(Answer::Ran),
                Question::Check { tool, suffix, text } => {
                    let mut answers = self.check(tool, suffix, &[text], deadline).await;
                    answers.pop().unwrap_or_else(|| Err(misdirected(question)))
                }
                _ => Err(misdirected(question)),
            }
        })
    }

    fn resolve_all<'a>(&'a self, questions: &'a [Question], deadline: Instant) -> ResolvingAll<'a> {
        Box::pin(async move {
            let Some((tool, suffix)) = questions.first().and_then(Question::batch) else {
                return super::one_by_one(self, questions, deadline).await;
            };
            let text = |question: &'a Question| match question {
                Question::Check { text, .. } if question.batch() == Some((tool, suffix)) => Some(text.as_str()),
                _ => None,
            };
            match questions.iter().map(text).collect::<Option<Vec<_>>>() {
                Some(texts) => self.check(tool, suffix, &texts, deadline).await,
                None => super::one_by_one(self, questions, deadline).await,
            }
        })
    }
}

impl Program<'_> {
    /// Why there is no answer, for people.
    fn failure(&self, trouble: &Trouble) -> Failure {
        let name = &self.tool.name;
        let (reason, what) = match trouble {
            Trouble::Timeout => (SkipReason::Timeout, "did not answer in time".to_owned()),
            Trouble::Start(error) => {
                (SkipReason::ResolverError, format!("{} does not start: {error}", self.path.display()))
            }
            Trouble::Folder(error) => (SkipReason::ResolverError, format!("it has no folder to run in: {error}")),
            Trouble::Overflow(bytes) => (SkipReason::ResolverError, format!("it wrote more than {} MiB", bytes >> 20)),
            Trouble::Signal(signal) => (SkipReason::ResolverError, format!("signal {signal} ended it")),
            Trouble::Answer { what, errors } => {
                let said = String::from_utf8_lossy(errors);
                let line = said.trim().lines().next().unwrap_or_default();
                let said: String = line.chars().take(CONSOLE_COMPLAINT_CHARACTERS_MAX).collect();
                let said = if said.is_empty() { said } else { format!("; it said: {said}") };
                (SkipReason::ResolverError, format!("{what}{said}"))
            }
            Trouble::Lost => (SkipReason::ResolverError, "nobody knows what became of it".to_owned()),
        };
        Failure { reason, detail: format!("tool {name}: {what}") }
    }
}
