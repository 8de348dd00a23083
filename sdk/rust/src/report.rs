//! What a rule gives back: findings, fixes, questions.

use crate::bindings::plimsoll::rules::types::RelatedSpan;
use crate::{Answered, Edit, Finding, Fix, Request, Safety, Scope, Severity, Span, lock};

/// The findings of one rule on one document.
#[derive(Debug)]
pub struct Report {
    rule: u32,
    findings: Vec<Finding>,
    /// What a rule may still say of a finding that is cut off.
    spare: Option<Finding>,
}

/// Findings that a report holds: one more than the contract allows, so that the
/// host can tell the user that more were there.
const FINDINGS_MAX: usize = 2_001;

impl Report {
    /// An empty report of the rule at this position in its pack.
    pub fn new(rule: u32) -> Self {
        Self { rule, findings: Vec::new(), spare: None }
    }

    /// Adds a finding and hands it back, to be given fixes or another severity.
    pub fn add(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        let finding = Finding {
            rule: self.rule,
            message: message.into(),
            span,
            severity: None,
            url: None,
            related: Vec::new(),
            lock_entry: None,
            fixes: Vec::new(),
        };
        if self.findings.len() >= FINDINGS_MAX {
            return self.spare.insert(finding);
        }
        self.findings.push(finding);
        self.findings.last_mut().expect("a finding was just added")
    }

    /// How many findings it holds.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings in the order they were added.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

impl Finding {
    /// Gives it another severity than the rule's own.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = Some(severity);
        self
    }

    /// Points at another place that explains it.
    pub fn related(&mut self, span: Span, message: impl Into<String>) -> &mut Self {
        self.related.push(RelatedSpan { span, message: message.into() });
        self
    }

    /// Names the entry of the lock that it has to do with.
    pub fn entry(&mut self, entry: &lock::Entry) -> &mut Self {
        self.lock_entry = Some(entry.span);
        self
    }

    /// Offers to take that entry of the lock anew.
    pub fn renew_entry(&mut self, message: impl Into<String>) -> &mut Self {
        self.offer(message.into(), Safety::Unsafe, Vec::new(), true)
    }

    /// Offers a fix that leaves the built image as it is.
    pub fn fix(&mut self, message: impl Into<String>, edits: impl Into<Vec<Edit>>) -> &mut Self {
        self.offer(message.into(), Safety::Safe, edits.into(), false)
    }

    /// Offers a fix that may change the built image.
    pub fn unsafe_fix(&mut self, message: impl Into<String>, edits: impl Into<Vec<Edit>>) -> &mut Self {
        self.offer(message.into(), Safety::Unsafe, edits.into(), false)
    }

    fn offer(&mut self, message: String, safety: Safety, edits: Vec<Edit>, renews_entry: bool) -> &mut Self {
        self.fixes.push(Fix { message, safety, edits, renews_entry });
        self
    }
}

impl Edit {
    /// Replaces a range of the source.
    pub fn replace(span: Span, replacement: impl Into<String>) -> Self {
        Self { span, replacement: replacement.into() }
    }
}

/// What a rule makes of an answer; the findings are in its [`Report`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing learnt: the fast findings stand.
    Keep,
    /// The fast findings stand, and the report's besides.
    Add,
    /// The report's instead of the fast findings in the request's scope.
    Replace,
}

/// Where a rule's questions start from.
#[derive(Debug)]
pub struct Plan {
    rule: u32,
}

impl Plan {
    /// The plan of the rule at this position in its pack.
    pub fn new(rule: u32) -> Self {
        Self { rule }
    }

    /// A request about a part of the file, to be handed to a question such as
    /// [`crate::registry::plan_image`].
    pub fn about(&self, scope: Scope) -> Request {
        Request { rule: self.rule, scope, state: Vec::new(), budget_ms: None }
    }
}

impl Request {
    /// Leaves notes for `on_success`, at most 1 KiB.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<Vec<u8>>) -> Self {
        self.state = state.into();
        self
    }

    /// Bounds the time the question may take, in milliseconds.
    #[must_use]
    pub fn with_budget_ms(mut self, budget_ms: u32) -> Self {
        self.budget_ms = Some(budget_ms);
        self
    }
}

impl Answered {
    /// Where a follow-up question starts from, which may need this answer too.
    pub fn follow_up(&self) -> Plan {
        Plan { rule: self.rule }
    }
}
