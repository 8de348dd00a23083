//! WASI for components whose toolchain asks for it: nothing of this machine.
//!
//! Input: what a component imports from `wasi:…`. Output: a linker that has all
//! of it. There are no files, sockets, arguments and variables; clocks stand
//! still but for whoever sleeps, and timers are ready at once, since no epoch
//! ends a wait inside of the host; what is random is the same every time; what is
//! written to a standard stream becomes the plugin's log. Any other function ends
//! the call as a failure. Invariant: a component without such imports pays nothing.

mod stdio;
mod streams;
mod world;

use wasmtime::Result;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use super::failure::Misuse;
use super::guest::Guest;
pub(super) use stdio::Lines;

/// The package that is answered with next to nothing.
const PREFIX: &str = "wasi:";
/// The version whose functions have the types that are spelled out here; within
/// it they do not change.
const VERSION: &str = "0.2.";

/// What one call can do to its WASI.
#[derive(Default)]
pub(super) struct Wasi {
    /// Nanoseconds on the monotonic clock: how long the guest believes to have slept.
    monotonic: u64,
    /// How much randomness it was given.
    drawn: u64,
    /// What it has written since the last end of a line.
    pub(super) lines: [Lines; 2],
}

/// Whether an import is one of WASI's, of a version that is known here.
pub(super) fn offers(import: &str) -> bool {
    let interface = import.strip_prefix(PREFIX).and_then(|interface| interface.split_once('@'));
    interface.is_some_and(|(_, version)| version.starts_with(VERSION))
}

/// The interfaces of WASI that a component imports.
pub(super) fn imports(component: &Component) -> Vec<String> {
    let component_type = component.component_type();
    let names = component_type.imports(component.engine()).map(|(name, _)| name.to_owned());
    names.filter(|name| offers(name)).collect()
}

/// Adds all that a component imports of WASI.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>, component: &Component) -> Result<()> {
    let engine = component.engine();
    for (import, item) in component.component_type().imports(engine) {
        let Some((interface, _)) = import.strip_prefix(PREFIX).and_then(|rest| rest.split_once('@')) else { continue };
        let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
        let mut offered = linker.instance(import)?;
        for (name, item) in instance.exports(engine) {
            match item.ty {
                ComponentItem::Resource(_) => offered.resource(name, resource(name), |_, _| Ok(()))?,
                ComponentItem::ComponentFunc(_) => add(&mut offered, interface, name)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn add(offered: &mut LinkerInstance<Guest>, interface: &str, function: &str) -> Result<()> {
    if world::add(offered, interface, function)? || streams::add(offered, interface, function)? {
        return Ok(());
    }
    let what = format!("it called {PREFIX}{interface}#{function}, which rules do not have");
    offered.func_new(function, move |store, _, _, _| Err(store.data().blame(&what)))
}

/// What a standard stream of ours is made of.
enum InputStream {}
enum OutputStream {}
enum Pollable {}
enum IoError {}
/// Any resource of which there is none.
enum Nothing {}

fn resource(name: &str) -> ResourceType {
    match name {
        "input-stream" => ResourceType::host::<InputStream>(),
        "output-stream" => ResourceType::host::<OutputStream>(),
        "pollable" => ResourceType::host::<Pollable>(),
        "error" => ResourceType::host::<IoError>(),
        _ => ResourceType::host::<Nothing>(),
    }
}

impl Guest {
    /// The error of a guest that called what it may not.
    fn blame(&self, what: &str) -> wasmtime::Error {
        let misuse = Misuse { index: None, rule: None, what: what.to_owned() };
        self.call.as_ref().map_or(misuse, |call| call.misuse(what.to_owned())).into()
    }
}
