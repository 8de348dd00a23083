//! Plimsoll lints container builds with rules that are sandboxed WebAssembly
//! components.
//!
//! The modules stand in the order in which a Dockerfile meets them, and each
//! uses only those above it.

pub mod cli;
pub mod config;
pub mod discover;
pub mod document;
pub mod finding;
pub mod limits;
pub mod lint;
pub mod plugin;
pub mod question;
pub mod report;
pub mod resolve;
pub mod schedule;
