//! The packs that are part of the program, as its build left them.

/// One pack.
pub(super) struct Bundled {
    /// The name of its folder under `plugins/`, and the prefix of its rules.
    pub(super) name: &'static str,
    /// The component.
    pub(super) component: &'static [u8],
    /// Native code of it; empty where the build could make none.
    pub(super) native: &'static [u8],
    /// What the engine must hash to for the native code to fit.
    pub(super) compatibility: u64,
}

/// All of them, by name.
pub(super) static BUNDLE: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
