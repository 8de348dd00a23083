//! Environments: which name has which value at which point of the file.
//!
//! A [`Scope`] is a value: setting a name gives a new one, and the old one stays valid. That makes
//! inheriting from a stage and remembering the scope of every variable free of cost. What was set last is
//! found by going back; what lies further back than a few assignments stands in an index, so that looking
//! up and setting take time logarithmic in the number of names of the file. Most files need no index.

mod names;

use foldhash::fast::RandomState;

use crate::expand::Env;
use crate::span::{Span, offset};
pub(super) use names::{BUILD_ARGUMENTS, PLATFORM_ARGUMENTS, TARGET_ARGUMENTS, TARGET_STAGE};
use names::{FEW, FIRST};

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
    hasher: RandomState,
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
    pub fn new(instructions: usize, bytes: usize, hasher: RandomState) -> Self {
        Self {
            hasher,
            names: Vec::with_capacity(FEW),
            arena: String::with_capacity((bytes / 4).min(ARENA_BYTES_FIRST) + ARENA_BYTES_MORE),
            links: Vec::with_capacity(instructions + LINKS_MORE),
            image_names: Vec::with_capacity(FEW),
            ..Self::default()
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

/// Room for names and values to begin with, unless a fourth of the file is less, and what is added to it.
const ARENA_BYTES_FIRST: usize = 64 * 1024;
const ARENA_BYTES_MORE: usize = 256;

/// Room for assignments beyond one for each instruction.
const LINKS_MORE: usize = 4;

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Assignments in two branches, far more than are gone through one by one.
    #[test]
    fn found_again() {
        let mut scopes = Scopes::new(0, 0, RandomState::default());
        let mut branches = [(Scope::SEEDED, BTreeMap::new()), (Scope::EMPTY, BTreeMap::new())];
        for round in 0..40 * RECENT_MAX {
            let (scope, expect) = &mut branches[(round % 3 == 0) as usize];
            let (name, value) = (format!("N{}", round * 7 % 45), round.to_string());
            let (interned, assigned) = (scopes.intern(&name), scopes.assigned(&value, true));
            *scope = match round % 5 {
                0 => scopes.set_image(*scope, interned, assigned),
                1 if expect.remove(&name).is_some() => scopes.unset(*scope, interned),
                _ => scopes.set(*scope, interned, assigned),
            };
            let is_set = scopes.entry(*scope, interned).value.is_some();
            if is_set {
                expect.insert(name, value);
            }
            if round % 11 == 0 {
                *scope = scopes.inherit(*scope, &[]);
            }
            for (scope, expect) in &branches {
                let values = (0..45).filter_map(|number| {
                    let name = format!("N{number}");
                    let value = scopes.find(*scope, &name).value?;
                    Some((name, scopes.value(value).to_owned()))
                });
                assert_eq!(values.collect::<BTreeMap<_, _>>(), *expect, "{round}");
            }
        }
        assert!(scopes.find(branches[0].0, "TARGETARCH").value.is_some());
        assert!(scopes.find(branches[1].0, "TARGETARCH").value.is_none());
    }
}
