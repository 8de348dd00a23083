//! Resolvers: who answers questions.
//!
//! Input: a typed question. Output: its answer, or a classified failure.
//! Invariant: a resolver never sees a plugin, a file or a rule, only the
//! question; dropping the future stops the work.

mod recorded;
mod registry;

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

pub use recorded::Recorded;
pub use registry::Registry;

use crate::question::{Answer, Failure, Question};

/// An answer on its way.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send + 'a>>;

/// Something that answers questions.
pub trait Resolve: Send + Sync {
    /// Answers one question. Past the deadline nobody waits: no retry is worth
    /// beginning that cannot end before.
    fn resolve<'a>(&'a self, question: &'a Question, deadline: Instant) -> Resolving<'a>;
}
