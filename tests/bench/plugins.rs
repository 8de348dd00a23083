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

/// One pack with the rules, and as many packs with one rule each; as what they
/// are, or as if they imported nothing that they could ask.
pub fn one_and_many(asks: bool) -> [(Arc<[Plugin]>, Ruleset); 2] {
    let host = Host::new().expect("the engine starts");
    let pack = || {
        let packs = Plugin::bundled(&host).unwrap_or_else(|pack| panic!("{}", pack.message));
        let mut pack = packs.into_iter().find(|pack| pack.name == "buildkit").expect("the pack is bundled");
        pack.capabilities.retain(|_| asks);
        pack
    };
    let one = with_rules(vec![pack()], |_| (0..PLUGINS).collect());
    let many = with_rules((0..PLUGINS).map(|_| pack()).collect(), |plugin| vec![plugin]);
    [one, many]
}

fn with_rules(plugins: Vec<Plugin>, rules: impl Fn(u32) -> Vec<u32>) -> (Arc<[Plugin]>, Ruleset) {
    let plugins: Arc<[Plugin]> = plugins.into();
    let mut ruleset = Ruleset::new(&plugins, Files::default()).expect("no configuration, no mistake");
    for (index, settings) in (0..).zip(&mut ruleset.settings) {
        Arc::make_mut(settings).enabled = rules(index);
    }
    (plugins, ruleset)
}
