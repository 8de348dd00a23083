//! Running plugins on one thread: instances that serve many files, dropped when
//! they fail, and packs that run again without a rule that panicked.

use std::sync::Arc;
use std::time::Instant;

use super::Plugin;
use super::call::{Answered, Call, Phase, Planned, Subject};
use super::contract::{self, Level};
use super::failure::{Failure, FailureKind};
use super::findings::accept;
use super::instance::Instance;
use super::meter::{Crossing, Meter};
use super::overtime::Overtime;
use crate::finding::Finding;
use crate::limits::RERUNS_MAX;

/// The instances of one thread, one for each plugin, made when first needed.
pub struct Runner {
    plugins: Arc<[Plugin]>,
    instances: Vec<Option<Box<dyn Instance>>>,
    meter: Option<Arc<Meter>>,
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
#[derive(Default)]
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
        Self { plugins, instances, meter: None }
    }

    /// The same, where each call is put on a meter.
    pub fn metered(self, meter: Arc<Meter>) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// Runs `fast.check` and `slow.plan` of one plugin.
    pub fn draft(&mut self, plugin: usize, subject: Subject) -> Draft {
        let (mut draft, mut subject) = (Draft::default(), Arc::new(subject));
        let Draft { failures, log, .. } = &mut draft;
        let checked =
            self.attempt(plugin, &mut subject, &Phase::Check, failures, log, |instance, call| instance.check(call));
        let Some((reported, _)) = checked else { return draft };
        self.take(&reported);
        let (findings, refused) = accept(&self.plugins[plugin], &subject, reported);
        draft.findings = findings;
        draft.failures.extend(refused);
        // Without a capability there is nothing to plan.
        if self.plugins[plugin].capabilities.is_empty() {
            return draft;
        }
        let Draft { failures, log, .. } = &mut draft;
        let planned =
            self.attempt(plugin, &mut subject, &Phase::Plan, failures, log, |instance, call| instance.plan(call));
        draft.planned = planned.map(|((), mut call)| call.take_planned()).unwrap_or_default();
        draft
    }

    /// Runs `slow.on-success` of one plugin. The answered request comes first,
    /// those it followed from after it.
    pub fn judge(
        &mut self,
        plugin: usize,
        subject: Subject,
        answers: Vec<Arc<Answered>>,
        planned_cost: usize,
    ) -> Judgement {
        let (mut judgement, subject) = (Judgement::default(), Arc::new(subject));
        let request = answers[0].request.clone();
        let answered =
            contract::Answered { id: request.id, rule: request.rule, scope: request.scope, state: request.state };
        let phase = Phase::OnSuccess(answers);
        let limits = self.plugins[plugin].limits;
        let until = Instant::now() + limits.call_time;
        let (verdict, mut call) = loop {
            let call = Call::new(subject.clone(), phase.clone(), planned_cost).within(limits, until);
            let mut call = call.metered(self.meter.clone());
            match self.enter(plugin, &mut call, until, |instance, call| instance.on_success(call, &answered)) {
                Ok(verdict) => break (verdict, call),
                Err(Failed { was_fresh: false, .. }) => {}
                Err(Failed { failure, .. }) => {
                    let failure = Failure { rule: failure.rule.or(Some(answered.rule)), ..failure };
                    judgement.failures.push(failure);
                    judgement.log = call.take_log();
                    return judgement;
                }
            }
        };
        judgement.planned = call.take_planned();
        judgement.log = call.take_log();
        let (replaces, reported) = match verdict {
            contract::Verdict::Keep => return judgement,
            contract::Verdict::Add(findings) => (false, findings),
            contract::Verdict::Replace(findings) => (true, findings),
        };
        self.take(&reported);
        let only_its_own = subject.only(answered.rule);
        let (findings, refused) = accept(&self.plugins[plugin], &only_its_own, reported);
        judgement.replaces = Some(replaces && refused.is_empty());
        judgement.findings = findings.into_iter().map(|(_, finding)| finding).collect();
        judgement.failures.extend(refused);
        judgement
    }

    fn take(&self, findings: &impl Crossing) {
        if let Some(meter) = &self.meter {
            meter.take(findings.bytes());
        }
    }

    /// Enters a plugin, once more to learn which rule fails, then again and again
    /// without it, as long as that may help and there is time.
    fn attempt<T>(
        &mut self,
        plugin: usize,
        subject: &mut Arc<Subject>,
        phase: &Phase,
        failures: &mut Vec<Failure>,
        log: &mut Log,
        mut body: impl FnMut(&mut dyn Instance, &mut Call) -> Result<T, Failure>,
    ) -> Option<(T, Call)> {
        let limits = self.plugins[plugin].limits;
        let mut time = Overtime::new(limits.call_time);
        let (mut reruns, mut announces) = (RERUNS_MAX, false);
        while !subject.settings.enabled.is_empty() {
            let until = time.until();
            let call = Call::new(subject.clone(), phase.clone(), 0).within(limits, until).announced(announces);
            let mut call = call.metered(self.meter.clone());
            let Failed { failure, was_fresh } = match self.enter(plugin, &mut call, until, &mut body) {
                Ok(value) => {
                    log.append(&mut call.take_log());
                    return Some((value, call));
                }
                Err(failed) => failed,
            };
            let is_in_time = time.allows_another();
            // Who breaks a rule of the contract may well lie about who asks.
            let is_named = failure.rule.is_some() && failure.kind != FailureKind::Misuse;
            if is_in_time && (!was_fresh || !is_named && failure.kind.is_of_one_rule() && !announces) {
                announces = true;
                continue;
            }
            log.append(&mut call.take_log());
            let culprit = failure.rule.filter(|_| failure.kind.is_of_one_rule());
            // What costs a whole deadline or all memory is tried once more, not again and again.
            reruns = reruns.min(failure.kind.reruns_max());
            failures.push(failure);
            let culprit = culprit.filter(|_| reruns > 0 && is_in_time)?;
            reruns -= 1;
            let enabled = &mut Arc::make_mut(&mut Arc::make_mut(subject).settings).enabled;
            let before = enabled.len();
            enabled.retain(|rule| *rule != culprit);
            if enabled.len() == before {
                return None;
            }
        }
        None
    }

    fn enter<T>(
        &mut self,
        plugin: usize,
        call: &mut Call,
        until: Instant,
        body: impl FnOnce(&mut dyn Instance, &mut Call) -> Result<T, Failure>,
    ) -> Result<T, Failed> {
        let reused = self.instances[plugin].take();
        let was_fresh = reused.is_none();
        let failed =
            |failure: Failure| Failed { was_fresh: was_fresh || failure.kind == FailureKind::Deadline, failure };
        let mut instance = match reused {
            Some(instance) => instance,
            None => self.plugins[plugin].code.instantiate(until).map_err(failed)?,
        };
        let start = self.meter.as_ref().map(|_| Instant::now());
        let value = body(instance.as_mut(), call);
        if let (Some(meter), Some(start)) = (&self.meter, start) {
            meter.call(start.elapsed());
        }
        let value = value.map_err(failed)?;
        if !instance.is_spent() {
            self.instances[plugin] = Some(instance);
        }
        Ok(value)
    }
}

/// A failure, and whether it counts. In an instance that has served other files
/// it may be their doing: then the call is made again in a fresh one, so that
/// what comes of a file does not depend on the files before it. A deadline
/// always counts, since trying again would cost another.
struct Failed {
    failure: Failure,
    was_fresh: bool,
}
