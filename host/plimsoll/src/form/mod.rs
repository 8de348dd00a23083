//! A question and its answer as JSON, for the cache and for recordings.
//!
//! In reading order: this file, `listings` (indexes and referrers), `local` (what
//! this machine answers). A form lists every field of what it stands for, so that a new one does not
//! compile until it is kept too. Another meaning of a field is another [`VERSION`].

mod listings;
mod local;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_dockerfile::Platform;
use plimsoll_registry::{Answer as RegistryAnswer, Image};
use serde::{Deserialize, Serialize};

use crate::config::Digest;
use crate::question::{Answer, Download, Question, Tool, without_query};
use listings::{KeptIndex, KeptReferrer};
use local::{KeptFile, KeptIgnored, KeptMatches, KeptRun, Place};

/// The version of the form: what is kept in another is not read.
pub(crate) const VERSION: u32 = 1;

/// What an answer is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "kebab-case")]
pub(crate) enum Key {
    /// [`Question::Image`].
    Image {
        /// In its complete text.
        reference: String,
        /// As its normal text.
        platform: String,
        /// Where the registry's mirrors are, and the like.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        circumstances: String,
        /// Whether the reference names content.
        is_content: bool,
    },
    /// [`Question::Index`], in the same terms.
    Index {
        reference: String,
        attestations: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        circumstances: String,
        is_content: bool,
    },
    /// [`Question::Tags`], in the same terms.
    Tags {
        repository: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        circumstances: String,
    },
    /// [`Question::Referrers`], in the same terms. Even a digest's may change.
    Referrers {
        reference: String,
        artifact_type: Option<String>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        circumstances: String,
    },
    /// [`Question::Download`].
    Download {
        /// The address without its query.
        url: String,
        /// The SHA-256 of the query, which may be a signature: whoever reads the cache
        /// must not be able to use it.
        query: Option<String>,
        /// How the content is digested.
        algorithm: String,
        /// The way there.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        circumstances: String,
    },
    /// [`Question::Commit`].
    Commit {
        /// Where the repository is.
        remote: String,
        /// The name in it.
        reference: String,
        /// The way there.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        circumstances: String,
    },
    /// [`Question::Ignored`].
    Ignored {
        /// The build context.
        context: Place,
        /// In the order asked.
        paths: Vec<String>,
    },
    /// [`Question::Files`], in the same terms.
    Files { context: Place, patterns: Vec<String> },
    /// [`Question::File`], in the same terms.
    File { context: Place, path: String },
    /// [`Question::Text`], in the same terms.
    Text { context: Place, path: String },
    /// [`Question::Run`].
    Run {
        /// The tool's name and arguments.
        tool: Vec<String>,
        /// The SHA-256 of its input.
        input: String,
    },
    /// [`Question::Check`].
    Check {
        /// The tool's name and arguments.
        tool: Vec<String>,
        /// How the name of the text's file ends.
        suffix: String,
        /// The SHA-256 of the text.
        text: String,
    },
}

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Form {
    Image(Box<KeptImage>),
    PlatformMismatch {
        requested: KeptPlatform,
        available: Vec<KeptPlatform>,
        index_digest: String,
    },
    Download {
        digest: String,
        size: u64,
        /// None where it is the address asked for.
        final_url: Option<String>,
    },
    Commit(String),
    Index(KeptIndex),
    Tags(Vec<String>),
    Referrers(Vec<KeptReferrer>),
    Ignored(KeptIgnored),
    Files(Vec<KeptMatches>),
    File(Option<KeptFile>),
    /// Never the text itself; none where there is no such file.
    Text {
        sha256: Option<String>,
    },
    Ran(KeptRun),
    Entries(String),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptImage(#[serde(with = "ImageForm")] Image);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptPlatform(#[serde(with = "PlatformForm")] Platform);

impl Key {
    /// That of a question, with what its answer depends on besides. Where build contexts lie
    /// is told from `base`.
    pub(crate) fn of(question: &Question, circumstances: &str, base: &Path) -> Self {
        let circumstances = circumstances.to_owned();
        let place = |context| Place::of(context, base);
        match question {
            Question::Image { reference, platform } => Self::Image {
                reference: reference.canonical(),
                platform: platform.to_string(),
                circumstances,
                is_content: reference.digest.is_some(),
            },
            Question::Index { reference, attestations } => Self::Index {
                reference: reference.canonical(),
                attestations: *attestations,
                circumstances,
                is_content: reference.digest.is_some(),
            },
            Question::Tags { repository } => Self::Tags { repository: repository.canonical(), circumstances },
            Question::Referrers { reference, artifact_type } => {
                let (reference, artifact_type) = (reference.canonical(), artifact_type.clone());
                Self::Referrers { reference, artifact_type, circumstances }
            }
            Question::Download { url, algorithm } => Self::Download {
                url: without_query(url.as_str()).to_owned(),
                query: url.query().map(digits),
                algorithm: algorithm.name().to_owned(),
                circumstances,
            },
            Question::Commit { remote, reference } => {
                Self::Commit { remote: remote.to_string(), reference: reference.clone(), circumstances }
            }
            Question::Ignored { context, paths } => Self::Ignored { context: place(context), paths: paths.clone() },
            Question::Files { context, patterns } => {
                Self::Files { context: place(context), patterns: patterns.clone() }
            }
            Question::File { context, path } => Self::File { context: place(context), path: path.clone() },
            Question::Text { context, path } => Self::Text { context: place(context), path: path.clone() },
            Question::Run { tool, input } => Self::Run { tool: words(tool), input: digits(input) },
            Question::Check { tool, suffix, text } => {
                Self::Check { tool: words(tool), suffix: suffix.clone(), text: digits(text) }
            }
        }
    }

    /// Whether it names content, which cannot change.
    pub(crate) fn is_content(&self) -> bool {
        match self {
            Self::Image { is_content, .. } | Self::Index { is_content, .. } => *is_content,
            _ => false,
        }
    }
}

impl Form {
    /// What stands for a text of a build context.
    pub(crate) fn digits(text: Option<&str>) -> Option<String> {
        text.map(digits)
    }

    /// That of an answer.
    pub(crate) fn of(question: &Question, answer: &Answer) -> Self {
        let kept = |platform: &Platform| KeptPlatform(platform.clone());
        match answer {
            Answer::Image(RegistryAnswer::Image(image)) => Self::Image(Box::new(KeptImage((**image).clone()))),
            Answer::Image(RegistryAnswer::PlatformMismatch { requested, available, index_digest }) => {
                Self::PlatformMismatch {
                    requested: kept(requested),
                    available: available.iter().map(kept).collect(),
                    index_digest: index_digest.clone(),
                }
            }
            Answer::Index(index) => Self::Index(index.clone().into()),
            Answer::Tags(tags) => Self::Tags(tags.clone()),
            Answer::Referrers(referrers) => Self::Referrers(referrers.iter().cloned().map(KeptReferrer).collect()),
            Answer::Download(Download { digest, size, final_url }) => {
                let asked = matches!(question, Question::Download { url, .. } if url.as_str() == final_url);
                let final_url = (!asked).then(|| final_url.clone());
                Self::Download { digest: digest.clone(), size: *size, final_url }
            }
            Answer::Commit(commit) => Self::Commit(commit.clone()),
            Answer::Ignored(ignored) => Self::Ignored(KeptIgnored(ignored.clone())),
            Answer::Files(matches) => Self::Files(matches.iter().cloned().map(KeptMatches).collect()),
            Answer::File(file) => Self::File(file.clone().map(KeptFile)),
            // Such as a file with credentials.
            Answer::Text(text) => Self::Text { sha256: Self::digits(text.as_deref()) },
            Answer::Ran(run) => Self::Ran(KeptRun(run.clone())),
            Answer::Entries(entries) => Self::Entries(entries.clone()),
        }
    }

    /// The answer to a question; none where it answers another kind, or is a text's.
    pub(crate) fn answer(self, question: &Question) -> Option<Answer> {
        Some(match (self, question) {
            (Self::Image(image), Question::Image { .. }) => Answer::Image(RegistryAnswer::Image(Box::new(image.0))),
            (Self::PlatformMismatch { requested, available, index_digest }, Question::Image { .. }) => {
                Answer::Image(RegistryAnswer::PlatformMismatch {
                    requested: requested.0,
                    available: available.into_iter().map(|platform| platform.0).collect(),
                    index_digest,
                })
            }
            (Self::Index(index), Question::Index { .. }) => Answer::Index(index.into()),
            (Self::Tags(tags), Question::Tags { .. }) => Answer::Tags(tags),
            (Self::Referrers(kept), Question::Referrers { .. }) => {
                Answer::Referrers(kept.into_iter().map(|kept| kept.0).collect())
            }
            (Self::Download { digest, size, final_url }, Question::Download { url, .. }) => {
                Answer::Download(Download { digest, size, final_url: final_url.unwrap_or_else(|| url.to_string()) })
            }
            (Self::Commit(commit), Question::Commit { .. }) => Answer::Commit(commit),
            (Self::Ignored(kept), Question::Ignored { .. }) => Answer::Ignored(kept.0),
            (Self::Files(kept), Question::Files { .. }) => Answer::Files(kept.into_iter().map(|kept| kept.0).collect()),
            (Self::File(kept), Question::File { .. }) => Answer::File(kept.map(|kept| kept.0)),
            (Self::Ran(kept), Question::Run { .. }) => Answer::Ran(kept.0),
            (Self::Entries(entries), Question::Check { .. }) => Answer::Entries(entries),
            _ => return None,
        })
    }
}

/// A tool's name and arguments.
fn words(tool: &Tool) -> Vec<String> {
    std::iter::once(tool.name.to_string()).chain(tool.arguments.iter().cloned()).collect()
}

/// What stands for a text that may hold secrets.
fn digits(text: impl AsRef<[u8]>) -> String {
    Digest::of(text.as_ref()).digits().to_owned()
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Platform")]
struct PlatformForm {
    os: Cow<'static, str>,
    architecture: Cow<'static, str>,
    variant: Cow<'static, str>,
    os_version: String,
    os_features: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Image")]
struct ImageForm {
    digest: String,
    index_digest: Option<String>,
    #[serde(with = "PlatformForm")]
    platform: Platform,
    environment: Vec<(String, String)>,
    working_dir: String,
    user: String,
    shell: Vec<String>,
    labels: BTreeMap<String, String>,
    onbuild: Vec<String>,
    entrypoint: Vec<String>,
    cmd: Vec<String>,
    created: Option<String>,
}
