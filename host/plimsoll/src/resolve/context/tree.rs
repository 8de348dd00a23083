//! The files of a build context, as the build would see them.
//!
//! Input: the root folder, its ignore file, paths and patterns. Output: what
//! stands there. Invariants: a path is walked name by name below the root, and
//! links are read as if the root were that of the machine, so that neither `..`
//! nor a link leads out; what is ignored is not there; nothing but a regular
//! file is opened; and a question costs no more than its limits and deadline.

use std::collections::VecDeque;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::Instant;

use plimsoll_dockerfile::ignore::{self, Matcher};

use super::failure;
use super::glob::{Glob, is_pattern};
use crate::limits::{
    CONTEXT_ENTRIES_MAX, CONTEXT_FILE_BYTES_MAX, CONTEXT_LINKS_MAX, CONTEXT_PATHS_MAX, CONTEXT_TEXT_BYTES_MAX,
    IGNORE_WORK_MAX,
};
use crate::question::{Algorithm, ContextFile, Failure, FileKind, Matches, SkipReason};
use crate::resolve::checksum::Checksum;

/// A build context, for one question.
pub(super) struct Tree<'m> {
    root: PathBuf,
    /// Whether links lead nowhere.
    bars_links: bool,
    matcher: &'m Matcher,
    /// Bytes of its patterns.
    pattern_bytes: usize,
    deadline: Instant,
    /// Entries looked at so far.
    entries: usize,
    /// Bytes of patterns times bytes of paths, so far.
    work: usize,
    /// Paths that are still to be listed.
    room: usize,
}

/// What a path leads to.
struct Found {
    /// Its names, links resolved.
    names: Vec<String>,
    metadata: Metadata,
}

impl<'m> Tree<'m> {
    pub(super) fn new(
        root: PathBuf,
        bars_links: bool,
        matcher: &'m Matcher,
        pattern_bytes: usize,
        deadline: Instant,
    ) -> Self {
        Self { root, bars_links, matcher, pattern_bytes, deadline, entries: 0, work: 0, room: CONTEXT_PATHS_MAX }
    }

    /// The paths that a source of ADD or COPY matches.
    pub(super) fn matches(&mut self, source: &str) -> Result<Matches, Failure> {
        let names = names_of(source);
        let literal = names.iter().take_while(|name| !is_pattern(name)).count();
        let mut paths = Vec::new();
        let start = names[..literal].join("/");
        let found = self.find(&start)?;
        let mut is_complete = true;
        match found {
            Some(_) if literal == names.len() => is_complete = self.list(&mut paths, &start),
            Some(found) if found.metadata.is_dir() => {
                let globs: Vec<Glob> = names[literal..].iter().map(|name| Glob::new(name)).collect();
                is_complete = self.walk(&found.names, &names[..literal], &globs, &mut paths)?;
            }
            _ => {}
        }
        paths.sort();
        Ok(Matches { paths, is_complete })
    }

    /// What stands at a path.
    pub(super) fn file(&mut self, path: &str) -> Result<Option<ContextFile>, Failure> {
        let Some(found) = self.find(&names_of(path).join("/"))? else { return Ok(None) };
        let kind = kind_of(found.metadata.file_type());
        if kind != FileKind::File {
            return Ok(Some(ContextFile { kind, size: 0, checksum: None }));
        }
        let (mut checksum, mut size) = (Checksum::new(Algorithm::Sha256), 0);
        self.read(&found, path, CONTEXT_FILE_BYTES_MAX, |piece| {
            checksum.update(piece);
            size += piece.len() as u64;
        })?;
        Ok(Some(ContextFile { kind, size, checksum: Some(checksum.digest()) }))
    }

    /// The text of a regular file.
    pub(super) fn text(&mut self, path: &str) -> Result<Option<String>, Failure> {
        let found = self.find(&names_of(path).join("/"))?;
        let Some(found) = found.filter(|found| found.metadata.is_file()) else { return Ok(None) };
        let mut bytes = Vec::new();
        self.read(&found, path, CONTEXT_TEXT_BYTES_MAX, |piece| bytes.extend_from_slice(piece))?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Walks a path from the root, links and all; nothing where the build would
    /// find nothing.
    fn find(&mut self, path: &str) -> Result<Option<Found>, Failure> {
        let mut ahead: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let (mut names, mut links) = (Vec::new(), 0);
        let mut metadata = self.look(&names)?;
        while let Some(name) = ahead.pop_front() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    names.pop();
                    metadata = self.look(&names)?;
                    continue;
                }
                _ => {}
            }
            if !metadata.as_ref().is_some_and(Metadata::is_dir) {
                return Ok(None);
            }
            names.push(name);
            metadata = self.look(&names)?;
            let Some(known) = &metadata else { return Ok(None) };
            if known.is_symlink() {
                links += 1;
                if self.bars_links || links > CONTEXT_LINKS_MAX || !self.is_sent(&names, false)? {
                    return Ok(None);
                }
                let target = fs::read_link(self.place(&names)).map_err(|error| unreadable(path, &error))?;
                let target = target.to_string_lossy().into_owned();
                names.pop();
                if target.starts_with('/') {
                    names.clear();
                }
                target.split('/').rev().for_each(|name| ahead.push_front(name.to_owned()));
                metadata = self.look(&names)?;
            }
        }
        let Some(metadata) = metadata else { return Ok(None) };
        let is_sent = self.is_sent(&names, metadata.is_dir())?;
        Ok(is_sent.then_some(Found { names, metadata }))
    }

    /// Adds what the patterns match below a folder. Links on the way are not followed, as in the build.
    fn walk(
        &mut self,
        folder: &[String],
        shown: &[String],
        globs: &[Glob],
        paths: &mut Vec<String>,
    ) -> Result<bool, Failure> {
        let Some((glob, rest)) = globs.split_first() else { return Ok(true) };
        let mut is_complete = true;
        for (name, kind) in self.entries_of(folder)? {
            if !glob.matches(&name) {
                continue;
            }
            let below = [folder, std::slice::from_ref(&name)].concat();
            let shown = [shown, std::slice::from_ref(&name)].concat();
            if rest.is_empty() {
                if self.is_sent(&below, kind.is_dir())? {
                    is_complete &= self.list(paths, &shown.join("/"));
                }
            } else if kind.is_dir() {
                is_complete &= self.walk(&below, &shown, rest, paths)?;
            }
            if !is_complete {
                break;
            }
        }
        Ok(is_complete)
    }

    /// Notes a path if there is room.
    fn list(&mut self, paths: &mut Vec<String>, path: &str) -> bool {
        if self.room == 0 {
            return false;
        }
        self.room -= 1;
        paths.push(if path.is_empty() { ".".to_owned() } else { path.to_owned() });
        true
    }

    /// Whether the build gets to see a path: it is not ignored, or is a folder with something in it that is not.
    fn is_sent(&mut self, names: &[String], is_folder: bool) -> Result<bool, Failure> {
        let path = names.join("/");
        self.work = self.work.saturating_add(self.pattern_bytes.saturating_mul(path.len()));
        if self.work > IGNORE_WORK_MAX {
            return Err(failure("the patterns of the ignore file are too much to hold the context against".to_owned()));
        }
        if names.is_empty() || !self.matcher.is_ignored(&path) {
            return Ok(true);
        }
        if !is_folder || !self.matcher.has_exclusions() {
            return Ok(false);
        }
        for (name, kind) in self.entries_of(names)? {
            if self.is_sent(&[names, &[name]].concat(), kind.is_dir())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The names in a folder, with what they are; those that are no text are left out.
    fn entries_of(&mut self, folder: &[String]) -> Result<Vec<(String, FileType)>, Failure> {
        let unreadable = |error: io::Error| unreadable(&folder.join("/"), &error);
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.place(folder)).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            self.spend()?;
            if let Ok(name) = entry.file_name().into_string() {
                entries.push((name, entry.file_type().map_err(unreadable)?));
            }
        }
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(entries)
    }

    /// What stands at a place, links not followed; the root is what it leads to.
    fn look(&mut self, names: &[String]) -> Result<Option<Metadata>, Failure> {
        self.spend()?;
        let place = self.place(names);
        let looked = if names.is_empty() { fs::metadata(place) } else { fs::symlink_metadata(place) };
        match looked {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            // A name that is too long or odd is no name of a file.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput) => {
                Ok(None)
            }
            Err(error) => Err(unreadable(&names.join("/"), &error)),
        }
    }

    fn read(&self, found: &Found, path: &str, bytes_max: u64, mut take: impl FnMut(&[u8])) -> Result<(), Failure> {
        let unreadable = |error: io::Error| unreadable(path, &error);
        let too_large = || failure(format!("{path} is larger than the {} MiB that are read", bytes_max >> 20));
        if found.metadata.len() > bytes_max {
            return Err(too_large());
        }
        let mut file = File::open(self.place(&found.names)).map_err(unreadable)?;
        let (mut buffer, mut read) = (vec![0; BUFFER_BYTES], 0);
        loop {
            self.check_deadline()?;
            let length = file.read(&mut buffer).map_err(unreadable)?;
            read += length as u64;
            if read > bytes_max {
                return Err(too_large());
            }
            if length == 0 {
                return Ok(());
            }
            take(&buffer[..length]);
        }
    }

    fn place(&self, names: &[String]) -> PathBuf {
        let mut place = self.root.clone();
        place.extend(names);
        place
    }

    fn spend(&mut self) -> Result<(), Failure> {
        self.entries += 1;
        if self.entries > CONTEXT_ENTRIES_MAX {
            let detail = format!("the context has more than the {CONTEXT_ENTRIES_MAX} entries that are looked at");
            return Err(failure(detail));
        }
        self.check_deadline()
    }

    fn check_deadline(&self) -> Result<(), Failure> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        let detail = "the build context was not read in time".to_owned();
        Err(Failure { reason: SkipReason::Timeout, detail })
    }
}

/// The names of a source, from the root of the context on.
fn names_of(source: &str) -> Vec<String> {
    let cleaned = ignore::clean(&format!("/{source}"));
    cleaned.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn kind_of(kind: FileType) -> FileKind {
    match kind {
        kind if kind.is_file() => FileKind::File,
        kind if kind.is_dir() => FileKind::Folder,
        _ => FileKind::Other,
    }
}

fn unreadable(path: &str, error: &io::Error) -> Failure {
    failure(format!("{path} in the build context cannot be read: {error}"))
}

/// How much of a file is read at a time.
const BUFFER_BYTES: usize = 64 << 10;
