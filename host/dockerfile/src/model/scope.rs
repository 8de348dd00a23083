//! Environments: which name has which value at which point of the file.
//!
//! A [`Scope`] is a value: setting a name gives a new one, and the old one stays valid. That makes
//! inheriting from a stage and remembering the scope of every variable free of cost. What was set last is
//! found by going back; what lies further back than a few assignments stands in an index, so that looking
//! up and setting take time logarithmic in the number of names of the file. Most files need no index.

use std::hash::BuildHasher;

use crate::expand::Env;
use crate::platform::Platform;
use crate::span::{Span, offset};

/// A name of the file, interned. The first ones are the platform arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(u32);

/// An environment at one point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    root: u32,
    height: u32,
    /// The last assignment.
    last: u32,
    /// How many assignments, from the last one back, are not in the index.
    recent: u32,
    /// The last name that entered the configuration of the image.
    image: u32,
    /// Whether it began with the platform arguments.
    seeded: bool,
}

/// All environments of one model, and the characters of all its values.
#[derive(Clone, Debug, Default)]
pub(super) struct Scopes {
    /// Names by hash, once there are more than a few: a table with free places, in which a name stands at
    /// its hash or behind it.
    places: Vec<u32>,
    hasher: foldhash::fast::RandomState,
    names: Vec<Span>,
    arena: String,
    links: Vec<Link>,
    nodes: Vec<[u32; FAN_OUT]>,
    image_names: Vec<(u32, Name)>,
    /// The values of the platform arguments.
    platform: [Span; PLATFORM_ARGUMENTS.len()],
    /// Bytes of names and of values that names are set to.
    bytes: usize,
}

/// What is known of one name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    /// The value in force.
    pub value: Option<Assigned>,
    /// The value in the configuration of the image: `ENV` sets it, `ARG` does not.
    pub image: Option<Assigned>,
    /// Whether an `ARG` declares it.
    pub declared: bool,
}

/// A value, and whether it depends on nothing that is unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assigned {
    text: Span,
    pub exact: bool,
}

/// One link of the history of a scope.
#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    name: Name,
    entry: Entry,
    kind: Assignment,
}

#[derive(Clone, Copy, Debug)]
enum Assignment {
    Set,
    /// `ARG` without a value.
    Declare,
    /// What is known of a name has changed, but nobody has set it here.
    Change,
    /// A stage that builds upon another sets the image's environment again, up to this name.
    Restore(u32),
}

/// A scope as the lexer sees it.
pub(super) struct View<'a> {
    pub scopes: &'a Scopes,
    pub scope: Scope,
}

impl Scope {
    /// The environment without names.
    pub const EMPTY: Self = Self { root: NONE, height: 0, last: NONE, recent: 0, image: NONE, seeded: false };

    /// The environment of the platform arguments.
    pub const SEEDED: Self = Self { seeded: true, ..Self::EMPTY };
}

impl Scopes {
    /// No environment yet, with room for those of a usual file of so many instructions and bytes.
    pub fn new(instructions: usize, bytes: usize) -> Self {
        Self {
            names: Vec::with_capacity(FEW),
            arena: String::with_capacity((bytes / 4).min(ARENA_BYTES_FIRST) + ARENA_BYTES_MORE),
            links: Vec::with_capacity(instructions + LINKS_MORE),
            ..Self::default()
        }
    }

    /// Gives a platform argument its value.
    pub fn seed(&mut self, number: usize, value: &str) {
        self.platform[number] = self.keep(value);
    }

    /// Gives the five arguments of a platform their values; `complete` is the text with version and features
    /// of the operating system.
    pub fn seed_platform(&mut self, first: usize, platform: &Platform, complete: bool) {
        let start = offset(self.arena.len());
        platform.write_without_version(&mut self.arena);
        let whole = Span::new(start, offset(self.arena.len()));
        let Platform { os, architecture, variant, os_version, os_features } = platform;
        let parts: [&str; 5] = ["", os, os_version, architecture, variant];
        for (part, place) in parts.into_iter().zip(&mut self.platform[first..]).skip(1) {
            let at = offset(self.arena.len());
            self.arena.push_str(part);
            *place = Span::new(at, offset(self.arena.len()));
        }
        let plain = !complete || (os_version.is_empty() && os_features.is_empty());
        self.platform[first] = if plain { whole } else { self.keep(&platform.to_string()) };
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
    fn known(&self, name: &str) -> Result<Name, u64> {
        if let Some(number) = platform_argument(name) {
            return Ok(Name(number));
        }
        if self.places.is_empty() {
            let found = self.names.iter().position(|known| self.text(*known) == name);
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

    /// What is known of a name.
    pub fn entry(&self, scope: Scope, name: Name) -> Entry {
        let mut at = scope.last;
        for _ in 0..scope.recent {
            let link = &self.links[at as usize];
            if link.name == name {
                return link.entry;
            }
            at = link.before;
        }
        if scope.root != NONE
            && let Some(link) = self.indexed(scope, name)
        {
            return self.links[link as usize].entry;
        }
        match self.platform.get(name.0 as usize) {
            Some(text) if scope.seeded => {
                Entry { value: Some(Assigned { text: *text, exact: true }), ..Entry::default() }
            }
            _ => Entry::default(),
        }
    }

    /// The last assignment to a name in the index.
    fn indexed(&self, scope: Scope, name: Name) -> Option<u32> {
        if u64::from(name.0) >= capacity(scope.height) {
            return None;
        }
        let mut node = scope.root;
        for level in (0..scope.height).rev() {
            node = self.nodes[node as usize][slot(name, level)];
            if node == NONE {
                return None;
            }
        }
        Some(node)
    }

    /// What is known of a name by its characters.
    pub fn find(&self, scope: Scope, name: &str) -> Entry {
        self.known(name).map_or_else(|_| Entry::default(), |name| self.entry(scope, name))
    }

    /// Sets a name as `ARG` does: visible to what follows, not part of the image.
    pub fn set(&mut self, scope: Scope, name: Name, value: Assigned) -> Scope {
        let entry = Entry { value: Some(value), ..self.entry(scope, name) };
        self.link(scope, name, entry, Assignment::Set)
    }

    /// Sets a name as `ENV` does: visible, and part of the image.
    pub fn set_image(&mut self, scope: Scope, name: Name, value: Assigned) -> Scope {
        let old = self.entry(scope, name);
        let entry = Entry { value: Some(value), image: Some(value), ..old };
        let mut scope = self.link(scope, name, entry, Assignment::Set);
        if old.image.is_none() {
            self.image_names.push((scope.image, name));
            scope.image = offset(self.image_names.len() - 1);
        }
        scope
    }

    /// Declares a name as `ARG` without a value does.
    pub fn declare(&mut self, scope: Scope, name: Name) -> Scope {
        let old = self.entry(scope, name);
        if old.declared {
            return scope;
        }
        self.link(scope, name, Entry { declared: true, ..old }, Assignment::Declare)
    }

    /// Takes a name away.
    pub fn unset(&mut self, scope: Scope, name: Name) -> Scope {
        if self.entry(scope, name).value.is_none() {
            return scope;
        }
        self.link(scope, name, Entry::default(), Assignment::Change)
    }

    /// What a stage that builds upon this one starts with: `ENV` counts again where an `ARG` in
    /// `shadowed` hid it.
    pub fn inherit(&mut self, mut scope: Scope, shadowed: &[Name]) -> Scope {
        for name in shadowed {
            let entry = self.entry(scope, *name);
            if entry.image.is_some() {
                scope = self.link(scope, *name, Entry { value: entry.image, ..entry }, Assignment::Change);
            }
        }
        scope = self.link(scope, NO_NAME, Entry::default(), Assignment::Restore(scope.image));
        // Many stages may start from here, and none of them is to do again what can be done once.
        if scope.recent > RECENT_MAX / 2 { self.index(scope) } else { scope }
    }

    /// The names that are set, in the order of their last assignment; `declared` adds those of
    /// `ARG`s without a value behind them.
    pub fn visible(&self, scope: Scope, declared: bool) -> Vec<&str> {
        let mut seen = vec![false; FIRST as usize + self.names.len()];
        let (mut names, mut only_declared) = (Vec::new(), Vec::new());
        let mut add = |names: &mut Vec<Name>, name: Name| {
            if !std::mem::replace(&mut seen[name.0 as usize], true) {
                names.push(name);
            }
        };
        let (mut at, mut restored) = (scope.last, false);
        while let Some(link) = self.links.get(at as usize) {
            match link.kind {
                Assignment::Set => add(&mut names, link.name),
                Assignment::Declare => only_declared.push(link.name),
                Assignment::Change => {}
                Assignment::Restore(image) => {
                    // An earlier restoration holds no name that the latest does not hold.
                    let mut image = if std::mem::replace(&mut restored, true) { NONE } else { image };
                    while let Some((next, name)) = self.image_names.get(image as usize) {
                        add(&mut names, *name);
                        image = *next;
                    }
                }
            }
            at = link.before;
        }
        let seeds = if scope.seeded { FIRST } else { 0 };
        (0..seeds).rev().for_each(|number| add(&mut names, Name(number)));
        names.reverse();
        if declared {
            only_declared.reverse();
            for name in only_declared {
                add(&mut names, name);
            }
        }
        // A name may have been taken away since.
        let there = |name: &Name| {
            let entry = self.entry(scope, *name);
            entry.value.is_some() || entry.declared
        };
        names.into_iter().filter(there).map(|name| self.name(name)).collect()
    }

    /// A value that names can be set to.
    pub fn assigned(&mut self, value: &str, exact: bool) -> Assigned {
        let text = self.keep(value);
        self.assigned_kept(text, exact)
    }

    /// The same of characters that are kept already.
    pub fn assigned_kept(&mut self, text: Span, exact: bool) -> Assigned {
        self.bytes += text.len() as usize;
        Assigned { text, exact }
    }

    /// The characters of a value.
    pub fn value(&self, value: Assigned) -> &str {
        self.text(value.text)
    }

    /// Bytes that names and values take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps characters.
    pub fn keep(&mut self, text: &str) -> Span {
        let start = offset(self.arena.len());
        self.arena.push_str(text);
        Span::new(start, offset(self.arena.len()))
    }

    /// Characters that are kept.
    pub fn text(&self, span: Span) -> &str {
        self.arena.get(span.range()).unwrap_or_default()
    }

    fn link(&mut self, mut scope: Scope, name: Name, entry: Entry, kind: Assignment) -> Scope {
        self.links.push(Link { before: scope.last, name, entry, kind });
        scope.last = offset(self.links.len() - 1);
        scope.recent += 1;
        if scope.recent > RECENT_MAX { self.index(scope) } else { scope }
    }

    /// Puts what was assigned last into the index.
    fn index(&mut self, mut scope: Scope) -> Scope {
        let mut recent = [NONE; RECENT_MAX as usize + 1];
        let mut at = scope.last;
        for place in recent.iter_mut().take(scope.recent as usize) {
            *place = at;
            at = self.links[at as usize].before;
        }
        for link in recent.into_iter().take(scope.recent as usize).rev() {
            let name = self.links[link as usize].name;
            if name != NO_NAME {
                scope = self.stored(scope, name, link);
            }
        }
        Scope { recent: 0, ..scope }
    }

    fn stored(&mut self, mut scope: Scope, name: Name, link: u32) -> Scope {
        while u64::from(name.0) >= capacity(scope.height) {
            scope.root = if scope.root == NONE { NONE } else { self.node(NONE, 0, scope.root) };
            scope.height += 1;
        }
        let mut child = link;
        // The nodes on the way down, so that the new ones can be built on the way up.
        let mut way = [NONE; HEIGHT_MAX];
        let mut node = scope.root;
        for level in (0..scope.height).rev() {
            way[level as usize] = node;
            node = self.nodes.get(node as usize).map_or(NONE, |children| children[slot(name, level)]);
        }
        for level in 0..scope.height {
            child = self.node(way[level as usize], slot(name, level), child);
        }
        scope.root = child;
        scope
    }

    /// A copy of a node with one child replaced.
    fn node(&mut self, old: u32, slot: usize, child: u32) -> u32 {
        let mut children = self.nodes.get(old as usize).copied().unwrap_or([NONE; FAN_OUT]);
        children[slot] = child;
        self.nodes.push(children);
        offset(self.nodes.len() - 1)
    }
}

impl Env for View<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.scopes.find(self.scope, name).value.map(|value| self.scopes.value(value))
    }
}

const NONE: u32 = u32::MAX;

/// What belongs to no name.
const NO_NAME: Name = Name(NONE);

/// The arguments that exist without being declared, in BuildKit's order.
pub(super) const PLATFORM_ARGUMENTS: [&str; 11] = [
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
pub(super) const BUILD_ARGUMENTS: usize = 0;
pub(super) const TARGET_ARGUMENTS: usize = 5;
pub(super) const TARGET_STAGE: usize = 10;

/// The number of the first name that the file brings.
const FIRST: u32 = PLATFORM_ARGUMENTS.len() as u32;

fn platform_argument(name: &str) -> Option<u32> {
    let like = name.starts_with("BUILD") || name.starts_with("TARGET");
    if like { PLATFORM_ARGUMENTS.iter().position(|known| *known == name).map(offset) } else { None }
}

/// Room for names and values to begin with, unless a fourth of the file is less, and what is added to it.
const ARENA_BYTES_FIRST: usize = 64 * 1024;
const ARENA_BYTES_MORE: usize = 256;

/// Room for assignments beyond one for each instruction.
const LINKS_MORE: usize = 4;

/// So many names are compared one by one; beyond that they are hashed.
const FEW: usize = 16;

/// So many assignments are gone through one by one; beyond that they are indexed.
const RECENT_MAX: u32 = 24;

const FAN_OUT: usize = 16;
const FAN_OUT_BITS: u32 = 4;

/// Enough levels for every `u32`.
const HEIGHT_MAX: usize = 8;

fn capacity(height: u32) -> u64 {
    if height == 0 { 0 } else { 1 << (FAN_OUT_BITS * height) }
}

fn slot(name: Name, level: u32) -> usize {
    (name.0 >> (FAN_OUT_BITS * level)) as usize & (FAN_OUT - 1)
}
