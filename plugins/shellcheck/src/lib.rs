//! What ShellCheck finds in the scripts of Dockerfiles.
//!
//! A script goes to ShellCheck as its shell would be given it, behind a few lines that say what the
//! Dockerfile has set (`header`); what comes back is put where it stands in the Dockerfile (`answer`),
//! unless a comment disables it (`directive`).

mod answer;
mod directive;
mod header;
mod variables;

plimsoll_sdk::pack!();
