//! Plimsoll lints container builds with rules that are sandboxed WebAssembly
//! components.
//!
//! The modules stand in the order in which a Dockerfile meets them, and each
//! uses only those above it.

pub mod limits;
pub mod words;
pub mod private;
pub mod process;
pub mod question;
pub mod age;
pub mod finding;
pub mod config;
pub mod rewrite;
pub mod discover;
pub mod document;
pub mod signature;
pub mod plugin;
pub mod resolve;
pub mod clone;
pub mod changes;
pub mod form;
pub mod cache;
pub mod recording;
pub mod lock;
pub mod distribution;
pub mod schedule;
pub mod lint;
pub mod baseline;
pub mod fix;
pub mod pages;
pub mod report;
pub mod cli;
