//! What calls into a plugin cost: their time, and the bytes that cross.
//!
//! Copying is what a sandbox costs most, so it is counted where it happens: each import that hands something
//! to a guest, each question, message and finding of the guest's. Invariant: where nobody counts, nothing is
//! measured.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::contract::{
    Attestation, ContextFile, Finding, Fix, Ignored, Image, IndexEntry, Matches, Port, Referrer, Request, ScriptSource,
    Selection, lock,
};

/// Counts calls of the plugins that it is given to.
#[derive(Debug, Default)]
pub struct Meter {
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    given: AtomicU64,
    taken: AtomicU64,
}

impl Meter {
    /// How often guests were entered.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The time in guests and in what they called.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }

    /// Bytes that guests were given: tables, texts, answers.
    pub fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    /// Bytes that guests gave: questions, messages, findings.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(super) fn call(&self, time: Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn give(&self, bytes: usize) {
        self.given.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn take(&self, bytes: usize) {
        self.taken.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// What crosses between host and guest: how many bytes are copied, as the canonical ABI lays them out, without
/// the pointers to them.
pub(super) trait Crossing {
    fn bytes(&self) -> usize;
}

macro_rules! plain {
    ($($type:ty),*) => {
        $(impl Crossing for $type {
            fn bytes(&self) -> usize {
                size_of::<Self>()
            }
        })*
    };
}

plain!(bool, u8, u32, u64, i32);

impl Crossing for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl<T: Crossing> Crossing for Vec<T> {
    fn bytes(&self) -> usize {
        self.iter().map(Crossing::bytes).sum()
    }
}

impl<T: Crossing> Crossing for Option<T> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, Crossing::bytes)
    }
}

impl<T: Crossing, E: Crossing> Crossing for Result<T, E> {
    fn bytes(&self) -> usize {
        match self {
            Ok(value) => value.bytes(),
            Err(error) => error.bytes(),
        }
    }
}

impl<T: Crossing, U: Crossing> Crossing for (T, U) {
    fn bytes(&self) -> usize {
        self.0.bytes() + self.1.bytes()
    }
}

/// The bytes of a span.
const SPAN: usize = 8;

impl Crossing for Finding {
    fn bytes(&self) -> usize {
        let related: usize = self.related.iter().map(|related| SPAN + related.message.bytes()).sum();
        SPAN + self.rule.bytes() + self.message.bytes() + self.url.bytes() + related + self.fixes.bytes()
    }
}

impl Crossing for Fix {
    fn bytes(&self) -> usize {
        self.message.bytes() + self.edits.iter().map(|edit| SPAN + edit.replacement.bytes()).sum::<usize>()
    }
}

impl Crossing for Request {
    fn bytes(&self) -> usize {
        self.rule.bytes() + self.state.len() + self.budget_ms.bytes()
    }
}

impl Crossing for Port {
    fn bytes(&self) -> usize {
        self.word.bytes() + self.text.bytes()
    }
}

impl Crossing for ScriptSource {
    fn bytes(&self) -> usize {
        self.shell.bytes() + self.options.bytes() + self.text.bytes() + self.places.bytes()
    }
}

impl Crossing for lock::Entry {
    fn bytes(&self) -> usize {
        let texts = self.module.bytes() + self.function.bytes() + self.arguments.bytes() + self.value.bytes();
        SPAN + texts + self.index_digest.bytes() + 2
    }
}

impl Crossing for Selection {
    fn bytes(&self) -> usize {
        match self {
            Self::Image(Image { digest, index_digest, platform }) => {
                digest.bytes() + index_digest.bytes() + platform.bytes()
            }
            Self::NoMatch(available) => available.bytes(),
        }
    }
}

impl Crossing for IndexEntry {
    fn bytes(&self) -> usize {
        let texts = self.digest.bytes() + self.media_type.bytes() + self.artifact_type.bytes() + self.platform.bytes();
        texts + self.size.bytes() + self.annotations.bytes() + self.attestation.bytes()
    }
}

impl Crossing for Attestation {
    fn bytes(&self) -> usize {
        self.subject.bytes() + self.predicate_types.bytes()
    }
}

impl Crossing for Referrer {
    fn bytes(&self) -> usize {
        let texts = self.digest.bytes() + self.media_type.bytes() + self.artifact_type.bytes();
        texts + self.size.bytes() + self.annotations.bytes()
    }
}

impl Crossing for Ignored {
    fn bytes(&self) -> usize {
        self.path.bytes() + self.patterns.bytes()
    }
}

impl Crossing for Matches {
    fn bytes(&self) -> usize {
        self.paths.bytes() + self.complete.bytes()
    }
}

impl Crossing for ContextFile {
    fn bytes(&self) -> usize {
        self.kind.bytes() + self.size.bytes() + self.checksum.bytes()
    }
}
