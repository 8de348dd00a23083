//! What the answers mean for one file.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_dockerfile::BaseImage;

use super::Job;
use super::merge::{self, Verdict};
use super::work::{Content, Pending, Work, skipped};
use crate::document::Meaning;
use crate::finding::{Finding, Problem, ProblemKind, Skipped};
use crate::limits::{FAILURES_MAX, FINDINGS_MAX};
use crate::plugin::{Answered, Failure, FailureKind, Judgement, Log, Runner};
use crate::question::{self, Answer, Ignored, Question, SkipReason};
use crate::schedule::{self, Session};

/// What one round of answers came to.
#[derive(Default)]
pub(super) struct Round {
    pub(super) verdicts: Vec<Verdict>,
    /// Findings, answer by answer.
    pub(super) findings: Vec<Vec<Finding>>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) pending: Vec<Pending>,
    /// What would stop the build, as answers tell.
    pub(super) problems: Vec<Problem>,
    /// By plugin, what failed and what was logged.
    pub(super) said: Vec<(usize, Vec<Failure>, Log)>,
    /// Findings so far, by plugin and rule.
    counts: HashMap<(usize, u32), usize>,
}

/// Hands each answer to the rule that asked, in the order of planning.
pub(super) fn judge(job: &Job, runner: &mut Runner, session: &Session, work: &Work) -> Round {
    let mut round = Round::default();
    let Some(content) = &work.content else { return round };
    // One meaning at a time: a file with many base images would need many.
    let mut seeded: Option<(Vec<Question>, Arc<Meaning>)> = None;
    let mut planned = content.planned.clone();
    for pending in &work.pending {
        let request = &pending.request;
        let answer = match outcome_of(session, &request.question) {
            Ok(answer) => answer,
            Err(failure) => {
                round.skipped.push(skipped(job, pending, &failure));
                round.verdicts.push(pending.verdict(merge::Outcome::Failed));
                continue;
            }
        };
        if let Answer::Ignored(Ignored { malformed: Some(error), .. }) = answer.as_ref() {
            round.refuse(error);
            round.verdicts.push(pending.verdict(merge::Outcome::Failed));
            continue;
        }
        if round.failures_of(pending.plugin) >= FAILURES_MAX {
            round.verdicts.push(pending.verdict(merge::Outcome::Failed));
            continue;
        }
        let mut answers = vec![Arc::new(Answered { request: request.clone(), answer })];
        answers.extend(pending.follows.iter().cloned());
        let asked: Vec<Question> = answers.iter().map(|answered| answered.request.question.clone()).collect();
        let (_, meaning) = match seeded.take().filter(|(questions, _)| *questions == asked) {
            Some(known) => seeded.insert(known),
            None => seeded.insert((asked, reseed(job, content, &answers))),
        };
        let subject = content.subject(pending.plugin, meaning.clone());
        let judgement = runner.judge(pending.plugin, &subject, answers.clone(), planned[pending.plugin]);
        planned[pending.plugin] += judgement.planned.len();
        round.take(pending, &answers, judgement);
    }
    round
}

impl Round {
    fn refuse(&mut self, message: &str) {
        let problem = Problem { kind: ProblemKind::Syntax, message: message.to_owned(), line: None };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn take(&mut self, pending: &Pending, answers: &[Arc<Answered>], mut judgement: Judgement) {
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
        self.findings.push(judgement.findings);
        let follow_ups = judgement.planned.into_iter();
        self.pending.extend(follow_ups.map(|request| Pending { plugin, request, follows: answers.to_vec() }));
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
    Arc::new(Meaning::new(content.document.clone(), &job.surroundings, &known))
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
