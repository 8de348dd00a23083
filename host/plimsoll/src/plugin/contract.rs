//! The contract in `wit/`, as types and traits of this side.

#![allow(missing_docs, unused_qualifications, clippy::all)]

wasmtime::component::bindgen!({
    path: "../../wit/0.2.0",
    world: "capabilities",
    imports: { default: trappable },
});

pub use plimsoll::rules::context::{ContextFile, Ignored, Matches};
pub use plimsoll::rules::log::Level;
pub use plimsoll::rules::model::Port;
pub use plimsoll::rules::registry::{Attestation, Image, IndexEntry, Referrer, Selection};
pub use plimsoll::rules::shell::ScriptSource;
pub use plimsoll::rules::types::{
    About, Answered, Description, Finding, Fix, OptionError, Request, RequestId, Safety, Scope, Severity, Span, Verdict,
};
pub use plimsoll::rules::{console, context, document, git, http, lock, log, model, registry, settings, shell, types};

/// The prefix of every interface of the contract.
pub const PACKAGE: &str = "plimsoll:rules/";
/// The version that this host speaks. Each is called as the first Plimsoll that speaks it.
pub const VERSION: &str = "0.2.0";
/// All versions that it understands, newest first.
pub const VERSIONS: [&str; 2] = [VERSION, "0.1.0"];

/// The interfaces through which a plugin asks the world. Importing one is what
/// makes a plugin capable of it.
pub const CAPABILITIES: &[&str] = &["registry", "context", "http", "git", "console"];
