//! Who answers a case: a folder what is in it, the facts all else.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use super::facts::{CONTEXT, Facts, IGNORE_FILE, failure, key};
use crate::private::Folder;
use crate::question::{Answer, Failure, Question, SkipReason};
use crate::resolve::context::IgnoreFile;
use crate::resolve::{Context, Resolve, Resolving};

/// The facts of a case, ready to answer.
#[derive(Default)]
pub(super) struct World {
    facts: Facts,
    folder: Option<Folder>,
    context: Context,
}

impl World {
    /// A world of these facts, with the folder that they describe.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(super) fn new(facts: Facts) -> Result<Self, String> {
        let folder = facts.folder.as_ref().map(|folder| folder.make()).transpose()?;
        Ok(Self { facts, folder, context: Context::default() })
    }

    /// The root of the build context.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default()
    }

    /// Whether rules may have tools run.
    pub(super) fn has_tools(&self) -> bool {
        let is_run = |question: &Question| matches!(question, Question::Run { .. });
        self.facts.console.is_some() || self.facts.answers.keys().any(is_run)
    }

    /// Whether the facts answer a question, if only by saying that there is no answer.
    pub(super) fn knows(&self, question: &Question) -> bool {
        match question {
            Question::Ignored { .. } => self.facts.ignore_file.is_some() || self.folder.is_some(),
            Question::Files { .. } | Question::File { .. } | Question::Text { .. } => self.folder.is_some(),
            Question::Check { text, .. } => {
                self.facts.console.as_ref().is_some_and(|console| console.contains_key(text))
            }
            _ => self.facts.answers.contains_key(question),
        }
    }

    /// What the facts tell though nobody asks for it.
    pub(super) fn idle(&self, asked: &HashSet<&Question>) -> Option<String> {
        let unasked = |question: &&Question| !asked.contains(question);
        if let Some(question) = self.facts.answers.keys().filter(unasked).min_by_key(|question| question.to_string()) {
            return Some(format!("nobody asks for {question}"));
        }
        if self.facts.ignore_file.is_some() && !asked.iter().any(|question| is_ignored(question)) {
            return Some(format!("nobody asks for {IGNORE_FILE}"));
        }
        let is_of_context = |question: &&Question| question.resolver() == CONTEXT;
        if self.folder.is_some() && !asked.iter().copied().any(|question| is_of_context(&question)) {
            return Some("nobody asks for the files of the context".to_owned());
        }
        let is_asked = |text: &str| {
            asked.iter().any(|question| matches!(question, Question::Check { text: asked, .. } if asked == text))
        };
        let mut checked = self.facts.console.iter().flat_map(|console| console.keys());
        checked.find(|text| !is_asked(text)).map(|text| format!("nobody has {text:?} checked"))
    }

    fn answer(&self, question: &Question, deadline: Instant) -> Result<Answer, Failure> {
        let nothing = || {
            let detail = format!("no answer was recorded for {question}");
            Failure { reason: SkipReason::ResolverError, detail }
        };
        match question {
            Question::Check { text, .. } => {
                let entries = self.facts.console.as_ref().and_then(|console| console.get(text)).ok_or_else(nothing)?;
                match entries.as_object().and_then(|fact| fact.get("skipped")) {
                    None => Ok(Answer::Entries(entries.to_string())),
                    Some(reason) => Err(failure(reason.as_str()).ok().flatten().unwrap_or_else(nothing)),
                }
            }
            Question::Ignored { paths, .. } => {
                let lines = self.facts.ignore_file.as_ref().and_then(Option::as_ref);
                let file = lines.map(|lines| IgnoreFile::new(IGNORE_FILE, lines.join("\n").as_bytes()));
                file.unwrap_or_else(IgnoreFile::none).ignored(paths, deadline).map(Answer::Ignored)
            }
            question => self.facts.answers.get(question).cloned().unwrap_or_else(|| Err(nothing())),
        }
    }
}

impl Resolve for World {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        let is_told = is_ignored(question) && self.facts.ignore_file.is_some();
        match question.resolver() == CONTEXT && self.folder.is_some() && !is_told {
            true => self.context.resolve(question, deadline),
            false => Box::pin(async move { self.answer(question, deadline) }),
        }
    }
}

fn is_ignored(question: &Question) -> bool {
    matches!(question, Question::Ignored { .. })
}

/// What to write into the facts for a question.
pub(super) fn where_to_write(question: &Question) -> String {
    match (key(question), question) {
        (Some(key), _) => format!("{key:?}"),
        (None, Question::Ignored { .. }) => format!("{IGNORE_FILE:?}"),
        (None, question) if question.resolver() == CONTEXT => format!("{CONTEXT:?}"),
        (None, Question::Check { text, .. }) => format!("\"console\": {{{text:?}}}"),
        (None, _) => "\"runs\"".to_owned(),
    }
}
