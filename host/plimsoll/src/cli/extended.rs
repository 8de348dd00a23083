//! What configuration extends in registries: by the lock's word, from the shelf, else
//! from the registry.
//!
//! Input: files of configuration, and a lock. Output: the files with what they extend.
//! Invariant: a run takes nothing by a name that can move; only who writes the lock asks
//! what one means.

use std::path::Path;

use anyhow::{anyhow, bail, ensure};

use super::configured::Configured;
use super::supply::Supply;
use crate::config::{Digest, Source, Texts, Whose, fits};
use crate::distribution::{configuration_content, kept_configuration, pull_configuration};
use crate::limits::{EXTENDS_DEPTH_MAX, EXTENDS_MAX};
use crate::lock::Lock;

/// What a lock pins, and whether it may learn.
pub(super) struct Pinned<'p> {
    pub(super) lock: &'p Lock,
    pub(super) path: &'p Path,
    /// Whether what the lock does not say is asked, and patterns of what is asked anew.
    pub(super) learns: Option<&'p [String]>,
}

impl Pinned<'_> {
    /// Reads the files with what they extend in registries, and says what each of that means.
    ///
    /// # Errors
    /// When something is not pinned, cannot be had, or does not hold up.
    pub(super) fn extend(
        &self,
        configured: &mut Configured,
        supply: &Supply,
        here: &Path,
    ) -> anyhow::Result<Vec<(Source, Digest)>> {
        let (mut texts, mut learnt) = (Texts::new(), Vec::new());
        // What is extended may extend more.
        for _ in 0..=EXTENDS_DEPTH_MAX {
            let unread = configured.unread(&texts);
            if unread.is_empty() {
                return Ok(learnt);
            }
            for (whose, source) in unread {
                if texts.contains_key(&source.to_string()) {
                    continue;
                }
                ensure!(texts.len() < EXTENDS_MAX, "extends: more than {EXTENDS_MAX} artifacts all in all");
                let (content, text) = self.text(whose, &source, supply)?;
                texts.insert(source.to_string(), text);
                let is_named = matches!(&source, Source::Oci(reference) if reference.digest.is_some());
                learnt.extend((whose == Whose::Tree && !is_named).then_some((source, content)));
            }
            configured.learn(&texts, here)?;
        }
        bail!("extends: the chain of artifacts is longer than {EXTENDS_DEPTH_MAX}")
    }

    fn text(&self, whose: Whose, source: &Source, supply: &Supply) -> anyhow::Result<(Digest, String)> {
        let told = |why: String| anyhow!("extends {source}: {why}");
        let Source::Oci(reference) = source else { bail!("extends {source}: only files and oci:// are extended") };
        let known = match whose {
            Whose::Tree => configuration_content(self.lock, source).map_err(told)?,
            // The lock of a tree is no word of the user's.
            Whose::User => configuration_content(&Lock::default(), source).map_err(told)?,
        };
        let is_anew = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, &source.to_string()));
        let is_learning = whose == Whose::Tree && self.learns.is_some();
        let content =
            known.filter(|_| reference.digest.is_some() || !(is_learning && self.learns.is_some_and(is_anew)));
        match (&content, whose) {
            (None, Whose::User) => bail!("extends {source}: your own file names it by its digest, oci://…@sha256:…"),
            (None, Whose::Tree) if !is_learning => {
                bail!("extends {source}: {} does not say what it means: run `plimsoll lock`", self.path.display())
            }
            _ => {}
        }
        if let Some((content, shelf)) = content.as_ref().zip(supply.shelf())
            && let Some(text) = kept_configuration(shelf, content)
        {
            return Ok((content.clone(), text));
        }
        let remote = supply.remote().map_err(|why| told(format!("it is not on this machine, and {why}")))?;
        pull_configuration(remote, supply.shelf(), reference, content.as_ref()).map_err(told)
    }
}
