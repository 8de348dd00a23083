//! Environments: which name has which value at which point of the file.
//!
//! A [`Scope`] is a value: setting a name gives a new one, and the old one stays valid. That makes
//! inheriting from a stage and remembering the scope of every variable free of cost. Looking up and
//! setting take time logarithmic in the number of names of the file.

use std::hash::BuildHasher;

use crate::expand::Env;
use crate::span::{Span, offset};

/// A name of the file, interned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name(u32);

/// An environment at one point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    root: u32,
    height: u32,
    /// The last assignment.
    last: u32,
    /// The last name that entered the configuration of the image.
    image: u32,
}

/// All environments of one model.
#[derive(Clone, Debug, Default)]
pub(super) struct Scopes {
    /// Names by hash: a table with free places, in which a name stands at its hash or behind it.
    places: Vec<u32>,
    hasher: foldhash::fast::RandomState,
    names: Vec<Span>,
    arena: String,
    entries: Vec<Entry>,
    nodes: Vec<[u32; FAN_OUT]>,
    assignments: Vec<Assignment>,
    image_names: Vec<(u32, Name)>,
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
enum Assignment {
    Set(u32, Name),
    /// `ARG` without a value.
    Declare(u32, Name),
    /// A stage that builds upon another sets the image's environment again, up to this name.
    Restore(u32, u32),
}

/// A scope as the lexer sees it.
pub(super) struct View<'a> {
    pub scopes: &'a Scopes,
    pub scope: Scope,
}

impl Scope {
    /// The environment without names.
    pub const EMPTY: Self = Self { root: NONE, height: 0, last: NONE, image: NONE };
}

impl Scopes {
    /// No environment yet, with room for those of a usual file.
    pub fn new() -> Self {
        Self {
            names: Vec::with_capacity(PLACES_FIRST / 2),
            arena: String::with_capacity(ARENA_BYTES_FIRST),
            entries: Vec::with_capacity(PLACES_FIRST / 2),
            nodes: Vec::with_capacity(PLACES_FIRST / 2),
            assignments: Vec::with_capacity(PLACES_FIRST / 2),
            ..Self::default()
        }
    }

    /// The interned form of a name.
    pub fn intern(&mut self, name: &str) -> Name {
        // At most half of the places are taken.
        if self.places.len() <= self.names.len() * 2 {
            self.grow();
        }
        let (place, found) = self.place(name);
        if let Some(id) = found {
            return id;
        }
        let id = Name(offset(self.names.len()));
        let span = self.keep(name);
        self.names.push(span);
        self.places[place] = id.0;
        id
    }

    /// Where a name stands among the places, or where it would.
    fn place(&self, name: &str) -> (usize, Option<Name>) {
        let mask = self.places.len() - 1;
        let mut place = self.hasher.hash_one(name) as usize & mask;
        loop {
            match self.places[place] {
                NONE => return (place, None),
                id if self.name(Name(id)) == name => return (place, Some(Name(id))),
                _ => place = (place + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        self.places = vec![NONE; (self.places.len() * 2).max(PLACES_FIRST)];
        for id in 0..offset(self.names.len()) {
            let (place, _) = self.place(self.name(Name(id)));
            self.places[place] = id;
        }
    }

    /// The characters of a name.
    pub fn name(&self, name: Name) -> &str {
        self.names.get(name.0 as usize).map_or("", |span| self.text(*span))
    }

    /// What is known of a name.
    pub fn entry(&self, scope: Scope, name: Name) -> Entry {
        let mut node = scope.root;
        if node == NONE || u64::from(name.0) >= capacity(scope.height) {
            return Entry::default();
        }
        for level in (0..scope.height).rev() {
            node = self.nodes[node as usize][slot(name, level)];
            if node == NONE {
                return Entry::default();
            }
        }
        self.entries[node as usize]
    }

    /// What is known of a name by its characters.
    pub fn find(&self, scope: Scope, name: &str) -> Entry {
        if self.places.is_empty() {
            return Entry::default();
        }
        self.place(name).1.map(|name| self.entry(scope, name)).unwrap_or_default()
    }

    /// Sets a name as `ARG` does: visible to what follows, not part of the image.
    pub fn set(&mut self, scope: Scope, name: Name, value: Assigned) -> Scope {
        let entry = Entry { value: Some(value), ..self.entry(scope, name) };
        self.assign(scope, name, entry)
    }

    /// Sets a name as `ENV` does: visible, and part of the image.
    pub fn set_image(&mut self, scope: Scope, name: Name, value: Assigned) -> Scope {
        let old = self.entry(scope, name);
        let mut scope = self.assign(scope, name, Entry { value: Some(value), image: Some(value), ..old });
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
        let mut scope = self.stored(scope, name, Entry { declared: true, ..old });
        self.assignments.push(Assignment::Declare(scope.last, name));
        scope.last = offset(self.assignments.len() - 1);
        scope
    }

    /// Takes a name away.
    pub fn unset(&mut self, scope: Scope, name: Name) -> Scope {
        if self.entry(scope, name).value.is_none() { scope } else { self.stored(scope, name, Entry::default()) }
    }

    /// What a stage that builds upon this one starts with: `ENV` counts again where an `ARG` in
    /// `shadowed` hid it.
    pub fn inherit(&mut self, mut scope: Scope, shadowed: &[Name]) -> Scope {
        for name in shadowed {
            let entry = self.entry(scope, *name);
            if entry.image.is_some() {
                scope = self.stored(scope, *name, Entry { value: entry.image, ..entry });
            }
        }
        self.assignments.push(Assignment::Restore(scope.last, scope.image));
        scope.last = offset(self.assignments.len() - 1);
        scope
    }

    /// The names that are set, in the order of their last assignment; `declared` adds those of
    /// `ARG`s without a value behind them.
    pub fn visible(&self, scope: Scope, declared: bool) -> Vec<&str> {
        let mut seen = vec![false; self.names.len()];
        let (mut names, mut only_declared) = (Vec::new(), Vec::new());
        let mut add = |names: &mut Vec<Name>, name: Name| {
            if !std::mem::replace(&mut seen[name.0 as usize], true) {
                names.push(name);
            }
        };
        let (mut at, mut restored) = (scope.last, false);
        while let Some(assignment) = self.assignments.get(at as usize) {
            at = match *assignment {
                Assignment::Set(before, name) => {
                    add(&mut names, name);
                    before
                }
                Assignment::Declare(before, name) => {
                    only_declared.push(name);
                    before
                }
                Assignment::Restore(before, image) => {
                    // An earlier restoration holds no name that the latest does not hold.
                    let mut image = if std::mem::replace(&mut restored, true) { NONE } else { image };
                    while let Some((next, name)) = self.image_names.get(image as usize) {
                        add(&mut names, *name);
                        image = *next;
                    }
                    before
                }
            };
        }
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
        Assigned { text: self.keep(value), exact }
    }

    /// The characters of a value.
    pub fn value(&self, value: Assigned) -> &str {
        self.text(value.text)
    }

    /// Bytes that names and values take.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    fn assign(&mut self, scope: Scope, name: Name, entry: Entry) -> Scope {
        let mut scope = self.stored(scope, name, entry);
        self.assignments.push(Assignment::Set(scope.last, name));
        scope.last = offset(self.assignments.len() - 1);
        scope
    }

    fn stored(&mut self, mut scope: Scope, name: Name, entry: Entry) -> Scope {
        while u64::from(name.0) >= capacity(scope.height) {
            scope.root = if scope.root == NONE { NONE } else { self.node(NONE, 0, scope.root) };
            scope.height += 1;
        }
        self.entries.push(entry);
        let mut child = offset(self.entries.len() - 1);
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

    fn keep(&mut self, text: &str) -> Span {
        let start = offset(self.arena.len());
        self.arena.push_str(text);
        Span::new(start, offset(self.arena.len()))
    }

    fn text(&self, span: Span) -> &str {
        self.arena.get(span.range()).unwrap_or_default()
    }
}

impl Env for View<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.scopes.find(self.scope, name).value.map(|value| self.scopes.value(value))
    }
}

const NONE: u32 = u32::MAX;

/// Room for names and values to begin with.
const ARENA_BYTES_FIRST: usize = 1024;

/// Places for names to begin with, a power of two.
const PLACES_FIRST: usize = 64;
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
