//! Running rules without a sandbox: for unit tests, and for measuring what the
//! sandbox costs.
//!
//! Inside [`with`], rules see the given host instead of a component's imports.

use std::cell::RefCell;
use std::rc::Rc;

pub use crate::bindings::plimsoll::rules::context::{ContextFile, Ignored, Matches};
pub use crate::bindings::plimsoll::rules::lock::Entry as LockEntry;
pub use crate::bindings::plimsoll::rules::log::Level;
pub use crate::bindings::plimsoll::rules::model::Port;
pub use crate::bindings::plimsoll::rules::registry::{Attestation, Image, IndexEntry, Referrer, Selection};
pub use crate::bindings::plimsoll::rules::shell::ScriptSource;
pub use crate::host::Host;

thread_local! {
    static HOST: RefCell<Option<Rc<dyn Host>>> = const { RefCell::new(None) };
}

/// Runs `body` with `host` as the host of this thread.
pub fn with<T>(host: Rc<dyn Host>, body: impl FnOnce() -> T) -> T {
    let before = HOST.with(|current| current.replace(Some(host)));
    let result = body();
    HOST.with(|current| *current.borrow_mut() = before);
    result
}

/// # Panics
/// Outside of [`with`], where there is no host.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn current<T>(body: impl FnOnce(&dyn Host) -> T) -> T {
    let host = HOST.with(|current| current.borrow().clone());
    body(host.expect("rules run natively inside native::with").as_ref())
}
