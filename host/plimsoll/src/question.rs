//! What rules may ask of the world, and what can come back.
//!
//! A question is typed and normalised, and is its own key: equal questions of
//! any rule, plugin or file are one; different ones cannot collide.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::{Answer as RegistryAnswer, Image};
use serde::Serialize;

/// A question to the world.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// What image a reference means on a platform.
    Image {
        /// The reference, normalised and with its tag.
        reference: Reference,
        /// The platform in containerd's normal form.
        platform: Platform,
    },
    /// Which paths the ignore file leaves out of a build context.
    Ignored {
        /// The context.
        context: Arc<BuildContext>,
        /// Paths relative to its root, in the order asked.
        paths: Vec<String>,
    },
}

/// Where the files of a build come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct BuildContext {
    /// The root folder.
    pub root: PathBuf,
    /// The Dockerfile, whose own ignore file goes before the context's; none for
    /// one without a place.
    pub dockerfile: Option<PathBuf>,
}

impl Question {
    /// The resolver that answers it.
    pub fn resolver(&self) -> &'static str {
        match self {
            Self::Image { .. } => "registry",
            Self::Ignored { .. } => "context",
        }
    }

    /// The host that would be asked; none where the answer is on this machine.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Image { reference, .. } => Some(&reference.domain),
            Self::Ignored { .. } => None,
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { reference, platform } => write!(f, "image {} for {platform}", reference.familiar()),
            Self::Ignored { paths, .. } => write!(f, "whether the context leaves out {}", paths.join(", ")),
        }
    }
}

/// What the world answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To [`Question::Image`].
    Image(RegistryAnswer),
    /// To [`Question::Ignored`].
    Ignored(Ignored),
}

/// What an ignore file says of some paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Its name, if there is one.
    pub file: Option<String>,
    /// Whether it takes paths back in.
    pub has_exceptions: bool,
    /// Each path as it is looked up, and the patterns that leave it out.
    pub paths: Vec<(String, Vec<String>)>,
    /// What is wrong with it, so that the build stops; then nothing else is known.
    pub malformed: Option<String>,
}

impl Answer {
    /// The image, where the answer holds one.
    pub fn image(&self) -> Option<&Image> {
        match self {
            Self::Image(RegistryAnswer::Image(image)) => Some(image),
            Self::Image(_) | Self::Ignored(_) => None,
        }
    }
}

/// Why a question has no answer. Failures never reach a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Slow checks are off.
    Disabled,
    /// The file has errors already.
    FailFast,
    /// The plugin may not ask this.
    Denied,
    /// The run may not use the network.
    Offline,
    /// Credentials are missing or refused.
    Auth,
    /// There is no such thing.
    NotFound,
    /// The host could not be talked to.
    Network,
    /// Time ran out.
    Timeout,
    /// The host answered what it should not.
    ResolverError,
}

impl SkipReason {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::FailFast => "fail-fast",
            Self::Denied => "denied",
            Self::Offline => "offline",
            Self::Auth => "auth",
            Self::NotFound => "not-found",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::ResolverError => "resolver-error",
        }
    }
}

/// Why one question failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of failure.
    pub reason: SkipReason,
    /// What happened and what to do, for people.
    pub detail: String,
}
