//! Many plugins of one rule each, against one plugin of the same rules.
//!
//! Both sides run the same component with the same rules switched on: on one side
//! it is loaded once, on the other once for each rule. So the ratio is the price
//! of a plugin more: an instance, a call, and tables pulled again.

use std::sync::Arc;

use plimsoll::config::Files;
use plimsoll::lint::Ruleset;
use plimsoll::plugin::{Host, Plugin};

/// Plugins of one rule each.
const PLUGINS: u32 = 20;
/// Files they run on.
pub const FILES: usize = 500;

/// How the packs run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As what they are.
    Asking,
    /// As if they imported nothing that they could ask.
    AskingNothing,
    /// These beside the bundled packs, as in the runs of users.
    BesideBundled,
}

/// One pack with the rules, and as many packs with one rule each.
pub fn one_and_many(kind: Kind) -> [(Arc<[Plugin]>, Ruleset); 2] {
    let host = Host::new().expect("the engine starts");
    let pack = || {
        let packs = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message));
        let mut pack = packs.into_iter().find(|pack| pack.name == "buildkit").expect("the pack is bundled");
        pack.capabilities.retain(|_| kind == Kind::Asking);
        pack
    };
    let beside = || match kind {
        Kind::BesideBundled => super::plain(Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message))),
        Kind::Asking | Kind::AskingNothing => Vec::new(),
    };
    let one = with_rules(vec![pack()], beside(), |_| (0..PLUGINS).collect());
    let many = with_rules((0..PLUGINS).map(|_| pack()).collect(), beside(), |plugin| vec![plugin]);
    [one, many]
}

fn with_rules(
    mut plugins: Vec<Plugin>,
    beside: Vec<Plugin>,
    rules: impl Fn(u32) -> Vec<u32>,
) -> (Arc<[Plugin]>, Ruleset) {
    let chosen = plugins.len();
    plugins.extend(beside);
    let plugins: Arc<[Plugin]> = plugins.into();
    let mut ruleset = Ruleset::new(&plugins, Files::default()).expect("no configuration, no mistake");
    for (index, settings) in (0..).zip(&mut ruleset.settings[..chosen]) {
        Arc::make_mut(settings).enabled = rules(index);
    }
    (plugins, ruleset)
}
