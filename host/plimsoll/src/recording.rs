//! What came of the questions of a run, in a file: for the same findings later,
//! elsewhere, without network.
//!
//! JSON, one value a line: first what the run was, then each question with its
//! answer, or why it had none, sorted. Invariants: questions are found by what
//! they ask, in whatever order; no query of an address, no text of a file and no
//! script is in it, only their SHA-256.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::form::{Form, Key, VERSION};
use crate::limits::RECORDING_BYTES_MAX;
use crate::private;
use crate::question::{Answer, Failure, Question, SkipReason};
use crate::resolve::{Context, Resolve, Resolving};
use crate::rewrite;

/// What a run was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The version of the form.
    recording: u32,
    /// What counted as now, in seconds since 1970.
    now: u64,
    /// Whether rules could have tools run.
    pub console: bool,
}

/// What came of one question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    question: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Form>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skipped: Option<Skipped>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Skipped {
    reason: SkipReason,
    detail: String,
}

impl Header {
    /// That of a run with this now.
    pub fn new(now: SystemTime, console: bool) -> Self {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { recording: VERSION, now, console }
    }

    /// What counted as now.
    pub fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(self.now)).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// A recording under way, its build contexts told from a folder.
pub struct Recording {
    header: Header,
    base: PathBuf,
    lines: BTreeMap<String, Line>,
}

impl Recording {
    /// One that holds nothing yet.
    pub fn new(header: Header, base: &Path) -> Self {
        Self { header, base: base.to_owned(), lines: BTreeMap::new() }
    }

    /// Adds what came of a question.
    pub fn add(&mut self, question: &Question, outcome: Result<&Answer, &Failure>) {
        let key = Key::of(question, "", &self.base);
        let skipped = |failure: &Failure| Skipped { reason: failure.reason, detail: failure.detail.clone() };
        let line = Line {
            answer: outcome.ok().map(|answer| Form::of(question, answer)),
            skipped: outcome.err().map(skipped),
            question: key,
        };
        self.lines.insert(name(&line.question), line);
    }

    /// Writes the file, whole or not at all. Nobody else can read it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut text = format!("{}\n", serde_json::to_string(&self.header).expect("it has string keys only"));
        for line in self.lines.values() {
            let _ = writeln!(text, "{}", serde_json::to_string(line).expect("it has string keys only"));
        }
        rewrite::output(path, private::file, |file| file.write_all(text.as_bytes()))
    }
}

/// A recording that answers in place of the world.
pub struct Replay {
    header: Header,
    base: PathBuf,
    lines: BTreeMap<String, Line>,
    context: Context,
}

impl Replay {
    /// Reads a recording; its build contexts are told from a folder.
    ///
    /// # Errors
    /// What is wrong with the file, and in which line.
    pub fn read(path: &Path, base: &Path) -> Result<Self, String> {
        let complain = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        // A pipe or a device would be waited for.
        if !path.is_file() {
            return Err(complain(&"there is no such file"));
        }
        let mut text = String::new();
        let file = File::open(path).map_err(|error| complain(&error))?;
        file.take(RECORDING_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| complain(&error))?;
        if text.len() as u64 > RECORDING_BYTES_MAX {
            return Err(complain(&format_args!("larger than the {} MiB it may have", RECORDING_BYTES_MAX >> 20)));
        }
        let at = |number: usize, what: &dyn std::fmt::Display| format!("{}:{number}: {what}", path.display());
        let mut rows = (1..).zip(text.lines());
        let first = rows.next().map_or("", |(_, line)| line);
        let header: Header = serde_json::from_str(first).map_err(|error| {
            at(1, &format_args!("it does not begin as a recording of `plimsoll lint --record`: {error}"))
        })?;
        if header.recording != VERSION {
            return Err(at(1, &format_args!("a recording of version {}; record it anew", header.recording)));
        }
        let mut lines = BTreeMap::new();
        for (number, row) in rows {
            let line: Line = serde_json::from_str(row).map_err(|error| at(number, &error))?;
            if line.answer.is_some() == line.skipped.is_some() {
                return Err(at(number, &"a question has an answer, or is skipped"));
            }
            lines.insert(name(&line.question), line);
        }
        Ok(Self { header, base: base.to_owned(), lines, context: Context::default() })
    }

    /// What the run was.
    pub fn header(&self) -> Header {
        self.header
    }

    fn line(&self, question: &Question) -> Option<&Line> {
        self.lines.get(&name(&Key::of(question, "", &self.base)))
    }

    async fn answer(&self, question: &Question, deadline: Instant) -> Result<Answer, Failure> {
        let odd = |detail: String| Failure { reason: SkipReason::ResolverError, detail };
        let Some(line) = self.line(question) else {
            let detail = "the recording does not know it".to_owned();
            return Err(Failure { reason: SkipReason::Offline, detail });
        };
        if let Some(Skipped { reason, detail }) = line.skipped.clone() {
            return Err(Failure { reason, detail });
        }
        if let (Some(Form::Text { sha256 }), Question::Text { path, .. }) = (&line.answer, question) {
            let answer = self.context.resolve(question, deadline).await?;
            return match matches!(&answer, Answer::Text(text) if Form::digits(text.as_deref()) == *sha256) {
                true => Ok(answer),
                false => Err(odd(format!("{path} is another file than was recorded"))),
            };
        }
        let answer = line.answer.clone().and_then(|form| form.answer(question));
        answer.ok_or_else(|| odd(format!("{question}: the recording has an answer of another kind")))
    }
}

impl Resolve for Replay {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(self.answer(question, deadline))
    }

    fn why_not_asked(&self, question: &Question) -> Option<Failure> {
        let Skipped { reason, detail } = self.line(question)?.skipped.clone()?;
        matches!(reason, SkipReason::Disabled | SkipReason::Offline).then_some(Failure { reason, detail })
    }
}

/// What a question is found by.
fn name(key: &Key) -> String {
    serde_json::to_string(key).expect("keys are strings")
}
