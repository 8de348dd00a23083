//! Names, interned: those of the platform arguments, which every file has, and those that a file brings.
//!
//! Characters → a [`Name`], equal for equal characters. A file's first names are compared one by one; more
//! of them are hashed.

use std::hash::BuildHasher;

use super::{NONE, Name, Scopes};
use crate::platform::{Platform, UNKNOWN};
use crate::span::{Span, offset};

impl Scopes {
    /// Gives a platform argument its value.
    pub fn seed(&mut self, number: usize, value: &str) {
        self.platform[number] = self.keep(value);
    }

    /// Gives the five arguments of a platform their values; `complete` is the text with version and features
    /// of the operating system.
    pub fn seed_platform(&mut self, first: usize, platform: &Platform, complete: bool) {
        let Platform { os, architecture, variant, os_version, os_features } = platform;
        let start = self.arena.len();
        let [system, architecture, variant] = [os, architecture, variant].map(|part| {
            if !part.is_empty() && self.arena.len() > start {
                self.arena.push('/');
            }
            self.keep(part)
        });
        let text = if complete && !(os_version.is_empty() && os_features.is_empty()) {
            self.keep(&platform.to_string())
        } else if os.is_empty() {
            self.keep(UNKNOWN)
        } else {
            Span::new(offset(start), offset(self.arena.len()))
        };
        let version = self.keep(os_version);
        self.platform[first..first + 5].copy_from_slice(&[text, system, version, architecture, variant]);
    }

    /// The interned form of a name.
    pub fn intern(&mut self, name: &str) -> Name {
        match self.known(name) {
            Ok(name) => name,
            Err(hash) => {
                let span = self.keep(name);
                self.add(span, hash)
            }
        }
    }

    /// The interned form of a name that is a value.
    pub fn intern_kept(&mut self, name: Span) -> Name {
        self.known(self.text(name)).unwrap_or_else(|hash| self.add(name, hash))
    }

    /// The name of these characters, or else their hash, if names have any.
    pub(super) fn known(&self, name: &str) -> Result<Name, u64> {
        if let Some(number) = platform_argument(name) {
            return Ok(Name(number));
        }
        if self.places.is_empty() {
            let is_it = |known: &Span| known.len() as usize == name.len() && self.text(*known) == name;
            let found = self.names.iter().position(is_it);
            return found.map(|number| Name(FIRST + offset(number))).ok_or(0);
        }
        let hash = self.hasher.hash_one(name);
        self.placed(hash, name).ok_or(hash)
    }

    fn add(&mut self, name: Span, hash: u64) -> Name {
        let id = offset(self.names.len());
        self.bytes += name.len() as usize;
        self.names.push(name);
        // At most half of the places are taken.
        if self.names.len() > FEW.max(self.places.len() / 2) {
            self.grow();
        } else if !self.places.is_empty() {
            let place = self.free(hash);
            self.places[place] = id;
        }
        Name(FIRST + id)
    }

    /// The name of these characters among the places.
    fn placed(&self, hash: u64, name: &str) -> Option<Name> {
        let mask = self.places.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            match self.places[place] {
                NONE => return None,
                id if self.text(self.names[id as usize]) == name => return Some(Name(FIRST + id)),
                _ => place = (place + 1) & mask,
            }
        }
    }

    /// The place of a name that has none yet.
    fn free(&self, hash: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut place = hash as usize & mask;
        while self.places[place] != NONE {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        self.places = vec![NONE; (self.names.len() * 4).next_power_of_two()];
        for (id, name) in self.names.iter().enumerate() {
            let place = self.free(self.hasher.hash_one(self.text(*name)));
            self.places[place] = offset(id);
        }
    }

    /// The characters of a name.
    pub fn name(&self, name: Name) -> &str {
        match PLATFORM_ARGUMENTS.get(name.0 as usize) {
            Some(name) => name,
            None => self.names.get((name.0 - FIRST) as usize).map_or("", |span| self.text(*span)),
        }
    }
}

/// The arguments that exist without being declared, in BuildKit's order.
pub(in crate::model) const PLATFORM_ARGUMENTS: [&str; 11] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

/// Where those of the two platforms begin, in equal order, and that of the stage.
pub(in crate::model) const BUILD_ARGUMENTS: usize = 0;
pub(in crate::model) const TARGET_ARGUMENTS: usize = 5;
pub(in crate::model) const TARGET_STAGE: usize = 10;

/// The number of the first name that the file brings.
pub(super) const FIRST: u32 = PLATFORM_ARGUMENTS.len() as u32;

fn platform_argument(name: &str) -> Option<u32> {
    let like = name.starts_with("BUILD") || name.starts_with("TARGET");
    if like { PLATFORM_ARGUMENTS.iter().position(|known| *known == name).map(offset) } else { None }
}

/// So many names are compared one by one; beyond that they are hashed.
pub(super) const FEW: usize = 16;
