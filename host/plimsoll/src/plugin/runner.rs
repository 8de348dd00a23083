//! Running plugins on one thread: instances that serve many files, dropped when
//! they fail, and packs that run again without a rule that panicked.

use std::sync::Arc;

use super::Plugin;
use super::call::{Answered, Call, Phase, Planned, Subject};
use super::contract::{self, Level};
use super::failure::Failure;
use super::findings::accept;
use super::instance::Instance;
use crate::finding::Finding;
use crate::limits::RERUNS_MAX;

/// The instances of one thread, one for each plugin, made when first needed.
pub struct Runner {
    plugins: Arc<[Plugin]>,
    instances: Vec<Option<Box<dyn Instance>>>,
}

/// What a plugin makes of a document before any answer is known.
#[derive(Default)]
pub struct Draft {
    /// Findings with their rule's index, in the plugin's order.
    pub findings: Vec<(u32, Finding)>,
    /// Requests in the order of planning.
    pub planned: Vec<Planned>,
    /// What failed on the way.
    pub failures: Vec<Failure>,
    /// What it had to say besides.
    pub log: Log,
}

/// What a plugin makes of an answer.
pub struct Judgement {
    /// Whether the findings replace the fast ones of the request's scope; none
    /// where nothing was learnt.
    pub replaces: Option<bool>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// Follow-up requests.
    pub planned: Vec<Planned>,
    /// What failed on the way.
    pub failures: Vec<Failure>,
    /// What it had to say besides.
    pub log: Log,
}

/// Messages of a plugin.
pub type Log = Vec<(Level, String)>;

impl Runner {
    /// A runner without instances.
    pub fn new(plugins: Arc<[Plugin]>) -> Self {
        let instances = plugins.iter().map(|_| None).collect();
        Self { plugins, instances }
    }

    /// Runs `fast.check` and `slow.plan` of one plugin.
    pub fn draft(&mut self, plugin: usize, subject: &Subject) -> Draft {
        let mut draft = Draft::default();
        let mut subject = subject.clone();
        let checked = self.attempt(plugin, &mut subject, &Phase::Check, 0, &mut draft.failures, |instance, call| {
            instance.check(call)
        });
        if let Some((reported, mut call)) = checked {
            let (findings, refused) = accept(&self.plugins[plugin], &subject.document, reported);
            draft.findings = findings;
            draft.failures.extend(refused);
            draft.log.append(&mut call.take_log());
        }
        let planned = self
            .attempt(plugin, &mut subject, &Phase::Plan, 0, &mut draft.failures, |instance, call| instance.plan(call));
        if let Some(((), mut call)) = planned {
            draft.planned = call.take_planned();
            draft.log.append(&mut call.take_log());
        }
        draft
    }

    /// Runs `slow.on-success` of one plugin. The answered request comes first,
    /// those it followed from after it.
    pub fn judge(
        &mut self,
        plugin: usize,
        subject: &Subject,
        answers: Vec<Arc<Answered>>,
        planned_before: usize,
    ) -> Judgement {
        let mut judgement = Judgement {
            replaces: None,
            findings: Vec::new(),
            planned: Vec::new(),
            failures: Vec::new(),
            log: Vec::new(),
        };
        let request = &answers[0].request;
        let answered = contract::Answered {
            id: request.id,
            rule: request.rule,
            scope: request.scope,
            state: request.state.clone(),
        };
        let mut call = Call::new(subject.clone(), Phase::OnSuccess(answers), planned_before);
        let verdict = match self.enter(plugin, &mut call, |instance, call| instance.on_success(call, &answered)) {
            Ok(verdict) => verdict,
            Err(failure) => {
                judgement.failures.push(failure);
                return judgement;
            }
        };
        judgement.planned = call.take_planned();
        judgement.log = call.take_log();
        let (replaces, reported) = match verdict {
            contract::Verdict::Keep => return judgement,
            contract::Verdict::Add(findings) => (false, findings),
            contract::Verdict::Replace(findings) => (true, findings),
        };
        let (findings, refused) = accept(&self.plugins[plugin], &subject.document, reported);
        judgement.replaces = Some(replaces && refused.is_none());
        judgement.findings = findings.into_iter().map(|(_, finding)| finding).collect();
        judgement.failures.extend(refused);
        judgement
    }

    /// Enters a plugin, again and again without the rule that failed, as long
    /// as that may help.
    fn attempt<T>(
        &mut self,
        plugin: usize,
        subject: &mut Subject,
        phase: &Phase,
        planned_before: usize,
        failures: &mut Vec<Failure>,
        mut body: impl FnMut(&mut dyn Instance, &mut Call) -> Result<T, Failure>,
    ) -> Option<(T, Call)> {
        for _ in 0..=RERUNS_MAX {
            if subject.settings.enabled.is_empty() {
                return None;
            }
            let mut call = Call::new(subject.clone(), phase.clone(), planned_before);
            let failure = match self.enter(plugin, &mut call, &mut body) {
                Ok(value) => return Some((value, call)),
                Err(failure) => failure,
            };
            let culprit = failure.rule.filter(|_| failure.kind.is_of_one_rule());
            failures.push(failure);
            let culprit = culprit?;
            Arc::make_mut(&mut subject.settings).enabled.retain(|rule| *rule != culprit);
        }
        None
    }

    fn enter<T>(
        &mut self,
        plugin: usize,
        call: &mut Call,
        body: impl FnOnce(&mut dyn Instance, &mut Call) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut instance = match self.instances[plugin].take() {
            Some(instance) => instance,
            None => self.plugins[plugin].code.instantiate()?,
        };
        let value = body(instance.as_mut(), call)?;
        self.instances[plugin] = Some(instance);
        Ok(value)
    }
}
