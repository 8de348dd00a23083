//! What the answers mean for one file.
//!
//! Input: the requests of a file that wait, and what came of their questions.
//! Output: a [`Round`]. Invariant: answers count in the order of planning, so what
//! comes of them does not depend on when they arrive; where the first errors of
//! a file come from an answer, those after it count no more, but for those that
//! the same piece of work may give.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_dockerfile::BaseImage;

use super::Job;
use super::merge::{self, Verdict};
use super::work::{Content, HAS_ERRORS, Pending, Settled, Work, failure, settle, skipped};
use crate::document::Meaning;
use crate::finding::{Finding, Problem, ProblemKind, Severity, Skipped};
use crate::limits::{FAILURES_MAX, FINDINGS_MAX};
use crate::plugin::{Answered, Failure, FailureKind, Judgement, Log, Runner};
use crate::question::{self, Answer, Ignored, Question, SkipReason};
use crate::schedule::{self, Session};

/// What one round of answers came to.
#[derive(Default)]
pub(super) struct Round {
    pub(super) verdicts: Vec<Verdict>,
    /// Findings that the user will see, answer by answer.
    pub(super) findings: Vec<Vec<Finding>>,
    /// Those that comments wave through.
    pub(super) waved: Vec<Vec<Finding>>,
    pub(super) skipped: Vec<(usize, Skipped)>,
    pub(super) pending: Vec<Pending>,
    /// What would stop the build, as answers tell.
    pub(super) problems: Vec<Problem>,
    /// By plugin, what failed and what was logged.
    pub(super) said: Vec<(usize, Vec<Failure>, Log)>,
    /// Findings so far, by plugin and rule.
    counts: HashMap<(usize, u32), usize>,
    /// Whether there is an error that keeps the file from asking further.
    pub(super) has_error: bool,
}

/// The answers of one file, handed one by one to the rules that asked.
#[derive(Default)]
pub(super) struct Judging {
    round: Round,
    /// How many of the file's requests are done with.
    done: usize,
    /// Requests planned so far, by plugin.
    planned: Vec<usize>,
    /// The meaning under some answers. One at a time: a file with many base images would need many.
    seeded: Option<(Vec<Question>, Arc<Meaning>)>,
}

/// Hands all answers of a file to the rules that asked.
pub(super) fn judge(job: &Job, runner: &mut Runner, session: &Session, work: &Work) -> Round {
    Judging::default().finish(job, runner, session, work)
}

impl Judging {
    /// How many of the file's requests are done with.
    pub(super) fn done(&self) -> usize {
        self.done
    }

    /// Goes on as far as it is known what came of the questions.
    pub(super) fn go_on(
        &mut self,
        job: &Job,
        runner: &mut Runner,
        work: &Work,
        known: impl Fn(&Question) -> Option<schedule::Outcome>,
    ) {
        let Some(content) = &work.content else { return };
        if self.planned.is_empty() {
            self.planned.clone_from(&content.planned);
        }
        for pending in &work.pending[self.done..] {
            let question = &pending.request.question;
            // What tools find in one script is no reason to keep silent about the others.
            let is_over = job.slow_checks.fail_fast && question.batch().is_none() && self.round.has_error;
            let outcome = match is_over {
                true => Some(Err(failure(SkipReason::FailFast, HAS_ERRORS))),
                false => known(question),
            };
            match outcome {
                Some(Ok(answer)) => self.judge_one(job, runner, content, pending, answer),
                Some(Err(failure)) => {
                    self.round.skipped.push((pending.number, skipped(job, pending, &failure)));
                    self.round.verdicts.push(pending.verdict(merge::Outcome::Failed));
                }
                None => return,
            }
            self.done += 1;
        }
    }

    /// Goes on to the end.
    pub(super) fn finish(mut self, job: &Job, runner: &mut Runner, session: &Session, work: &Work) -> Round {
        self.go_on(job, runner, work, |question| Some(outcome_of(session, question)));
        self.round
    }

    fn judge_one(&mut self, job: &Job, runner: &mut Runner, content: &Content, pending: &Pending, answer: Arc<Answer>) {
        let (round, plugin) = (&mut self.round, pending.plugin);
        if let Answer::Ignored(Ignored { malformed: Some(error), .. }) = answer.as_ref() {
            round.refuse(error);
            round.verdicts.push(pending.verdict(merge::Outcome::Failed));
            return;
        }
        if round.failures_of(plugin) >= FAILURES_MAX {
            round.verdicts.push(pending.verdict(merge::Outcome::Failed));
            return;
        }
        let mut answers = vec![Arc::new(Answered { request: pending.request.clone(), answer })];
        answers.extend(pending.follows.iter().cloned());
        let asked: Vec<Question> = answers.iter().map(|answered| answered.request.question.clone()).collect();
        let (_, meaning) = match self.seeded.take().filter(|(questions, _)| *questions == asked) {
            Some(known) => self.seeded.insert(known),
            None => self.seeded.insert((asked, reseed(job, content, &answers))),
        };
        let subject = content.subject(job, plugin, meaning.clone());
        let judgement = runner.judge(plugin, subject, answers.clone(), self.planned[plugin]);
        self.planned[plugin] += judgement.planned.len();
        round.take(job, content, pending, &answers, judgement);
    }
}

impl Round {
    fn refuse(&mut self, message: &str) {
        let problem = Problem { kind: ProblemKind::Syntax, message: message.to_owned(), line: None };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        self.has_error = true;
    }

    fn take(
        &mut self,
        job: &Job,
        content: &Content,
        pending: &Pending,
        answers: &[Arc<Answered>],
        mut judgement: Judgement,
    ) {
        let (plugin, rule) = (pending.plugin, pending.request.rule);
        self.verdicts.push(pending.verdict(judgement.outcome()));
        let count = self.counts.entry((plugin, rule)).or_default();
        let room = FINDINGS_MAX.saturating_sub(*count);
        *count += judgement.findings.len();
        if judgement.findings.len() > room {
            judgement.findings.truncate(room);
            let message = format!("it reported more than the {FINDINGS_MAX} findings a rule may have in a file");
            judgement.failures.push(Failure { rule: Some(rule), kind: FailureKind::Misuse, message });
        }
        let (ruleset, suppressions) = (&job.rulesets[content.ruleset], &content.suppressions);
        let (mut seen, mut waved) = (Vec::new(), Vec::new());
        for finding in judgement.findings {
            match settle(ruleset, suppressions, finding) {
                Some(Settled::Seen(finding)) => seen.push(finding),
                Some(Settled::Waved(finding)) => waved.push(finding),
                None => {}
            }
        }
        // What a tool finds in a script says nothing of images and files.
        let is_of_tool = pending.request.question.batch().is_some();
        self.has_error |= !is_of_tool && seen.iter().any(|finding| finding.severity == Severity::Error);
        self.findings.push(seen);
        self.waved.push(waved);
        let follow_ups = judgement.planned.into_iter();
        self.pending.extend(follow_ups.map(|request| Pending::new(plugin, request, answers.to_vec())));
        self.said.push((plugin, judgement.failures, judgement.log));
    }

    fn failures_of(&self, plugin: usize) -> usize {
        self.said.iter().filter(|(of, ..)| *of == plugin).map(|(_, failures, _)| failures.len()).sum()
    }
}

impl Judgement {
    fn outcome(&self) -> merge::Outcome {
        match self.replaces {
            Some(true) => merge::Outcome::Replaced,
            _ if !self.failures.is_empty() => merge::Outcome::Failed,
            _ => merge::Outcome::Stands,
        }
    }
}

fn outcome_of(session: &Session, question: &Question) -> schedule::Outcome {
    session.outcome(question).unwrap_or_else(|| {
        Err(question::Failure { reason: SkipReason::ResolverError, detail: "the resolver gave up".to_owned() })
    })
}

/// The meaning of the document when these answers are known.
fn reseed(job: &Job, content: &Content, answers: &[Arc<Answered>]) -> Arc<Meaning> {
    let images: Vec<(&Question, BaseImage)> = answers
        .iter()
        .filter_map(|answered| Some((&answered.request.question, base_image(&answered.answer)?)))
        .collect();
    if images.is_empty() {
        return content.meaning.clone();
    }
    let mut known = Vec::new();
    let model = content.meaning.model();
    for (index, stage) in (0..).zip(&model.stages) {
        let Some(reference) = model.reference(&stage.base) else { continue };
        let platform = model.platform(stage.platform).clone();
        let question = Question::Image { reference: reference.with_default_tag(), platform };
        known.extend(images.iter().find(|(asked, _)| **asked == question).map(|(_, image)| (index, image)));
    }
    Arc::new(Meaning::new(content.document.clone(), &job.surroundings[content.surroundings], &known))
}

fn base_image(answer: &Answer) -> Option<BaseImage> {
    let image = answer.image()?;
    Some(BaseImage {
        environment: image.environment.clone(),
        working_dir: image.working_dir.clone(),
        user: image.user.clone(),
        shell: image.shell.clone(),
        onbuild: image.onbuild.clone(),
        platform: Some(image.platform.clone()),
    })
}
