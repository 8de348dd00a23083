//! What holds for any bytes. The fuzz targets and the tests of the seeds share these checks.
//!
//! Bytes from a stranger → nothing, or a panic that says which promise of the crate is broken.

// A fuzz target uses one of them.
#![allow(dead_code)]

pub mod expand;
pub mod ignore;
pub mod model;
pub mod parse;
pub mod references;

use plimsoll_dockerfile::Span;

/// Whether a span is in order and inside a source.
fn is_inside(span: Span, source: &[u8]) -> bool {
    span.start <= span.end && span.end as usize <= source.len()
}

/// Whether a span lies within another.
fn is_within(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
