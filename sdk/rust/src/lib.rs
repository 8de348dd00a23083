//! What the author of a Plimsoll rule sees.
//!
//! A rule is a type that implements [`Rule`], in a file of its own under
//! `rules/`, with its page beside it. [`pack!`] gathers the rules of a crate
//! into a component. Everything a rule knows comes from the [`Document`] it is
//! handed and, after planning, from typed answers such as [`registry::Image`].
//!
//! The same code builds natively, for unit tests: see [`native`].

pub mod console;
pub mod context;
mod document;
pub mod git;
mod host;
pub mod http;
pub mod lock;
pub mod log;
mod model;
pub mod native;
#[cfg(feature = "options")]
mod options;
pub mod pack;
pub mod registry;
mod report;
mod rule;
pub mod shell;
mod step;

/// The bindings of the contract, as generated from `wit/`.
#[allow(missing_docs, unused_qualifications, clippy::all, unsafe_code)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/0.2.0",
        world: "capabilities",
        generate_all,
        additional_derives: [PartialEq, Eq],
    });
}

pub use bindings::plimsoll::rules::model::Port;
pub use bindings::plimsoll::rules::types::{
    About, Answered, Description, Edit, Finding, Fix, OptionError, Request, RequestId, Rule as RuleDescription, Safety,
    Scope, Severity, Span, Verdict,
};
pub use document::{Comment, Document, Flag, Heredoc, Instruction, Keyword, Word};
pub use model::{Base, ImageUse, ImageUseKind, PlatformFlag, Stage, State, Variable, Visibility};
#[cfg(feature = "options")]
pub use options::from_json;
pub use report::{Outcome, Plan, Report};
pub use rule::Rule;
pub use step::{OperatingSystem, Shell, Source, Step, StepFlag, StepWord, WordRole};
pub use wit_bindgen;

/// What a rule file needs: `use plimsoll_sdk::prelude::*;`.
pub mod prelude {
    #[cfg(feature = "options")]
    pub use crate::from_json;
    pub use crate::{
        About, Answered, Base, Document, Edit, Fix, ImageUse, ImageUseKind, Instruction, Keyword, OperatingSystem,
        Outcome, Plan, PlatformFlag, Report, Rule, Safety, Scope, Severity, Shell, Source, Span, Stage, State, Step,
        StepFlag, StepWord, Variable, Visibility, Word, WordRole, console, context, git, http, lock, registry, shell,
    };
}

/// Makes the crate a rule pack: one module for each file under `rules/`, the
/// table `RULES`, and the exports of the component. The crate's build script
/// must call `plimsoll_sdk_build::pack()`.
#[macro_export]
macro_rules! pack {
    () => {
        include!(concat!(env!("OUT_DIR"), "/pack.rs"));
    };
}
