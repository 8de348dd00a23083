//! Credential files: which there are, and what one says about a key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::key::{Key, normal, normal_entry};
use super::{Credentials, Problem};
use crate::environment::Environment;
use crate::file;
use crate::limits::CREDENTIAL_FILE_BYTES_MAX;
use crate::secret::Secret;

/// One place to look, and whether it is the old format without `auths`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub path: PathBuf,
    pub legacy: bool,
}

/// The content of a credential file.
///
/// Container tools read keys in any case; these are the spellings that occur.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    #[serde(alias = "Auths")]
    auths: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(rename = "credHelpers", alias = "CredHelpers", alias = "credhelpers")]
    helpers: Option<BTreeMap<String, Option<String>>>,
    #[serde(rename = "credsStore", alias = "CredsStore", alias = "credsstore")]
    store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(alias = "Auth")]
    auth: Option<String>,
    #[serde(rename = "identitytoken", alias = "identityToken", alias = "IdentityToken")]
    identity_token: Option<String>,
}

/// The files of `environment`, in the order to ask; an explicit one replaces all others.
pub(super) fn places(environment: &Environment) -> Vec<Place> {
    let place = |path: PathBuf| Place { path, legacy: false };
    let chosen = environment.paths.credentials.clone();
    if let Some(path) = chosen.or_else(|| environment.path("REGISTRY_AUTH_FILE")) {
        return vec![place(path)];
    }
    let home = environment.home.as_deref();
    let runtime = match (environment.path("XDG_RUNTIME_DIR"), environment.user) {
        (Some(folder), _) => Some(folder.join("containers/auth.json")),
        (None, Some(user)) => Some(environment.system(&format!("/run/containers/{user}/auth.json"))),
        (None, None) => None,
    };
    let config = environment.path("XDG_CONFIG_HOME").or_else(|| Some(home?.join(".config")));
    let docker = environment.path("DOCKER_CONFIG").or_else(|| Some(home?.join(".docker")));
    let mut places: Vec<Place> = runtime
        .into_iter()
        .chain(config.map(|folder| folder.join("containers/auth.json")))
        .chain(docker.map(|folder| folder.join("config.json")))
        .map(place)
        .collect();
    places.extend(home.map(|home| Place { path: home.join(".dockercfg"), legacy: true }));
    places
}

impl File {
    /// Reads the file at `place`; a missing one is `None`, an empty one is malformed.
    pub fn read(place: &Place, environment: &Environment) -> Result<Option<Self>, Problem> {
        let problem = |what: String| Problem(format!("{}: {what}", environment.display(&place.path)));
        let bytes = match file::read(&place.path, CREDENTIAL_FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if file::is_missing(&error) => return Ok(None),
            Err(error) => return Err(problem(error.to_string())),
        };
        let malformed = |error: serde_json::Error| {
            problem(format!("not a credential file (line {}, column {})", error.line(), error.column()))
        };
        if place.legacy {
            let auths = serde_json::from_slice(&bytes).map_err(malformed)?;
            return Ok(Some(Self { auths, ..Self::default() }));
        }
        let file: Option<Self> = serde_json::from_slice(&bytes).map_err(malformed)?;
        Ok(Some(file.unwrap_or_default()))
    }

    /// The helper that the file names for the registry of `key` alone.
    pub fn helper(&self, key: Key<'_>) -> Option<&str> {
        let helpers = self.helpers.as_ref()?;
        let registry = key.registry();
        let exact = helpers.get(registry);
        let found = exact.or_else(|| {
            let equal = |entry: &str| normal_entry(entry, false) == normal(registry);
            helpers.iter().find(|(entry, _)| equal(entry)).map(|(_, helper)| helper)
        });
        found.and_then(Option::as_deref)
    }

    /// The helper that the file names for every registry.
    pub fn store(&self) -> Option<&str> {
        self.store.as_deref().filter(|helper| !helper.is_empty())
    }

    /// The credentials written in the file: exact keys from most to least specific, then normalised hosts. The first
    /// entry that matches decides, even one without credentials.
    pub fn credentials(
        &self,
        key: Key<'_>,
        place: &Place,
        environment: &Environment,
    ) -> Result<Option<Credentials>, Problem> {
        let Some(auths) = &self.auths else {
            return Ok(None);
        };
        let exact = match place.legacy {
            true => auths.get_key_value(key.registry()),
            false => key.parents().find_map(|key| auths.get_key_value(key)),
        };
        let registry = normal(key.registry());
        let found = exact.or_else(|| auths.iter().find(|(entry, _)| normal_entry(entry, place.legacy) == registry));
        let Some((name, Some(entry))) = found else {
            return Ok(None);
        };
        entry
            .decode(&place.path)
            .map_err(|what| Problem(format!("{}: `auth` of `{name}` {what}", environment.display(&place.path))))
    }
}

impl Entry {
    /// `auth` is base64 of `user:password`; without a colon the entry says nothing, not even by an identity token.
    fn decode(&self, source: &Path) -> Result<Option<Credentials>, &'static str> {
        let auth = self.auth.as_deref().unwrap_or_default();
        let decoded = STANDARD.decode(auth).map_err(|_| "is not base64")?;
        let decoded = String::from_utf8(decoded).map_err(|_| "is not text")?;
        let Some((username, password)) = decoded.split_once(':') else {
            return Ok(None);
        };
        let password = password.trim_matches('\0');
        let identity_token = self.identity_token.as_deref().filter(|token| !token.is_empty()).map(Secret::new);
        if username.is_empty() && password.is_empty() && identity_token.is_none() {
            return Ok(None);
        }
        Ok(Some(Credentials {
            username: username.to_owned(),
            password: Secret::new(password),
            identity_token,
            source: source.to_owned(),
        }))
    }
}
