//! Questions as keys of the lock, and answers as its entries.
//!
//! Invariants: what this machine answers, and what names content, has no key; no
//! query of an address is in a key or an entry, only its SHA-256; what an entry
//! says is believed only where it has the form that such an answer has.

use plimsoll_dockerfile::{Platform, Reference};
use serde_json::Value;
use url::Url;

use super::{Entry, Key, Policy};
use crate::config::Digest;
use crate::form::Form;
use crate::question::{
    Algorithm, Answer, Download, Question, check_reference, is_commit, is_hexadecimal, parse_remote, parse_url,
    without_query,
};

/// What a question is found by; none for one whose answer cannot move, or is this machine's.
pub fn key(question: &Question) -> Option<Key> {
    match question {
        Question::Image { reference, platform } if reference.digest.is_none() => {
            Some(Key::new("oci", "resolve", &[&reference.canonical(), &platform.to_string()]))
        }
        Question::Index { reference, .. } if reference.digest.is_none() => {
            Some(Key::new("oci", "index", &[&reference.canonical()]))
        }
        Question::Tags { repository } => Some(Key::new("oci", "tags", &[&repository.canonical()])),
        Question::Referrers { reference, artifact_type } => {
            let reference = reference.canonical();
            let kind = artifact_type.as_deref();
            Some(Key::new("oci", "referrers", &[&[reference.as_str()], kind.as_slice()].concat()))
        }
        Question::Download { url, algorithm } => {
            let query = url.query().map(|query| Digest::of(query.as_bytes()));
            let query: Option<&str> = query.as_ref().map(Digest::as_str);
            let address = without_query(url.as_str());
            Some(Key::new("http", "digest", &[&[address, algorithm.name()], query.as_slice()].concat()))
        }
        Question::Commit { remote, reference } => Some(Key::new("git", "resolve", &[remote.as_str(), reference])),
        Question::Image { .. } | Question::Index { .. } => None,
        Question::Ignored { .. } | Question::Files { .. } | Question::File { .. } | Question::Text { .. } => None,
        Question::Run { .. } | Question::Check { .. } => None,
    }
}

/// The question of a key; none where it does not hold all of it, or its own form.
pub fn question(key: &Key) -> Option<Question> {
    let arguments = key.arguments();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let tagged = |text: &str| Reference::parse(text).ok().map(|reference| reference.with_default_tag());
    let question = match (key.module.as_str(), key.function.as_str(), texts.as_slice()) {
        ("oci", "resolve", [reference, platform]) => {
            Question::Image { reference: tagged(reference)?, platform: Platform::parse(platform).ok()? }
        }
        ("oci", "index", [reference]) => Question::Index { reference: tagged(reference)?, attestations: false },
        ("oci", "tags", [repository]) => Question::Tags { repository: Reference::parse(repository).ok()? },
        ("oci", "referrers", [reference, kind @ ..]) if kind.len() < 2 => {
            let artifact_type = kind.first().map(|kind| (*kind).to_owned());
            Question::Referrers { reference: tagged(reference)?, artifact_type }
        }
        ("http", "digest", [url, algorithm]) => {
            let algorithm = Algorithm::ALL.into_iter().find(|known| known.name() == *algorithm)?;
            Question::Download { url: parse_url(url).ok()?, algorithm }
        }
        ("git", "resolve", [remote, name]) => {
            Question::Commit { remote: parse_remote(remote).ok()?, reference: check_reference(name).ok()? }
        }
        _ => return None,
    };
    (self::key(&question).as_ref() == Some(key)).then_some(question)
}

/// What an answer comes to in the lock. Lists have the time of `now` beside them.
pub fn entry(question: &Question, answer: &Answer, policy: Policy, now: &str) -> Option<Entry> {
    key(question)?;
    let form = || serde_json::to_value(Form::of(question, answer)).ok();
    Some(match answer {
        Answer::Image(plimsoll_registry::Answer::Image(image)) => {
            let entry = Entry::new(image.digest.as_str(), policy);
            match &image.index_digest {
                Some(index) => entry.with("index", index.as_str()).with("kind", "index"),
                None => entry.with("kind", "manifest"),
            }
        }
        // The platform is not there: the index is what says so.
        Answer::Image(plimsoll_registry::Answer::PlatformMismatch { index_digest, .. }) => {
            Entry::new(Value::Null, policy).with("index", index_digest.as_str()).with("kind", "index")
        }
        Answer::Index(index) => {
            Entry::new(index.digest.as_str(), policy).with("kind", if index.is_index { "index" } else { "manifest" })
        }
        Answer::Tags(_) => Entry::new(form()?.get_mut("tags")?.take(), policy).with("time", now),
        Answer::Referrers(_) => Entry::new(form()?.get_mut("referrers")?.take(), policy).with("time", now),
        Answer::Download(Download { digest, size, final_url }) => {
            let entry = Entry::new(digest.as_str(), policy).with("size", *size);
            match question {
                Question::Download { url, .. } if url.as_str() != final_url => {
                    entry.with("url", without_query(final_url))
                }
                _ => entry,
            }
        }
        Answer::Commit(commit) => Entry::new(commit.as_str(), policy),
        _ => return None,
    })
}

/// The answer, where the entry is all of it.
pub fn answer(question: &Question, entry: &Entry) -> Option<Answer> {
    match question {
        Question::Download { url, algorithm } => {
            let digest = entry.text().filter(|digest| is_digest(*algorithm, digest))?.to_owned();
            let final_url = match entry.more("url") {
                Some(address) => Url::parse(address.as_str()?).ok()?.into(),
                None => url.to_string(),
            };
            Some(Answer::Download(Download { digest, size: entry.more("size")?.as_u64()?, final_url }))
        }
        Question::Commit { .. } => entry.text().filter(|text| is_commit(text)).map(|text| Answer::Commit(text.into())),
        Question::Tags { .. } => of_form("tags", question, entry),
        Question::Referrers { .. } => of_form("referrers", question, entry),
        _ => None,
    }
}

/// The same question about the content that the entry names.
pub fn instead(question: &Question, entry: &Entry) -> Option<Question> {
    let digest = entry.content()?;
    let of_content = |reference: &Reference| {
        let digest = digest.as_str()?;
        Reference::parse(&format!("{}@{digest}", reference.name())).ok()
    };
    match question {
        Question::Image { reference, platform } => {
            Some(Question::Image { reference: of_content(reference)?, platform: platform.clone() })
        }
        Question::Index { reference, attestations } => {
            Some(Question::Index { reference: of_content(reference)?, attestations: *attestations })
        }
        _ => None,
    }
}

/// Whether two entries of a key mean the same, whenever they were made and may move.
pub fn mean_the_same(one: &Entry, other: &Entry) -> bool {
    let index = |entry: &Entry| entry.more("index");
    // Who took over a digest did not know of what it is.
    let is_index_of = |one: &Entry, other: &Entry| index(one).is_none() && one.value() == index(other).as_ref();
    one.value() == other.value() && index(one) == index(other) || is_index_of(one, other) || is_index_of(other, one)
}

fn of_form(name: &str, question: &Question, entry: &Entry) -> Option<Answer> {
    let form: Form = serde_json::from_value(serde_json::json!({ name: entry.value()? })).ok()?;
    form.answer(question)
}

fn is_digest(algorithm: Algorithm, digest: &str) -> bool {
    let digits = digest.strip_prefix(algorithm.name()).and_then(|rest| rest.strip_prefix(':'));
    digits.is_some_and(|digits| digits.len() == algorithm.digits() && is_hexadecimal(digits))
}
