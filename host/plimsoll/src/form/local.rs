//! What this machine answers as JSON, for the module above: each form lists every
//! field of what it stands for.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::question::{BuildContext, ContextFile, FileKind, Ignored, Matches, Ran};

/// Where a build context lies, as told from elsewhere: the same in every checkout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    root: String,
    dockerfile: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    bars_links: bool,
}

impl Place {
    pub(super) fn of(context: &BuildContext, base: &Path) -> Self {
        let shown = |path: &Path| path.strip_prefix(base).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let BuildContext { root, dockerfile, bars_links } = context;
        Self { root: shown(root), dockerfile: dockerfile.as_deref().map(shown), bars_links: *bars_links }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptIgnored(#[serde(with = "IgnoredForm")] pub(super) Ignored);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptMatches(#[serde(with = "MatchesForm")] pub(super) Matches);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptFile(#[serde(with = "FileForm")] pub(super) ContextFile);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptRun(#[serde(with = "RunForm")] pub(super) Ran);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ignored")]
struct IgnoredForm {
    file: Option<String>,
    has_exceptions: bool,
    paths: Vec<(String, Vec<String>)>,
    malformed: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Matches")]
struct MatchesForm {
    paths: Vec<String>,
    is_complete: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ContextFile")]
struct FileForm {
    #[serde(with = "KindForm")]
    kind: FileKind,
    size: u64,
    checksum: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "FileKind", rename_all = "kebab-case")]
enum KindForm {
    File,
    Folder,
    Other,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ran")]
struct RunForm {
    exit_code: i32,
    output: String,
    errors: String,
}
