//! The lookup itself: helpers of `registries.conf` and files in order, helper answers kept for the run.
//!
//! Within a file: the helper for the registry, then written credentials, then the helper for all. The first that has
//! credentials wins. A file that cannot be read ends the search in files, because what it hides may come first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::file::{File, Place, places};
use super::helper::{self, Cancel};
use super::key::Key;
use super::{Credentials, Lookup, Problem};
use crate::config::{CREDENTIAL_FILES, Loaded};
use crate::environment::Environment;

type HelperAnswer = Result<Option<Credentials>, Problem>;

/// Finds credentials and remembers what helpers said, so that each is run once per registry.
#[derive(Debug)]
pub(crate) struct Store {
    config: Arc<Loaded>,
    answers: Mutex<HashMap<(String, String), (Instant, HelperAnswer)>>,
}

impl Store {
    pub fn new(config: Arc<Loaded>) -> Self {
        Self { config, answers: Mutex::default() }
    }

    pub fn environment(&self) -> &Environment {
        &self.config.environment
    }

    /// Forgets what helpers said before `moment`; files are read anew each time.
    pub fn forget(&self, moment: Instant) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, (when, _)| *when >= moment);
    }

    /// Looks `key` up; blocks on files and helpers.
    pub fn find(&self, key: &str, cancel: &Cancel) -> Result<Lookup, Problem> {
        let key = Key::new(key)?;
        let registries = self.config.registries().map_err(|problem| Problem(problem.to_string()))?;
        let places = places(self.environment());
        let files: Vec<PathBuf> = places.iter().map(|place| place.path.clone()).collect();
        let mut problem = None;
        for helper in registries.credential_helpers() {
            let found = match helper.as_str() {
                CREDENTIAL_FILES => self.find_in_files(&places, key, cancel),
                helper => match registries.credential_helpers_distrusted() {
                    Some(file) => Err(refused(helper, file)),
                    None => self.ask(helper, key, registries.origin(), cancel),
                },
            };
            match found {
                Ok(None) => {}
                Ok(credentials) => return Ok(Lookup { credentials, files }),
                Err(first) => problem = problem.or(Some(first)),
            }
        }
        problem.map_or(Ok(Lookup { credentials: None, files }), Err)
    }

    fn find_in_files(&self, places: &[Place], key: Key<'_>, cancel: &Cancel) -> HelperAnswer {
        for place in places {
            if let Some(credentials) = self.find_in(place, key, cancel)? {
                return Ok(Some(credentials));
            }
        }
        Ok(None)
    }

    fn find_in(&self, place: &Place, key: Key<'_>, cancel: &Cancel) -> HelperAnswer {
        let Some(file) = File::read(place, self.environment())? else {
            return Ok(None);
        };
        let ask = |helper: &str| match self.environment().distrusts(&place.path) {
            true => Err(refused(helper, &self.environment().display(&place.path))),
            false => self.ask(helper, key, &place.path, cancel),
        };
        if let Some(helper) = file.helper(key) {
            return ask(helper);
        }
        if let Some(credentials) = file.credentials(key, place, self.environment())? {
            return Ok(Some(credentials));
        }
        file.store().map_or(Ok(None), ask)
    }

    fn ask(&self, helper: &str, key: Key<'_>, source: &Path, cancel: &Cancel) -> HelperAnswer {
        for server in key.helper_names() {
            if let Some(credentials) = self.ask_once(helper, server, source, cancel)? {
                return Ok(Some(credentials));
            }
        }
        Ok(None)
    }

    /// One helper at a time: concurrent callers want the same answer more often than not.
    fn ask_once(&self, helper: &str, server: &str, source: &Path, cancel: &Cancel) -> HelperAnswer {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let question = (helper.to_owned(), server.to_owned());
        if let Some((_, answer)) = answers.get(&question) {
            return answer.clone();
        }
        let answer = helper::get(self.environment(), helper, server, source, cancel);
        if !cancel.is_cancelled() {
            answers.insert(question, (Instant::now(), answer.clone()));
        }
        answer
    }
}

fn refused(helper: &str, file: &str) -> Problem {
    Problem(format!("docker-credential-{helper} runs only where the user's own settings name {file}"))
}
