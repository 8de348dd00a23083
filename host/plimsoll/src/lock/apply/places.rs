//! Where a Dockerfile names images.
//!
//! Input: a file's bytes, its tree, and what it is built for. Output: each place once, in the file's order.
//! Invariant: a name that means a stage, a build context or `scratch` in any of the builds is no place.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_dockerfile::model::{Base, ImageUse, ImageUseKind, Origin};
use plimsoll_dockerfile::{Inputs, LineIndex, Model, Platform, Reference, Span, Tree, model};

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lock) struct Place {
    /// Where it begins.
    pub start: u32,
    /// Its line, from 1.
    pub line: u32,
    /// What stands there, without what continues lines.
    pub written: String,
    /// How it is written.
    pub spelling: Spelling,
    /// What it refers to; nothing where it is no image's name.
    pub reference: Option<Reference>,
    /// The platforms it is wanted for.
    pub platforms: BTreeSet<Platform>,
    /// Whether an `ONBUILD` has it.
    pub is_trigger: bool,
}

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lock) enum Spelling {
    /// As it is read. Its last character ends here; perhaps a quote follows.
    Literal {
        /// The offset.
        end: u32,
    },
    /// With a variable in it.
    Variable,
    /// As the number of an image that another instruction names.
    Number,
    /// With quotes or escapes within it.
    Other,
}

/// The images that a file names.
pub(in crate::lock) fn images(source: &[u8], tree: &Tree, builds: &[Inputs<'_>]) -> Vec<Place> {
    let lines = LineIndex::new(source);
    let mut places: BTreeMap<u32, Option<Place>> = BTreeMap::new();
    for inputs in builds {
        let model = model(source, tree, inputs);
        for used in &model.images {
            let place = place(source, tree, &lines, &model, used);
            match (places.entry(used.span.start).or_insert_with(|| place.clone()), place) {
                (Some(known), Some(place)) => {
                    known.platforms.extend(place.platforms);
                    known.is_trigger &= place.is_trigger;
                }
                (known, _) => *known = None,
            }
        }
    }
    places.into_values().flatten().collect()
}

fn place(source: &[u8], tree: &Tree, lines: &LineIndex, model: &Model, used: &ImageUse) -> Option<Place> {
    if !matches!(used.source, Base::Image(_) | Base::Unresolvable(_)) {
        return None;
    }
    let written = tree.logical_text(source, used.span).into_owned();
    let step = model.steps.get(used.step as usize);
    Some(Place {
        start: used.span.start,
        line: lines.line_of(used.span.start),
        spelling: spelling(&written, model.base_name(&used.source), used),
        reference: model.reference(&used.source),
        platforms: BTreeSet::from([model.platform(used.platform).clone()]),
        is_trigger: step.is_some_and(|step| step.origin != Origin::Own),
        written,
    })
}

fn spelling(written: &str, name: Option<&str>, used: &ImageUse) -> Spelling {
    let Span { end, .. } = used.span;
    let quoted = |quote: char| written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if written.contains('$') {
        Spelling::Variable
    } else if used.kind == ImageUseKind::CopyFrom && written.parse::<i64>().is_ok() {
        Spelling::Number
    } else if Some(written) == name {
        Spelling::Literal { end }
    } else if name.is_some() && (quoted('"') == name || quoted('\'') == name) {
        Spelling::Literal { end: end - 1 }
    } else {
        Spelling::Other
    }
}
