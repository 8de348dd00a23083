//! One call into a plugin, seen from the host: what the guest may read, what it
//! leaves behind, and the rules of the phases.
//!
//! Every import of the contract ends in a method here, whatever runs the guest.
//! A method that may not be called now, or asks for what is not there, is a
//! [`Misuse`] that names the rule; none answers with silent emptiness.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::allowance::Limits;
use super::contract::{Level, Request, RequestId, Scope, Span};
use super::failure::Misuse;
use super::meter::Meter;
use crate::document::{Document, LockEntry, Meaning};
use crate::limits::{FOLLOW_UPS_MAX, LOG_MESSAGE_BYTES, REQUEST_BYTES, STATE_BYTES_MAX};
use crate::question::{Answer, BuildContext, Question};

/// A call in progress. The default is one about nothing.
#[derive(Default)]
pub struct Call {
    subject: Option<Arc<Subject>>,
    phase: Phase,
    limits: Limits,
    until: Option<Instant>,
    announces: bool,
    running: Option<u32>,
    planned: Vec<Planned>,
    planned_cost: usize,
    log: Vec<(Level, String)>,
    log_bytes: usize,
    meter: Option<Arc<Meter>>,
}

/// What a call is about.
#[derive(Clone)]
pub struct Subject {
    /// A number for the document and the platform it is built for, unique in the run.
    pub id: u64,
    /// The document.
    pub document: Arc<Document>,
    /// Its meaning; in `on-success`, with the answer counted in.
    pub meaning: Arc<Meaning>,
    /// What the user configured for this plugin and document.
    pub settings: Arc<Settings>,
    /// Where the files of its build come from.
    pub context: Arc<BuildContext>,
    /// What counts as now.
    pub now: SystemTime,
}

impl Subject {
    /// The same, for one rule alone.
    pub(super) fn only(&self, rule: u32) -> Self {
        let settings = Settings { enabled: vec![rule], ..(*self.settings).clone() };
        Self { settings: Arc::new(settings), ..self.clone() }
    }
}

/// The settings of one plugin for one document.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Full names of all rules of the plugin, by index.
    pub rules: Arc<[Arc<str>]>,
    /// Indexes of the rules that run, ascending.
    pub enabled: Vec<u32>,
    /// Options by rule index, as JSON; a rule without is not listed.
    pub options: Vec<(u32, String)>,
}

/// Which export is being called.
#[derive(Debug, Clone, Default)]
pub enum Phase {
    /// `fast.check`.
    #[default]
    Check,
    /// `slow.plan`.
    Plan,
    /// `slow.on-success`, with the answered request first and those it followed
    /// from after it.
    OnSuccess(Vec<Arc<Answered>>),
}

/// A request with its answer.
#[derive(Debug)]
pub struct Answered {
    /// The request.
    pub request: Planned,
    /// What came back.
    pub answer: Arc<Answer>,
}

/// A request as the host keeps it.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its name inside the plugin and document.
    pub id: RequestId,
    /// The rule that asks, by index.
    pub rule: u32,
    /// What the answer will be about.
    pub scope: Scope,
    /// The guest's own notes.
    pub state: Vec<u8>,
    /// Its own time budget in milliseconds.
    pub budget_ms: Option<u32>,
    /// What is asked.
    pub question: Question,
}

impl Planned {
    /// What it counts for where requests are counted: a long one for several.
    pub fn cost(&self) -> usize {
        1 + self.question.bytes() / REQUEST_BYTES
    }
}

pub(super) type Result<T> = std::result::Result<T, Misuse>;

/// The name of a planned request, or for the guest why nothing was planned.
pub(super) type Planning = std::result::Result<RequestId, String>;

impl Call {
    /// A call about a subject. What was planned for this plugin and document in
    /// earlier calls came to `planned_cost`.
    pub fn new(subject: Arc<Subject>, phase: Phase, planned_cost: usize) -> Self {
        Self { subject: Some(subject), phase, planned_cost, ..Self::default() }
    }

    /// The same, for a plugin of these limits, which has until then.
    pub fn within(self, limits: Limits, until: Instant) -> Self {
        Self { limits, until: Some(until), ..self }
    }

    /// When its time is up, if it has been said.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// The same, where the guest is asked to say which rule runs.
    pub fn announced(self, announces: bool) -> Self {
        Self { announces, ..self }
    }

    /// The same, where what crosses is counted.
    pub(super) fn metered(self, meter: Option<Arc<Meter>>) -> Self {
        Self { meter, ..self }
    }

    /// Who counts what crosses, if anybody does.
    pub(super) fn meter(&self) -> Option<&Meter> {
        self.meter.as_deref()
    }

    /// Whether the guest is asked to say which rule runs.
    pub fn announces(&self) -> bool {
        self.announces
    }

    /// The rule that runs: as the guest announced it, else the only one that may.
    pub fn running(&self) -> Option<u32> {
        self.running.or(match *self.subject.as_ref()?.settings.enabled {
            [alone] => Some(alone),
            _ => None,
        })
    }

    /// Takes what the guest planned.
    pub fn take_planned(&mut self) -> Vec<Planned> {
        std::mem::take(&mut self.planned)
    }

    /// Takes what the guest logged.
    pub fn take_log(&mut self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.log)
    }

    // What is read.

    /// The document.
    pub fn document(&self) -> Result<&Document> {
        self.subject().map(|subject| subject.document.as_ref())
    }

    /// The number of the document and its platform.
    pub fn id(&self) -> Result<u64> {
        self.subject().map(|subject| subject.id)
    }

    /// The document's meaning.
    pub fn meaning(&self) -> Result<&Meaning> {
        self.subject().map(|subject| subject.meaning.as_ref())
    }

    /// What counts as now.
    pub(super) fn now(&self) -> Result<SystemTime> {
        self.subject().map(|subject| subject.now)
    }

    /// Which rules run, of this one and the 63 after it, a bit each.
    pub fn enabled(&self, from: u32) -> Result<u64> {
        let enabled = self.subject()?.settings.enabled.iter();
        let places = enabled.filter_map(|rule| rule.checked_sub(from)).filter(|place| *place < u64::BITS);
        Ok(places.fold(0, |bits, place| bits | 1 << place))
    }

    /// The options of a rule, as JSON; empty if there are none.
    pub fn options(&self, rule: u32) -> Result<&str> {
        let options = &self.subject()?.settings.options;
        Ok(options.iter().find(|(index, _)| *index == rule).map_or("", |(_, json)| json))
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> Result<String> {
        let bytes = self.bytes(span, "document.text")?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The text of a span as the build reads it.
    pub fn logical_text(&self, span: Span) -> Result<String> {
        self.bytes(span, "document.logical-text")?;
        let span = plimsoll_dockerfile::Span::new(span.start, span.end);
        Ok(self.document()?.logical_text(span).into_owned())
    }

    /// All entries of the lock.
    pub fn locked_entries(&self) -> Result<&[LockEntry]> {
        let document = self.document()?;
        match document.lock().filter(|_| document.is_lock()) {
            Some(lock) => Ok(lock.entries()),
            None => {
                Err(self
                    .misuse("lock.entries was called about a Dockerfile; it is for rules about the lock".to_owned()))
            }
        }
    }

    /// The lock's entry of a question.
    pub(super) fn locked(&self, question: Option<Question>) -> Result<Option<&LockEntry>> {
        let lock = self.document()?.lock();
        Ok(lock.zip(question).and_then(|(lock, question)| lock.entry(&question)))
    }

    fn bytes(&self, Span { start, end }: Span, function: &str) -> Result<&[u8]> {
        let source = self.document()?.source();
        source.get(start as usize..end as usize).ok_or_else(|| {
            self.misuse(format!("{function} was asked for bytes {start}..{end} of a file of {}", source.len()))
        })
    }

    /// An entry that a table must have.
    pub fn entry<T>(&self, table: &str, index: u32, entry: Option<T>) -> Result<T> {
        entry.ok_or_else(|| self.misuse(format!("{table} was asked for row {index}, which is not there")))
    }

    // What is said.

    /// `log.enter`.
    pub fn enter(&mut self, rule: u32) -> Result<()> {
        self.check_rule(rule)?;
        self.running = Some(rule);
        Ok(())
    }

    /// `log.write`: what exceeds the limit is dropped.
    pub fn write_log(&mut self, level: Level, message: String) {
        self.log_bytes = self.log_bytes.saturating_add(message.len() + LOG_MESSAGE_BYTES);
        if self.log_bytes <= self.limits.log_bytes {
            self.log.push((level, message));
        }
    }

    // What is asked.

    /// Plans a question about the current document.
    pub(super) fn plan(
        &mut self,
        request: Request,
        function: &str,
        question: impl FnOnce(&Subject) -> std::result::Result<Question, String>,
    ) -> Result<Planning> {
        let announced = self.running;
        // Who does not say which rule runs is taken to be the one that asks.
        self.running = announced.or(Some(request.rule));
        self.check_request(&request, function)?;
        let planned = match question(self.subject()?) {
            Ok(question) => self.record(request, question),
            Err(message) => Ok(Err(message)),
        };
        if planned.is_ok() {
            self.running = announced;
        }
        planned
    }

    fn check_request(&self, request: &Request, function: &str) -> Result<()> {
        self.check_rule(request.rule)?;
        if !self.subject()?.settings.enabled.contains(&request.rule) {
            return Err(self.misuse(format!("{function} was called for a rule that it was not asked to run")));
        }
        if matches!(self.phase, Phase::Check) {
            return Err(self.misuse(format!("{function} was called during check; planning is for plan and on-success")));
        }
        if request.state.len() > STATE_BYTES_MAX {
            let bytes = request.state.len();
            return Err(self.misuse(format!("{function}: the state has {bytes} bytes; {STATE_BYTES_MAX} are allowed")));
        }
        let stages = self.meaning()?.stage_count();
        match request.scope {
            Scope::Stage(stage) | Scope::Derived(stage) if stage >= stages => {
                Err(self.misuse(format!("{function}: the scope names stage {stage}; the file has {stages}")))
            }
            _ => Ok(()),
        }
    }

    fn record(&mut self, request: Request, question: Question) -> Result<Planning> {
        let (follows, depth) = match &self.phase {
            Phase::OnSuccess(answers) => (answers.first().map(|answered| answered.request.id), answers.len()),
            _ => (None, 0),
        };
        if depth > FOLLOW_UPS_MAX {
            return Err(
                self.misuse(format!("it follows up an answer for the {depth}th time; {FOLLOW_UPS_MAX} are allowed"))
            );
        }
        let requests = self.limits.requests;
        // A long one is not refused for its length alone.
        if self.planned_cost >= requests {
            return Ok(Err(format!("a plugin may plan {requests} requests for one file, and no more")));
        }
        // Unique in plugin and document: follow-ups count on under their parent.
        let index = self.planned.len() as u64 + 1;
        let id = follows.map_or(index, |parent| (parent << 16) | index);
        let Request { rule, scope, state, budget_ms } = request;
        let planned = Planned { id, rule, scope, state, budget_ms, question };
        self.planned_cost += planned.cost();
        self.planned.push(planned);
        Ok(Ok(id))
    }

    // What is answered.

    pub(super) fn other_answer(&self, request: RequestId, function: &str) -> Misuse {
        self.misuse(format!("{function} was asked for request {request}, which asked something else"))
    }

    pub(super) fn answer(&self, request: RequestId, function: &str) -> Result<&Answer> {
        let Phase::OnSuccess(answers) = &self.phase else {
            return Err(self.misuse(format!("{function} was called outside on-success, where there is no answer")));
        };
        let found = answers.iter().find(|answered| answered.request.id == request);
        found.map(|answered| answered.answer.as_ref()).ok_or_else(|| {
            self.misuse(format!(
                "{function} was asked for request {request}, which is neither the answered one nor one it followed from"
            ))
        })
    }

    // Who is to blame.

    fn subject(&self) -> Result<&Subject> {
        self.subject
            .as_deref()
            .ok_or_else(|| self.misuse("it asked for the document while describing itself".to_owned()))
    }

    fn check_rule(&self, rule: u32) -> Result<()> {
        let rules = &self.subject()?.settings.rules;
        if rule as usize >= rules.len() {
            return Err(self.misuse(format!("it speaks of rule number {rule}; it described {}", rules.len())));
        }
        Ok(())
    }

    pub(super) fn misuse(&self, what: String) -> Misuse {
        let index = self.running.or(match &self.phase {
            Phase::OnSuccess(answers) => answers.first().map(|answered| answered.request.rule),
            _ => None,
        });
        let rules = self.subject.as_ref().map(|subject| &subject.settings.rules);
        let rule = index.and_then(|index| Some(rules?.get(index as usize)?.to_string()));
        Misuse { index, rule, what }
    }
}
