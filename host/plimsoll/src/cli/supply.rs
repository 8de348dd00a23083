//! Where components come from that are in no file of this machine: the shelf, else
//! those who are asked.
//!
//! Input: a source, and what a lock says of it. Output: the component that was agreed
//! to, or why it cannot be had. Invariant: what is on the shelf is asked of nobody,
//! nobody is asked for a component by a name that can move, and where keys are
//! demanded, no component leaves that they did not sign.

use std::cell::OnceCell;

use plimsoll_registry::ClientConfig;
use url::Position;

use super::lint::environment;
use crate::config::{Config, Digest, Files, Place, Source};
use crate::distribution::{self, Expected, Pulled, Record, Remote, Shelf};
use crate::limits::FLOAT_TIMEOUT;
use crate::lock::Policy;
use crate::plugin::Component;
use crate::signature::Key;

/// The shelf, and who can be asked.
pub(super) struct Supply {
    shelf: Option<Shelf>,
    client: ClientConfig,
    allowed_hosts: Vec<String>,
    is_offline: bool,
    remote: OnceCell<Result<Remote, String>>,
    /// The same with the patience that runs have for what floats.
    hasty: OnceCell<Result<Remote, String>>,
}

impl Supply {
    /// Nobody is asked yet. Sources that the user names may be anywhere; `named` is one on the command line.
    pub(super) fn new(config: &Config, files: Files, named: Option<&Source>) -> Self {
        let own = files.users().flat_map(|user| user.plugins.values());
        let own = own.filter_map(|table| table.place.source()).chain(named);
        let hosts = own.filter_map(|source| match source {
            Source::Web(url) => Some(url[Position::BeforeHost..Position::AfterPort].to_owned()),
            Source::Oci(_) => None,
        });
        Self {
            shelf: config.cache_dir.as_deref().map(Shelf::new),
            client: ClientConfig::new(environment(config)),
            allowed_hosts: config.allow_hosts.iter().cloned().chain(hosts).collect(),
            is_offline: config.offline,
            remote: OnceCell::new(),
            hasty: OnceCell::new(),
        }
    }

    /// The same, where nobody is asked if `is_so`.
    pub(super) fn offline_if(self, is_so: bool) -> Self {
        Self { is_offline: self.is_offline || is_so, ..self }
    }

    /// What is kept on this machine; none where there is no place for it.
    pub(super) fn shelf(&self) -> Option<&Shelf> {
        self.shelf.as_ref()
    }

    /// That what was pulled is not on the shelf.
    pub(super) fn unkept(&self, source: &Source) -> String {
        match &self.shelf {
            Some(shelf) => format!("{source} cannot be kept in {}", shelf.place().display()),
            None => format!("there is no place to keep {source}: set PLIMSOLL_CACHE_DIR, or use --cache-dir"),
        }
    }

    /// Who can be asked.
    pub(super) fn remote(&self) -> Result<&Remote, String> {
        if self.is_offline {
            return Err("--offline asks nobody".to_owned());
        }
        let made = self.remote.get_or_init(|| self.make_remote());
        made.as_ref().map_err(Clone::clone)
    }

    fn make_remote(&self) -> Result<Remote, String> {
        let remote = Remote::new(self.client.clone(), self.allowed_hosts.iter().cloned());
        remote.map_err(|error| format!("nobody can be asked from this process: {error}"))
    }

    /// Pulls `content`, or what the source means now; all these keys must have signed it, and the component must be
    /// the one expected.
    pub(super) fn pull(
        &self,
        source: &Source,
        content: Option<&Digest>,
        expected: Option<Expected>,
        keys: &[Key],
    ) -> Result<Pulled, String> {
        let known = |keys| self.shelf().and_then(|shelf| distribution::known(shelf, source, content, keys));
        if let Some(pulled) = known(keys) {
            let held = expected.map_or(Ok(()), |expected| expected.check(pulled.component.digest()));
            return held.map(|()| pulled).map_err(|message| format!("{source}: {message}"));
        }
        let remote = self.remote().map_err(|why| {
            if let Source::Oci(reference) = source
                && content.is_none()
                && reference.digest.is_none()
            {
                return format!(
                    "what {source} means is not known here, and {why}: name it by its digest, oci://…@sha256:…, which \
                     `plimsoll plugin load` prints, or bring the plimsoll.lock that says it"
                );
            }
            let ids: Vec<&str> = keys.iter().map(|key| key.id().as_str()).collect();
            let lacks = match known(&[]) {
                Some(_) => format!("no signature of it by the key {} is on this machine", ids.join(" and ")),
                None => "it is not on this machine".to_owned(),
            };
            format!("{source}: {lacks}, and {why}: bring it with `plimsoll plugin load`")
        })?;
        distribution::pull(remote, self.shelf(), source, content, expected, keys)
    }

    /// The component that a record speaks of, if it is here and signed by all these keys; nobody is asked.
    pub(super) fn kept(&self, source: &Source, record: &Record, keys: &[Key]) -> Option<Component> {
        if keys.is_empty() {
            return self.shelf()?.component(&record.component);
        }
        let pulled = distribution::known(self.shelf()?, source, Some(&record.content), keys)?;
        (*pulled.component.digest() == record.component).then_some(pulled.component)
    }

    /// The component that was agreed to; all these keys must have signed what the source means.
    pub(super) fn component(
        &self,
        source: &Source,
        agreed: &Digest,
        record: Option<&Record>,
        lock: &std::path::Path,
        keys: &[Key],
    ) -> Result<Component, String> {
        // Keys sign manifests: where they count, the way to the component goes by one.
        if keys.is_empty()
            && let Some(component) = self.shelf.as_ref().and_then(|shelf| shelf.component(agreed))
        {
            return Ok(component);
        }
        let content = match (record, source) {
            (Some(record), _) => Some(&record.content),
            (None, Source::Web(_)) => Some(agreed),
            (None, Source::Oci(reference)) if reference.digest.is_some() => None,
            (None, Source::Oci(_)) => {
                let lock = lock.display();
                return Err(format!("{lock} does not say what {source} means: run `plimsoll plugin add {source}`"));
            }
        };
        let expected = Expected { component: agreed, whose: "you agreed to" };
        Ok(self.pull(source, content, Some(expected), keys)?.component)
    }

    /// What is to be said of a plugin that floats, where its source means something else by now.
    pub(super) fn drift(&self, name: &str, source: &Source, record: &Record) -> Option<String> {
        let Source::Oci(reference) = source else { return None };
        if record.policy == Policy::Pin || reference.digest.is_some() || self.is_offline {
            return None;
        }
        let remote = self.hasty.get_or_init(|| Ok(self.make_remote()?.within(FLOAT_TIMEOUT))).as_ref().ok()?;
        match remote.manifest(reference) {
            Ok(now) if now.digest == record.content.as_str() => None,
            Ok(now) => Some(format!(
                "plugin {name}: {source} has moved to {}; `plimsoll plugin update {name}` takes it over",
                now.digest
            )),
            Err(failure) => Some(format!("plugin {name}: whether {source} has moved is not known: {}", failure.detail)),
        }
    }
}

/// How a place is shown to people.
pub(super) fn shown(place: &Place) -> String {
    match place {
        Place::Path(path) => path.display().to_string(),
        Place::Source(source) => source.to_string(),
    }
}
