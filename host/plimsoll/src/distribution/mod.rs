//! How plugins travel: from registries and the web to this machine and on, and what
//! a lock says of them.
//!
//! In reading order: `described` (what a component says of itself), `artifact` (a
//! component as registries keep it), `shelf` (what was pulled, on disk), `remote`
//! (who can be asked), `pull`, `record` (a plugin in the lock), `change` (what an
//! update brings), `archive` (plugins for machines without network), `configuration`
//! (what `extends` of a configuration finds in registries).
//!
//! Invariants: what is pulled is known by digest, from the manifest to the component,
//! before it is kept, and so are the signatures that somebody demands; nothing is kept
//! of what turned out to be wrong; nothing here compiles or runs a component.

pub mod archive;
pub mod artifact;
pub mod change;
mod configuration;
mod described;
mod pull;
pub mod record;
mod remote;
mod shelf;
mod tar;

pub use artifact::Artifact;
pub use change::Change;
pub use configuration::{
    configuration_content, configuration_entry, configuration_key, kept_configuration, pull_configuration,
};
pub use described::Described;
pub use pull::{Expected, Pulled, known, pull};
pub use record::Record;
pub use remote::Remote;
pub use shelf::{Shelf, Stock};
