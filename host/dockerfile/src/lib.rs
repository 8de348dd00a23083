//! Dockerfiles as BuildKit reads them: text to tree to model, lossless and total.
//!
//! - [`parse`]: bytes → [`Tree`]: directives, comments, instructions, flags, words, heredocs, and the
//!   problems that would stop a build. Any bytes give a tree.
//! - [`expand`](mod@expand): a word and an environment → its value and the variables it refers to.
//! - [`model`](mod@model): a tree and [`model::Inputs`] → stages, scopes, expanded values, variables
//!   and the images the file uses.
//! - `shell`, a feature: a model's steps → the commands that they run.
//! - [`Reference`], [`Platform`], [`ignore`] and [`source`]: image references, platforms, `.dockerignore`
//!   and sources of `ADD` and `COPY` in their normal forms.
//!
//! Nothing here reads a file, a clock or the environment. Positions are byte offsets into the source.

#![forbid(unsafe_code)]

pub mod expand;
pub mod ignore;
pub mod limits;
pub mod model;
mod parse;
mod path;
pub mod platform;
pub mod reference;
#[cfg(feature = "shell")]
pub mod shell;
pub mod source;
mod span;
pub mod suggest;
pub mod tree;

pub use expand::{Env, Expansion, expand};
pub use model::{BaseImage, Inputs, Model, model};
pub use parse::{find_directive, parse};
pub use platform::Platform;
pub use reference::Reference;
pub use span::{LineIndex, Position, Span};
pub use tree::{Source, Tree};
