//! `[plugins.NAME]` and `[trust."sha256:…"]`: plugins of others, what they may
//! ask for and use up, and whose word counts.
//!
//! Invariant: a component runs by the word of the user's own file, a flag or a
//! variable, which holds for the very bytes that its digest names. The tree's
//! file asks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::file::parsed;
use super::settle::{Name, Settling};
use super::value::{parse_duration, parse_size, show_size};
use super::{ConfigError, Digest, File, Grants, Source, parse_bool, schema};
use crate::limits::{
    CALL_TIME_ALLOWED, FINDINGS_ALLOWED, LOG_BYTES_ALLOWED, MEMORY_BYTES_ALLOWED, REQUESTS_ALLOWED,
    TABLE_ELEMENTS_ALLOWED,
};

/// `[plugins.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct PluginTable {
    /// The component: `path` or `source`.
    pub place: Place,
    /// The component's digest. The user's own file must have it.
    pub digest: Option<Digest>,
    /// The file of the public key that must have signed what the source means; what is relative is so to the folder
    /// of the file that says so.
    pub key: Option<PathBuf>,
    /// What the plugin may ask for; in the tree's file, what it would like to.
    pub grants: Grants,
    /// What it may use up; in the tree's file it can only be less.
    pub limits: LimitsTable,
}

/// Where a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file; what is relative is so to the folder of the file that says so.
    Path(PathBuf),
    /// Elsewhere; a lock says what it means.
    Source(Source),
}

/// `[plugins.NAME]` as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table such as { path = \"acme.wasm\" }")]
pub(super) struct Written {
    /// The component's file.
    path: Option<PathBuf>,
    /// Where the component is, if it is in no file.
    #[schemars(with = "Option<schema::SourceText>")]
    source: Option<Source>,
    /// The component's digest. The user's own file must have it.
    #[schemars(with = "Option<schema::DigestText>")]
    digest: Option<Digest>,
    /// The file of the public key that must have signed what the source means.
    key: Option<PathBuf>,
    /// What the plugin may ask for; in the tree's file, what it would like to.
    #[serde(default)]
    grants: Grants,
    /// What it may use up; in the tree's file it can only be less.
    #[serde(default)]
    limits: LimitsTable,
}

impl TryFrom<Written> for PluginTable {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { path, source, digest, key, grants, limits } = written;
        let place = match (path, source) {
            (Some(path), None) => Place::Path(path),
            (None, Some(source)) => Place::Source(source),
            (Some(_), Some(_)) => return Err("it has both path and source: write the one that is meant"),
            (None, None) => {
                return Err("it says no path = \"FILE.wasm\" and no source = \"oci://HOST/REPOSITORY:TAG\"");
            }
        };
        if key.is_some() && !place.may_be_signed() {
            return Err(
                "it has a key, and only registries keep signatures: write it beside source = \"oci://HOST/REPOSITORY:TAG\"",
            );
        }
        Ok(Self { place, digest, key, grants, limits })
    }
}

impl Place {
    /// The source, where it is one.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Path(_) => None,
            Self::Source(source) => Some(source),
        }
    }

    /// Whether there can be signatures of what is there.
    pub fn may_be_signed(&self) -> bool {
        matches!(self, Self::Source(Source::Oci(_)))
    }
}

/// `[trust."sha256:…"]`: the user's word for a component that trees ask for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TrustTable {
    /// What it was called where the user was asked; for people only.
    pub name: Option<String>,
    /// As [`PluginTable::key`], besides the key that the tree's file has.
    pub key: Option<PathBuf>,
    /// What it may ask for.
    pub grants: Grants,
}

/// `limits` of a plugin; what is none is as for any other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct LimitsTable {
    /// Linear memory of an instance, in bytes.
    #[serde(deserialize_with = "memory")]
    #[schemars(with = "schema::SizeText")]
    pub memory: Option<usize>,
    /// How long one call may take.
    #[serde(deserialize_with = "time")]
    #[schemars(with = "schema::DurationText")]
    pub time: Option<Duration>,
    /// Elements of all tables of an instance.
    #[serde(deserialize_with = "table_elements")]
    #[schemars(with = "usize")]
    pub table_elements: Option<usize>,
    /// Requests for one file.
    #[serde(deserialize_with = "requests")]
    #[schemars(with = "usize")]
    pub requests: Option<usize>,
    /// Findings of one rule in one file.
    #[serde(deserialize_with = "findings")]
    #[schemars(with = "usize")]
    pub findings: Option<usize>,
    /// Bytes of log of one call.
    #[serde(deserialize_with = "log")]
    #[schemars(with = "schema::SizeText")]
    pub log: Option<usize>,
}

/// Whose components run without being named in the user's own file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// `--trust`: those with these digests.
    pub digests: Vec<Digest>,
    /// `--trust-workspace`: all that the tree's file asks for.
    pub workspace: bool,
}

impl Trust {
    /// What the flags say, else the variables `PLIMSOLL_TRUST` and `PLIMSOLL_TRUST_WORKSPACE`.
    ///
    /// # Errors
    /// When a variable means nothing.
    pub(super) fn settle(settling: &mut Settling, flag: Vec<Digest>, workspace: bool) -> Result<Self, ConfigError> {
        let (digests, workspace) = (Some(flag).filter(|digests| !digests.is_empty()), workspace.then_some(true));
        // No file says it: that of the tree may not, and that of the user has [trust].
        let none = |_, _: &File| None;
        let of_workspace = |_, _: &File| None;
        Ok(Self {
            digests: settling.pick_or(
                &Name::new("trust", "--trust", "PLIMSOLL_TRUST"),
                digests,
                parse_digests,
                none,
                Vec::new(),
            )?,
            workspace: settling.pick_or(
                &Name::new("trust-workspace", "--trust-workspace", "PLIMSOLL_TRUST_WORKSPACE"),
                workspace,
                parse_bool,
                of_workspace,
                false,
            )?,
        })
    }

    /// Whether a component that the tree's file asks for runs.
    pub fn covers(&self, digest: &Digest) -> bool {
        self.workspace || self.digests.contains(digest)
    }
}

/// Digests, `,` between them.
fn parse_digests(text: &str) -> Result<Vec<Digest>, String> {
    text.split(',').map(|digest| digest.trim().parse()).collect()
}

/// The least and the most that a limit may be.
type Allowed = std::ops::RangeInclusive<usize>;

/// Trusted components by digest.
pub type TrustTables = BTreeMap<Digest, TrustTable>;

fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    size(deserializer, &MEMORY_BYTES_ALLOWED)
}

fn log<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    size(deserializer, &LOG_BYTES_ALLOWED)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D, allowed: &Allowed) -> Result<Option<usize>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = parse_size(&text).map_err(serde::de::Error::custom)?;
    let (least, most) = (show_size(*allowed.start()), show_size(*allowed.end()));
    let error = || serde::de::Error::custom(format!("{text:?} is not from {least} to {most}"));
    allowed.contains(&bytes).then_some(Some(bytes)).ok_or_else(error)
}

fn table_elements<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    number(deserializer, &TABLE_ELEMENTS_ALLOWED)
}

fn requests<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    number(deserializer, &REQUESTS_ALLOWED)
}

fn findings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    number(deserializer, &FINDINGS_ALLOWED)
}

fn number<'de, D: Deserializer<'de>>(deserializer: D, allowed: &Allowed) -> Result<Option<usize>, D::Error> {
    let number = usize::deserialize(deserializer)?;
    let error = || serde::de::Error::custom(format!("{number} is not from {} to {}", allowed.start(), allowed.end()));
    allowed.contains(&number).then_some(Some(number)).ok_or_else(error)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parsed(deserializer, |text| {
        let time = parse_duration(text)?;
        let (least, most) = (CALL_TIME_ALLOWED.start(), CALL_TIME_ALLOWED.end());
        let (least, most) = (super::show_duration(*least), super::show_duration(*most));
        CALL_TIME_ALLOWED
            .contains(&time)
            .then_some(time)
            .ok_or_else(|| format!("{text:?} is not from {least} to {most}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Files;
    use super::*;

    #[test]
    fn a_table_says_where_and_what() {
        let text = r#"
            path = "policies/acme.wasm"
            grants = { registry = ["registry.acme.dev/*"], context = ["**/package.json"] }
            limits = { memory = "64MiB", time = "200ms" }
        "#;
        let table: PluginTable = toml::from_str(text).unwrap();
        let (memory, time) = (Some(64 << 20), Some(Duration::from_millis(200)));
        assert_eq!(table.limits, LimitsTable { memory, time, ..LimitsTable::default() });
        assert_eq!(table.grants.to_string(), r#"registry = ["registry.acme.dev/*"], context = ["**/package.json"]"#);
        for odd in [
            "grants = {}",
            "path = \"a\"\nsource = \"oci://ghcr.io/a\"",
            "path = \"a\"\nkey = \"acme.pub\"",
            "source = \"https://acme.dev/a.wasm\"\nkey = \"acme.pub\"",
            "source = \"ghcr.io/a\"",
            "path = \"a\"\ngrants = { registries = [] }",
            "path = \"a\"\ngrants = { registry = [\"alpine\"] }",
            "path = \"a\"\nlimits = { memory = \"1\" }",
            "path = \"a\"\nlimits = { time = \"2m\" }",
            "path = \"a\"\nlimits = { requests = 0 }",
            "path = \"a\"\nlimits = { findings = -1 }",
            "path = \"a\"\nlimits = { log = \"1GiB\" }",
            "path = \"a\"\nlimits = { table-elements = 100000000 }",
            "path = \"a\"\ndigest = \"sha256:AB\"",
        ] {
            assert!(toml::from_str::<PluginTable>(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn trust_names_digests_or_is_said_outright() {
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let settle = |flag, workspace, pairs: &[(&str, &str)]| {
            let variables = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            Trust::settle(&mut Settling::new(&variables, Files::default()), flag, workspace)
        };
        let none = settle(Vec::new(), false, &[]).unwrap();
        assert!(!none.covers(&one));
        let named = settle(Vec::new(), false, &[("PLIMSOLL_TRUST", &format!("{one}, {other}"))]).unwrap();
        assert!(named.covers(&one) && named.covers(&other));
        let flag = settle(vec![one.clone()], false, &[("PLIMSOLL_TRUST", other.as_str())]).unwrap();
        assert!(flag.covers(&one) && !flag.covers(&other), "flags go before variables");
        let all = settle(Vec::new(), false, &[("PLIMSOLL_TRUST_WORKSPACE", "true")]).unwrap();
        assert!(all.covers(&one));
        assert!(settle(Vec::new(), false, &[("PLIMSOLL_TRUST", "acme")]).is_err());
    }
}
