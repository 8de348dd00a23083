//! The pages of the bundled rules are their documentation and their tests.
//!
//! Each rule runs as the component of the bundle, under the limits of the program, and each case comes to the
//! same whatever was linted before it. `BLESS=1` writes the `findings` and `fixed` blocks anew; `RECORD=1` asks
//! the tools of this machine what pages tell of them.

#![allow(clippy::unwrap_used)]

use std::env;
use std::sync::Arc;

use plimsoll::config::TIMEOUT_DEFAULT;
use plimsoll::pages::{Recorder, Renewal, Wanted, test};
use plimsoll::plugin::{Host, Plugin};
use plimsoll::resolve::Console;
use plimsoll_test_support::repository_root;

/// Fewer show too little of a rule.
const CASES_MIN: usize = 3;

#[test]
fn rules_do_what_their_pages_say() {
    let host = Host::new().expect("the engine starts");
    let plugins: Arc<[Plugin]> = Plugin::bundled(&host).expect("the bundle loads").into();
    let tools = [("shellcheck".to_owned(), vec!["shellcheck".to_owned()])];
    let live = Arc::new(Console::new(tools.into()));
    let mut complaints = Vec::new();
    for (plugin, pack) in plugins.iter().enumerate() {
        let has_tools = pack.capabilities.contains(&"console");
        let recorder = env::var_os("RECORD").filter(|_| has_tools).map(|_| Recorder {
            live: live.clone(),
            renewal: Renewal::All,
            may_run_tools: true,
            timeout: TIMEOUT_DEFAULT,
        });
        let wanted = Wanted { cases_min: CASES_MIN, is_blessed: env::var_os("BLESS").is_some(), recorder };
        let folder = repository_root().join("plugins").join(&pack.name).join("rules");
        let (tested, strays) = test(&plugins, plugin, &folder, &wanted).unwrap();
        assert_eq!(tested.len(), pack.rules.len());
        complaints.extend(tested.into_iter().flat_map(|rule| rule.complaints).chain(strays));
    }
    let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert!(complaints.is_empty(), "\n{}\nBLESS=1 writes the blocks anew.", complaints.join("\n\n"));
}
