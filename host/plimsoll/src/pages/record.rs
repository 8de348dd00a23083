//! Facts from the world itself.
//!
//! Input: a case, and who really answers. Output: its `facts` block. Invariants: what is written is what rules
//! can read of an answer, and nothing of the way to it: no credentials, no signatures, no details of failures;
//! a failure takes no place that an answer has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::Complaint;
use super::facts::{self, CONSOLE, CONTEXT, Facts, FolderFact, IGNORE_FILE, Outcome, RUNS, spaced};
use super::page::{BlockKind, Case, Page};
use super::scene::{Candidate, Scene, judge_failures};
use super::world::World;
use crate::question::{Answer, Failure, Question, SkipReason};
use crate::resolve::{Resolve, Resolving, ResolvingAll};

/// Asks the world what pages do not tell.
pub struct Recorder {
    /// Who answers.
    pub live: Arc<dyn Resolve>,
    /// Which facts are written.
    pub renewal: Renewal,
    /// Whether the user lets rules have tools run.
    pub may_run_tools: bool,
    /// The time that the questions of one case may take together.
    pub timeout: Duration,
}

/// Which facts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Those that the page does not tell.
    Missing,
    /// All; what is not answered now stays.
    All,
}

impl Recorder {
    /// The facts of a case, as text; none where nothing is asked.
    pub(super) fn record(&self, candidate: Candidate, page: &Page, case: &Case) -> Result<Option<String>, Complaint> {
        let line = case.line(BlockKind::Facts);
        let text = case.text(BlockKind::Facts).unwrap_or("{}");
        let mut known = Facts::parse(text).map_err(|wrong| page.complain(line + wrong.line, wrong.message))?;
        let told: BTreeMap<String, Value> = serde_json::from_str(text).expect("it was parsed the line above");
        // A case without a folder has an empty one.
        known.folder.get_or_insert_with(FolderFact::default);
        let world = Arc::new(World::new(known).map_err(|message| page.complain(line, message))?);
        let mut scene = Scene::with(candidate, page, case, Some(world.clone()))?;
        let told = Told { keyed: facts::keyed(&told), special: told };
        let listener =
            Arc::new(Listener { told: world, live: self.live.clone(), renewal: self.renewal, heard: Mutex::default() });
        scene.ask(listener.clone(), self.timeout);
        let report = scene.lint();
        judge_failures(&report).map_err(|message| page.complain(case.dockerfile.line, message))?;
        let heard = std::mem::take(&mut *listener.heard.lock().unwrap_or_else(PoisonError::into_inner));
        let is_tool = |question: &&Question| question.resolver() == CONSOLE;
        let mut questions = report.planned.iter().map(|(_, question)| question).filter(is_tool);
        if let Some(question) = questions.find(|question| !self.may_run_tools && !listener.told.knows(question)) {
            let advice = "rules have tools run only where you let them: --slow-checks-console=on";
            return Err(
                page.complain(case.dockerfile.line, format!("the question for {question} is not asked: {advice}"))
            );
        }
        let mut asked = HashSet::new();
        let mut facts = Map::new();
        for (_, question) in &report.planned {
            if asked.insert(question) {
                told.write(&mut facts, question, heard.get(question), listener.told.knows(question));
            }
        }
        // An empty block says that nothing is asked, which is worth saying too.
        let is_told = !facts.is_empty() || case.text(BlockKind::Facts).is_some();
        Ok(is_told.then(|| spaced(&Value::Object(facts)) + "\n"))
    }
}

/// What a page tells already.
struct Told {
    /// By question, the key as it is written there, and the fact.
    keyed: HashMap<Question, (String, Value)>,
    special: BTreeMap<String, Value>,
}

impl Told {
    /// Writes what is told of a question, or what was heard. What was neither was not answered in time.
    fn write(&self, facts: &mut Map<String, Value>, question: &Question, heard: Option<&Outcome>, is_told: bool) {
        let late = Err(Failure { reason: SkipReason::Timeout, detail: String::new() });
        let outcome = heard.unwrap_or(&late);
        let is_kept = is_told && outcome.is_err();
        match question {
            Question::Ignored { .. } | Question::Files { .. } | Question::File { .. } | Question::Text { .. } => {
                let is_ignored = matches!(question, Question::Ignored { .. });
                let own = if is_ignored && !self.special.contains_key(CONTEXT) { IGNORE_FILE } else { CONTEXT };
                let key = if is_ignored && self.special.contains_key(IGNORE_FILE) { IGNORE_FILE } else { own };
                let nothing = || if key == CONTEXT { json!({ "files": [] }) } else { Value::Null };
                facts.insert(key.to_owned(), self.special.get(key).cloned().unwrap_or_else(nothing));
            }
            Question::Check { text, .. } => {
                let old = self.special.get(CONSOLE).and_then(|console| console.get(text)).filter(|_| is_kept);
                let entries = old.cloned().unwrap_or_else(|| entries(outcome));
                let console = facts.entry(CONSOLE).or_insert_with(|| json!({}));
                if let Some(console) = console.as_object_mut() {
                    console.insert(text.clone(), entries);
                }
            }
            Question::Run { .. } => {
                let old = self.keyed.get(question).filter(|_| is_kept).map(|(_, fact)| fact.clone());
                let runs = facts.entry(RUNS).or_insert_with(|| json!([]));
                if let (Some(runs), Some(run)) =
                    (runs.as_array_mut(), old.or_else(|| facts::run_fact(question, outcome)))
                {
                    runs.push(run);
                }
            }
            _ => {
                let old = self.keyed.get(question).filter(|_| is_kept).cloned();
                let new = || Some((facts::key(question)?, facts::fact(question, outcome)?));
                if let Some((key, fact)) = old.or_else(new) {
                    facts.insert(key, fact);
                }
            }
        }
    }
}

/// What a tool says of a text.
fn entries(outcome: &Outcome) -> Value {
    match outcome {
        Ok(Answer::Entries(entries)) => serde_json::from_str(entries).unwrap_or_else(|_| json!([])),
        Ok(_) => json!([]),
        Err(failure) => json!({ "skipped": failure.reason.name() }),
    }
}

/// Answers with what is told, else asks, and remembers what it heard.
struct Listener {
    told: Arc<World>,
    live: Arc<dyn Resolve>,
    renewal: Renewal,
    heard: Mutex<HashMap<Question, Outcome>>,
}

impl Listener {
    fn is_told(&self, question: &Question) -> bool {
        // The context of a page is of its own making.
        question.resolver() == CONTEXT || self.renewal == Renewal::Missing && self.told.knows(question)
    }

    fn hear(&self, question: &Question, outcome: &Outcome) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.insert(question.clone(), outcome.clone());
    }

    /// What counts: a failure takes no place that an answer has.
    async fn counts(&self, question: &Question, outcome: Outcome, deadline: Instant) -> Outcome {
        self.hear(question, &outcome);
        match outcome {
            Err(_) if self.told.knows(question) => self.told.resolve(question, deadline).await,
            outcome => outcome,
        }
    }
}

impl Resolve for Listener {
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a> {
        Box::pin(async move {
            if self.is_told(question) {
                return self.told.resolve(question, deadline).await;
            }
            let outcome = self.live.resolve(question, deadline).await;
            self.counts(question, outcome, deadline).await
        })
    }

    fn resolve_all<'a>(&'a self, questions: &'a [Question], deadline: Instant) -> ResolvingAll<'a> {
        Box::pin(async move {
            let open: Vec<Question> = questions.iter().filter(|question| !self.is_told(question)).cloned().collect();
            let mut answers = match open.is_empty() {
                true => Vec::new(),
                false => self.live.resolve_all(&open, deadline).await,
            }
            .into_iter();
            let mut outcomes = Vec::with_capacity(questions.len());
            for question in questions {
                outcomes.push(match self.is_told(question) {
                    true => self.told.resolve(question, deadline).await,
                    false => {
                        let lost = || Err(Failure { reason: SkipReason::ResolverError, detail: String::new() });
                        let outcome = answers.next().unwrap_or_else(lost);
                        self.counts(question, outcome, deadline).await
                    }
                });
            }
            outcomes
        })
    }
}
