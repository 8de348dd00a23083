//! What the answers mean for one file.

use std::collections::HashMap;
use std::sync::Arc;

use plimsoll_dockerfile::BaseImage;
use plimsoll_dockerfile::model::Base;

use super::Job;
use super::merge::{self, Verdict};
use super::work::{Content, Pending, Work, skipped};
use crate::document::Meaning;
use crate::finding::{Finding, Skipped};
use crate::plugin::{Answered, Failure, Log, Runner};
use crate::question::{self, Answer, Question, SkipReason};
use crate::schedule::Session;

/// What one round of answers came to.
#[derive(Default)]
pub(super) struct Round {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) findings: Vec<Finding>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) pending: Vec<Pending>,
    pub(super) said: Vec<(usize, Vec<Failure>, Log)>,
}

/// Hands each answer to the rule that asked, in the order of planning.
pub(super) fn judge(job: &Job, runner: &mut Runner, session: &Session, work: &Work) -> Round {
    let mut round = Round::default();
    let Some(content) = &work.content else { return round };
    let mut meanings = HashMap::new();
    let mut planned = content.planned.clone();
    for pending in &work.pending {
        let request = &pending.request;
        let verdict = |outcome| Verdict { plugin: pending.plugin, rule: request.rule, scope: request.scope, outcome };
        let answer = match session.outcome(&request.question) {
            Some(Ok(answer)) => answer.clone(),
            failed => {
                let failure = match failed {
                    Some(Err(failure)) => failure.clone(),
                    _ => question::Failure {
                        reason: SkipReason::ResolverError,
                        detail: "the resolver gave up".to_owned(),
                    },
                };
                round.skipped.push(skipped(job, pending, &failure));
                round.verdicts.push(verdict(merge::Outcome::Failed));
                continue;
            }
        };
        let mut answers = vec![Arc::new(Answered { request: request.clone(), answer })];
        answers.extend(pending.follows.iter().cloned());
        let asked: Vec<Question> = answers.iter().map(|answered| answered.request.question.clone()).collect();
        let meaning = meanings.entry(asked).or_insert_with(|| reseed(job, content, &answers)).clone();
        let subject = content.subject(job, pending.plugin, meaning);
        let judgement = runner.judge(pending.plugin, &subject, answers.clone(), planned[pending.plugin]);

        planned[pending.plugin] += judgement.planned.len();
        let follow_ups = judgement.planned.into_iter();
        round.pending.extend(follow_ups.map(|request| Pending {
            plugin: pending.plugin,
            request,
            follows: answers.clone(),
        }));
        round.verdicts.push(verdict(match judgement.replaces {
            Some(true) => merge::Outcome::Replaced,
            _ if !judgement.failures.is_empty() => merge::Outcome::Failed,
            _ => merge::Outcome::Stands,
        }));
        round.findings.extend(judgement.findings);
        round.said.push((pending.plugin, judgement.failures, judgement.log));
    }
    round
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
    for (index, stage) in (0..).zip(&content.meaning.model().stages) {
        let Base::Image { reference, .. } = &stage.base else { continue };
        let question = Question::Image { reference: reference.with_default_tag(), platform: stage.platform.clone() };
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
