//! A question and its answer as JSON.
//!
//! A form lists every field of what it stands for, so that a new one does not
//! compile until it is kept too. Another meaning of a field is another [`VERSION`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use plimsoll_dockerfile::Platform;
use plimsoll_registry::{Answer as RegistryAnswer, Image};
use serde::{Deserialize, Serialize};

use super::disk::hexadecimal;
use super::listings::{KeptIndex, KeptReferrer};
use crate::question::{Answer, Download, Question};

/// The version of the form. It is part of the folder's name: runs of other
/// versions do not meet.
pub(super) const VERSION: u32 = 1;

/// What an answer is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "kebab-case")]
pub(super) enum Key {
    /// [`Question::Image`].
    Image {
        /// In its complete text.
        reference: String,
        /// As its normal text.
        platform: String,
        /// Where the registry's mirrors are, and the like.
        circumstances: String,
        /// Whether the reference names content.
        is_content: bool,
    },
    /// [`Question::Index`], in the same terms.
    Index { reference: String, attestations: bool, circumstances: String, is_content: bool },
    /// [`Question::Tags`], in the same terms.
    Tags { repository: String, circumstances: String },
    /// [`Question::Referrers`], in the same terms. Even a digest's may change.
    Referrers { reference: String, artifact_type: Option<String>, circumstances: String },
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
        circumstances: String,
    },
    /// [`Question::Commit`].
    Commit {
        /// Where the repository is.
        remote: String,
        /// The name in it.
        reference: String,
        /// The way there.
        circumstances: String,
    },
}

/// An answer with what it is kept under.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) key: Key,
    /// When, in seconds since 1970.
    pub(super) stored: u64,
    pub(super) answer: Form,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Form {
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
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptImage(#[serde(with = "ImageForm")] Image);

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptPlatform(#[serde(with = "PlatformForm")] pub(super) Platform);

impl Key {
    /// None for a question whose answers are not kept: what the files on this machine say is read as fast
    /// where they are.
    pub(super) fn of(question: &Question, circumstances: &str) -> Option<Self> {
        let circumstances = circumstances.to_owned();
        match question {
            Question::Image { reference, platform } => Some(Self::Image {
                reference: reference.canonical(),
                platform: platform.to_string(),
                circumstances,
                is_content: reference.digest.is_some(),
            }),
            Question::Index { reference, attestations } => Some(Self::Index {
                reference: reference.canonical(),
                attestations: *attestations,
                circumstances,
                is_content: reference.digest.is_some(),
            }),
            Question::Tags { repository } => Some(Self::Tags { repository: repository.canonical(), circumstances }),
            Question::Referrers { reference, artifact_type } => Some(Self::Referrers {
                reference: reference.canonical(),
                artifact_type: artifact_type.clone(),
                circumstances,
            }),
            Question::Download { url, algorithm } => {
                let mut address = url.clone();
                address.set_query(None);
                Some(Self::Download {
                    url: address.into(),
                    query: url.query().map(|query| hexadecimal(query.as_bytes())),
                    algorithm: algorithm.name().to_owned(),
                    circumstances: circumstances.to_owned(),
                })
            }
            Question::Commit { remote, reference } => {
                let circumstances = circumstances.to_owned();
                Some(Self::Commit { remote: remote.to_string(), reference: reference.clone(), circumstances })
            }
            Question::Ignored { .. } | Question::Files { .. } | Question::File { .. } | Question::Text { .. } => None,
            Question::Run { .. } | Question::Check { .. } => None,
        }
    }

    /// Whether it names content, which cannot change.
    pub(super) fn is_content(&self) -> bool {
        match self {
            Self::Image { is_content, .. } | Self::Index { is_content, .. } => *is_content,
            Self::Tags { .. } | Self::Referrers { .. } | Self::Download { .. } | Self::Commit { .. } => false,
        }
    }
}

impl Kept {
    /// None for an answer of a kind that is not kept.
    pub(super) fn new(key: Key, stored: u64, question: &Question, answer: &Answer) -> Option<Self> {
        let kept = |platform: &Platform| KeptPlatform(platform.clone());
        let answer = match answer {
            Answer::Image(RegistryAnswer::Image(image)) => Form::Image(Box::new(KeptImage((**image).clone()))),
            Answer::Image(RegistryAnswer::PlatformMismatch { requested, available, index_digest }) => {
                Form::PlatformMismatch {
                    requested: kept(requested),
                    available: available.iter().map(kept).collect(),
                    index_digest: index_digest.clone(),
                }
            }
            Answer::Index(index) => Form::Index(index.clone().into()),
            Answer::Tags(tags) => Form::Tags(tags.clone()),
            Answer::Referrers(referrers) => Form::Referrers(referrers.iter().cloned().map(KeptReferrer).collect()),
            Answer::Download(Download { digest, size, final_url }) => {
                let asked = matches!(question, Question::Download { url, .. } if url.as_str() == final_url);
                let final_url = (!asked).then(|| final_url.clone());
                Form::Download { digest: digest.clone(), size: *size, final_url }
            }
            Answer::Commit(commit) => Form::Commit(commit.clone()),
            Answer::Ignored(_) | Answer::Files(_) | Answer::File(_) | Answer::Text(_) => return None,
            Answer::Ran(_) | Answer::Entries(_) => return None,
        };
        Some(Self { key, stored, answer })
    }
}

impl Form {
    /// The answer to a question; none where it answers another kind.
    pub(super) fn answer(self, question: &Question) -> Option<Answer> {
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
            _ => return None,
        })
    }
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
