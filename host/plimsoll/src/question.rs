//! What rules may ask of the world, and what can come back.
//!
//! A question is typed and normalised, and is its own key: equal questions of
//! any rule, plugin or file are one; different ones cannot collide.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_dockerfile::{Platform, Reference};
use plimsoll_registry::{Answer as RegistryAnswer, Image, Index, Referrer};
use serde::{Deserialize, Serialize};
use url::{Host, Position, Url};

use crate::limits::{SHOWN_CHARACTERS_MAX, TOOL_NAME_BYTES_MAX, URL_BYTES_MAX};

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
    /// All that a reference offers.
    Index {
        /// The reference, normalised and with its tag.
        reference: Reference,
        /// Whether what BuildKit attested is read too.
        attestations: bool,
    },
    /// The tags of a repository.
    Tags {
        /// The repository, normalised, without tag and digest.
        repository: Reference,
    },
    /// What refers to the manifest or index that a reference means.
    Referrers {
        /// The reference, normalised and with its tag.
        reference: Reference,
        /// The only kind of things that count.
        artifact_type: Option<String>,
    },
    /// Which paths the ignore file leaves out of a build context.
    Ignored {
        /// The context.
        context: Arc<BuildContext>,
        /// Paths relative to its root, in the order asked.
        paths: Vec<String>,
    },
    /// Which paths of a build context the patterns of ADD and COPY match.
    Files {
        /// The context.
        context: Arc<BuildContext>,
        /// The patterns, in the order asked.
        patterns: Vec<String>,
    },
    /// What stands at a path of a build context.
    File {
        /// The context.
        context: Arc<BuildContext>,
        /// The path, relative to its root.
        path: String,
    },
    /// The text of a file of a build context.
    Text {
        /// The context.
        context: Arc<BuildContext>,
        /// The path, relative to its root.
        path: String,
    },
    /// What an address of the web holds.
    Download {
        /// The address, without a fragment.
        url: Url,
        /// How its content is to be digested.
        algorithm: Algorithm,
    },
    /// The commit that a name means in a git repository.
    Commit {
        /// Where the repository is, without query and fragment.
        remote: Url,
        /// A branch, a tag, a full name such as `refs/heads/main`, or `HEAD`.
        reference: String,
    },
    /// What one run of a tool comes to.
    Run {
        /// The tool.
        tool: Tool,
        /// Its standard input.
        input: String,
    },
    /// What a tool says of a text. Many texts may be put to one run of it.
    Check {
        /// The tool.
        tool: Tool,
        /// How the name of the text's file ends.
        suffix: String,
        /// The text.
        text: String,
    },
}

/// A tool of this machine, and how it is called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tool {
    /// The name under which the user may have configured it.
    pub name: Arc<str>,
    /// Its arguments.
    pub arguments: Arc<[String]>,
}

impl Tool {
    /// Whether a tool can have this name.
    pub fn is_name(name: &str) -> bool {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        (1..=TOOL_NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(is_plain)
    }
}

/// How content is digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// What stands before the colon of a digest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// How many digits a digest of it has.
    pub fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

/// Whether a text is the whole identifier of a commit, by SHA-1 or SHA-256.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hexadecimal(text)
}

/// Whether a text has nothing but hexadecimal digits, letters in lower case.
pub fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A URL of the web, without its fragment. One with credentials is refused: they
/// would be sent, and shown in reports.
///
/// # Errors
/// What is wrong with it.
pub fn parse_url(text: &str) -> Result<Url, String> {
    if text.len() > URL_BYTES_MAX {
        return Err(format!("a URL may have {URL_BYTES_MAX} bytes"));
    }
    let mut url = Url::parse(text).map_err(|error| format!("{text:?} is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("only http and https are asked, not {}", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with credentials is not asked".to_owned());
    }
    if url.host().is_none_or(|host| host == Host::Domain("")) {
        return Err(format!("{text:?} names no host"));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Such a URL of a repository.
///
/// # Errors
/// What is wrong with it.
pub fn parse_remote(text: &str) -> Result<Url, String> {
    let remote = parse_url(text)?;
    match remote.query() {
        Some(_) => Err("the address of a repository has no query".to_owned()),
        None => Ok(remote),
    }
}

/// A name of a branch or tag that git could have; `HEAD` for an empty one.
///
/// # Errors
/// Why it can be none.
pub fn check_reference(name: &str) -> Result<String, String> {
    if is_commit(name) {
        return Err("it is a commit already".to_owned());
    }
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    if name.len() > URL_BYTES_MAX || name.contains(is_odd) || name.contains("..") {
        return Err("git has no such names".to_owned());
    }
    Ok(if name.is_empty() { "HEAD".to_owned() } else { name.to_owned() })
}

/// An address without what may be secret in it.
pub fn without_query(address: &str) -> &str {
    &address[..address.find(['?', '#']).unwrap_or(address.len())]
}

/// Where the files of a build come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct BuildContext {
    /// The root folder.
    pub root: PathBuf,
    /// The Dockerfile, whose own ignore file goes before the context's; none for
    /// one without a place.
    pub dockerfile: Option<PathBuf>,
    /// Whether links in it lead nowhere: who may ask for some paths only would by a link
    /// get to others.
    pub bars_links: bool,
}

impl Question {
    /// The resolver that answers it.
    pub fn resolver(&self) -> &'static str {
        match self {
            Self::Image { .. } | Self::Index { .. } | Self::Tags { .. } | Self::Referrers { .. } => "registry",
            Self::Ignored { .. } | Self::Files { .. } | Self::File { .. } | Self::Text { .. } => "context",
            Self::Download { .. } => "http",
            Self::Commit { .. } => "git",
            Self::Run { .. } | Self::Check { .. } => "console",
        }
    }

    /// The host that would be asked; none where the answer is on this machine.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Image { reference, .. }
            | Self::Index { reference, .. }
            | Self::Tags { repository: reference }
            | Self::Referrers { reference, .. } => Some(&reference.domain),
            Self::Download { url, .. } | Self::Commit { remote: url, .. } => {
                Some(&url[Position::BeforeHost..Position::AfterPort])
            }
            Self::Ignored { .. } | Self::Files { .. } | Self::File { .. } | Self::Text { .. } => None,
            Self::Run { .. } | Self::Check { .. } => None,
        }
    }

    /// What one piece of work may answer together: questions of which this is equal and not none.
    pub fn batch(&self) -> Option<(&Tool, &str)> {
        match self {
            Self::Check { tool, suffix, .. } => Some((tool, suffix)),
            _ => None,
        }
    }

    /// Bytes of the texts in it that may be long.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Ignored { paths: texts, .. } | Self::Files { patterns: texts, .. } => {
                texts.iter().map(String::len).sum()
            }
            Self::File { path: text, .. } | Self::Text { path: text, .. } => text.len(),
            Self::Run { input: text, .. } | Self::Check { text, .. } => text.len(),
            Self::Download { url, .. } | Self::Commit { remote: url, .. } => url.as_str().len(),
            Self::Image { .. } | Self::Index { .. } | Self::Tags { .. } | Self::Referrers { .. } => 0,
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image { reference, platform } => write!(f, "image {} for {platform}", reference.familiar()),
            Self::Index { reference, attestations } => {
                let besides = if *attestations { " with its attestations" } else { "" };
                write!(f, "index {}{besides}", reference.familiar())
            }
            Self::Tags { repository } => write!(f, "tags of {}", repository.familiar()),
            Self::Referrers { reference, artifact_type } => {
                let kind = artifact_type.as_ref().map(|kind| format!(" as {kind}")).unwrap_or_default();
                write!(f, "what refers to {}{kind}", reference.familiar())
            }
            Self::Ignored { paths, .. } => write!(f, "whether the context leaves out {}", paths.join(", ")),
            Self::Files { patterns, .. } => write!(f, "what the context holds of {}", patterns.join(", ")),
            Self::File { path, .. } => write!(f, "what {path} is in the context"),
            Self::Text { path, .. } => write!(f, "the text of {path} in the context"),
            Self::Download { url, algorithm } => write!(f, "{} of {url}", algorithm.name()),
            Self::Commit { remote, reference } => write!(f, "commit of {reference} in {remote}"),
            Self::Run { tool, .. } => write!(f, "what {tool} says"),
            Self::Check { tool, text, .. } => {
                // What goes before a text may be there for the tool alone.
                let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                let shown: String = line.chars().take(SHOWN_CHARACTERS_MAX).collect();
                let more = if shown.len() < line.len() { "…" } else { "" };
                write!(f, "what {tool} says of {shown:?}{more}")
            }
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
    }
}

/// What the world answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To [`Question::Image`].
    Image(RegistryAnswer),
    /// To [`Question::Index`].
    Index(Index),
    /// To [`Question::Tags`]: sorted.
    Tags(Vec<String>),
    /// To [`Question::Referrers`]: sorted by digest.
    Referrers(Vec<Referrer>),
    /// To [`Question::Ignored`].
    Ignored(Ignored),
    /// To [`Question::Files`], by pattern.
    Files(Vec<Matches>),
    /// To [`Question::File`]; nothing where the context has no such path.
    File(Option<ContextFile>),
    /// To [`Question::Text`]; nothing where the context has no such file.
    Text(Option<String>),
    /// To [`Question::Download`].
    Download(Download),
    /// To [`Question::Commit`]: the commit's identifier.
    Commit(String),
    /// To [`Question::Run`].
    Ran(Ran),
    /// To [`Question::Check`]: a JSON array.
    Entries(String),
}

/// What a run of a tool came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// The status it ended with.
    pub exit_code: i32,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error, perhaps cut off.
    pub errors: String,
}

/// What a pattern matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// Paths relative to the context's root, sorted.
    pub paths: Vec<String>,
    /// Whether they are all.
    pub is_complete: bool,
}

/// What stands at a path of a build context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextFile {
    /// What it is, links followed.
    pub kind: FileKind,
    /// Its length in bytes; 0 for what is no file.
    pub size: u64,
    /// The digest of a file's content, such as `sha256:…`.
    pub checksum: Option<String>,
}

/// What can stand at a path, by the contract's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File = 0,
    /// A folder.
    Folder = 1,
    /// Anything else, such as a device or a socket; it is never opened.
    Other = 2,
}

/// What an address of the web holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// The digest of its content, such as `sha256:…`.
    pub digest: String,
    /// Its length in bytes.
    pub size: u64,
    /// Where it was found, after redirects.
    pub final_url: String,
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
            _ => None,
        }
    }
}

/// Why a question has no answer. Failures never reach a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// The lock has to say what it means and does not, or says what is not so any more.
    Lock,
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
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Disabled,
        Self::FailFast,
        Self::Denied,
        Self::Offline,
        Self::Lock,
        Self::Auth,
        Self::NotFound,
        Self::Network,
        Self::Timeout,
        Self::ResolverError,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::FailFast => "fail-fast",
            Self::Denied => "denied",
            Self::Offline => "offline",
            Self::Lock => "lock",
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
