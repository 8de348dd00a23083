//! Facts of downloads and commits, and how facts say that there is no answer.
//!
//! Invariant: where a download was found is told without its query, which may be a signature that lets whoever
//! has it read what is there.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::{Outcome, failure, form};
use crate::question::{Algorithm, Answer, Download, Failure, Question, without_query};

/// What is told of an address: one digest, by its algorithm.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct DownloadFact {
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha384: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha512: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    /// Where it is another than the address asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    final_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<String>,
}

/// What is told of a name in a repository.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommitFact {
    commit: Option<String>,
    skipped: Option<String>,
}

impl DownloadFact {
    fn digest(&mut self, algorithm: Algorithm) -> &mut Option<String> {
        match algorithm {
            Algorithm::Sha256 => &mut self.sha256,
            Algorithm::Sha384 => &mut self.sha384,
            Algorithm::Sha512 => &mut self.sha512,
        }
    }
}

/// What a URL holds, by the algorithm it is asked with.
pub(super) fn download(url: &str, fact: Value) -> Result<(Question, Outcome), String> {
    let mut fact: DownloadFact = form(fact)?;
    let failure = failure(fact.skipped.as_deref())?;
    let told = Algorithm::ALL.into_iter().find_map(|algorithm| Some((algorithm, fact.digest(algorithm).take()?)));
    let (algorithm, digest) = match (told, &failure) {
        (Some(told), _) => told,
        (None, Some(_)) => (Algorithm::Sha256, String::new()),
        (None, None) => return Err("no digest is given".to_owned()),
    };
    let question = Question::Download { url: url.parse().map_err(|error| format!("{error}"))?, algorithm };
    let answer = match failure {
        Some(failure) => Err(failure),
        None => Ok(Answer::Download(Download {
            digest: format!("{}:{digest}", algorithm.name()),
            size: fact.size.unwrap_or(1),
            final_url: fact.final_url.unwrap_or_else(|| url.to_owned()),
        })),
    };
    Ok((question, answer))
}

/// What is told of a download.
pub(super) fn download_fact(url: &Url, algorithm: Algorithm, download: &Download) -> Value {
    let digest = download.digest.split_once(':').map_or(&*download.digest, |(_, digest)| digest);
    let final_url = (download.final_url != url.as_str()).then(|| without_query(&download.final_url).to_owned());
    let mut fact = DownloadFact { size: Some(download.size), final_url, ..DownloadFact::default() };
    *fact.digest(algorithm) = Some(digest.to_owned());
    serde_json::to_value(fact).expect("text and numbers are JSON")
}

/// The commit of a name in a repository.
pub(super) fn commit(question: &str, fact: Value) -> Result<(Question, Outcome), String> {
    let fact: CommitFact = form(fact)?;
    let (remote, reference) = question.split_once(' ').ok_or("a question is a URL and a name")?;
    let remote = remote.parse().map_err(|error| format!("{error}"))?;
    let question = Question::Commit { remote, reference: reference.to_owned() };
    let answer = match failure(fact.skipped.as_deref())? {
        Some(failure) => Err(failure),
        None => Ok(Answer::Commit(fact.commit.ok_or("no commit is given")?)),
    };
    Ok((question, answer))
}

/// What is told of a question without an answer: the reason, and never the details, which may name the user's
/// machine and accounts.
pub(super) fn skipped(question: &Question, failure: &Failure) -> Value {
    let reason = failure.reason.name();
    match question {
        // Another question than that for SHA-256.
        Question::Download { algorithm, .. } if *algorithm != Algorithm::Sha256 => {
            json!({ "skipped": reason, algorithm.name(): "" })
        }
        _ => json!({ "skipped": reason }),
    }
}
