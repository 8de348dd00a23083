//! The WebAssembly engine: configuration, deadlines, and components from bytes.
//!
//! Input: the bytes of a component, or native code that the build made of one.
//! Output: a component ready to be instantiated. Only imports of the contract
//! are linked, and where a component has them, those of an empty WASI; any other
//! is refused by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use wasmtime::component::{Component as Native, HasSelf, InstancePre, Linker};
use wasmtime::{Engine, Result};

use super::component::Component;
use super::contract::{
    CAPABILITIES, PACKAGE, VERSION, VERSIONS, console, context, document, git, http, lock, log, model, registry,
    settings, shell, types,
};
use super::cost;
use super::engine_config::{compatibility, engine_config};
use super::guest::Guest;
use super::older;
use super::store::Store;
use super::wasi;
use crate::limits::EPOCH_TICK;

const TARGET: &str = env!("PLIMSOLL_TARGET");

/// The engine of the process, and the imports it offers.
pub struct Host {
    engine: Engine,
    linker: Linker<Guest>,
    compatibility: u64,
    store: Option<Store>,
    compiled: AtomicUsize,
}

impl Host {
    /// Starts the engine and the thread that advances its epoch.
    ///
    /// # Errors
    /// When the machine cannot run the engine.
    pub fn new() -> Result<Arc<Self>> {
        Self::with_store(None)
    }

    /// The same, with native code that earlier runs kept.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub fn with_store(store: Option<Store>) -> Result<Arc<Self>> {
        let engine = Engine::new(&engine_config(TARGET)?)?;
        let linker = linker(&engine)?;
        tick(&engine);
        let (compatibility, compiled) = (compatibility(&engine), AtomicUsize::new(0));
        Ok(Arc::new(Self { engine, linker, compatibility, store, compiled }))
    }

    /// How many components this process had to compile.
    pub fn compiled(&self) -> usize {
        self.compiled.load(Ordering::Relaxed)
    }

    /// Why native code is not kept, where that can be mended.
    pub fn store_trouble(&self) -> Option<String> {
        self.store.as_ref().and_then(Store::trouble)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Compiles a component of others, or takes the native code that an earlier run kept of it.
    ///
    /// # Errors
    /// When the bytes are no valid component, or one with foreign imports.
    pub fn compile(&self, component: &Component) -> Result<InstancePre<Guest>> {
        let Some(store) = &self.store else { return self.compile_bytes(component.bytes()) };
        if let Some(native) = store.load(component.digest(), self.compatibility) {
            // SAFETY: this user's program made these bytes with the engine whose hash
            // is in their name, as the store has verified.
            #[allow(unsafe_code)]
            let loaded = unsafe { Native::deserialize(&self.engine, native) };
            if let Ok(component) = loaded {
                return self.link(&component);
            }
        }
        let compiled = self.compile_native(component.bytes())?;
        let linked = self.link(&compiled)?;
        if let Ok(native) = compiled.serialize() {
            store.keep(component.digest(), self.compatibility, &native);
        }
        Ok(linked)
    }

    /// Takes native code that the build made, if it fits this engine; else
    /// compiles the component.
    ///
    /// # Errors
    /// As [`Host::compile`].
    pub(super) fn load(
        &self,
        native: &'static [u8],
        compatibility: u64,
        component: &[u8],
    ) -> Result<InstancePre<Guest>> {
        if native.is_empty() || compatibility != self.compatibility {
            return self.compile_bytes(component);
        }
        // SAFETY: the bytes are part of this program, written by its own build
        // with the engine whose hash was just compared.
        #[allow(unsafe_code)]
        let loaded = unsafe { Native::deserialize(&self.engine, native) };
        match loaded {
            Ok(component) => self.link(&component),
            Err(_) => self.compile_bytes(component),
        }
    }

    fn compile_bytes(&self, component: &[u8]) -> Result<InstancePre<Guest>> {
        self.link(&self.compile_native(component)?)
    }

    fn compile_native(&self, component: &[u8]) -> Result<Native> {
        cost::check(component).map_err(wasmtime::Error::msg)?;
        self.compiled.fetch_add(1, Ordering::Relaxed);
        Native::from_binary(&self.engine, component)
    }

    /// Refuses exports of another version of the contract, which would be passed over.
    ///
    /// # Errors
    /// When there is one.
    pub(super) fn check_exports(&self, pre: &InstancePre<Guest>) -> Result<()> {
        let component = pre.component().component_type();
        component
            .exports(&self.engine)
            .filter(|(name, _)| interface_of(name).is_some())
            .try_for_each(|(name, _)| check(name))
    }

    /// The capabilities that a component imports, and so the most it can ask for.
    pub(super) fn capabilities(&self, pre: &InstancePre<Guest>) -> Vec<&'static str> {
        let component = pre.component().component_type();
        let imports: Vec<_> = component.imports(&self.engine).filter_map(|(name, _)| interface_of(name)).collect();
        CAPABILITIES.iter().copied().filter(|capability| imports.iter().any(|(name, _)| name == capability)).collect()
    }

    fn link(&self, component: &Native) -> Result<InstancePre<Guest>> {
        let mut needs_wasi = false;
        for (name, _) in component.component_type().imports(&self.engine) {
            if wasi::offers(name) { needs_wasi = true } else { check(name)? }
        }
        if !needs_wasi {
            return self.linker.instantiate_pre(component);
        }
        let mut linker = self.linker.clone();
        wasi::add_to_linker(&mut linker, component)?;
        linker.instantiate_pre(component)
    }
}

/// The interface and version of an import, if it is one of the contract's.
fn interface_of(import: &str) -> Option<(&str, &str)> {
    import.strip_prefix(PACKAGE)?.split_once('@')
}

/// Refuses what the contract does not offer, by name.
fn check(name: &str) -> Result<()> {
    let Some((interface, version)) = interface_of(name) else {
        wasmtime::bail!(
            "it imports {name}, which Plimsoll does not offer: a rule sees only the interfaces of {PACKAGE}"
        );
    };
    if VERSIONS.contains(&version) {
        return Ok(());
    }
    match is_newer(version) {
        true => wasmtime::bail!(
            "it needs plimsoll >= {version}: it is built for version {version} of the contract ({PACKAGE}{interface}), and \
             this Plimsoll knows none after {VERSION}"
        ),
        false => wasmtime::bail!(
            "it is built for version {version} of the contract ({PACKAGE}{interface}), which no Plimsoll speaks; this one \
             speaks {}",
            VERSIONS.join(" and ")
        ),
    }
}

/// Whether a version is one that a later Plimsoll may speak.
fn is_newer(version: &str) -> bool {
    let parts = |version: &str| version.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>();
    parts(version).is_some_and(|version| version.len() == 3 && Some(version) > parts(VERSION))
}

fn linker(engine: &Engine) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    types::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    document::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    model::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    shell::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    settings::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    log::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    lock::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    registry::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    context::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    http::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    git::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    console::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    older::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// Advances the epoch from a thread of its own until the engine is gone, so
/// that no load of the other threads delays a deadline.
fn tick(engine: &Engine) {
    let engine = engine.weak();
    thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(EPOCH_TICK);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::Host;
    use crate::plugin::bundle::{BUNDLE, Bundled};

    #[test]
    fn native_code_that_does_not_fit_is_compiled_anew() {
        let host = Host::new().unwrap();
        let Bundled { component, native, compatibility, .. } = BUNDLE[0];
        let load = |native, compatibility| {
            let before = host.compiled();
            host.load(native, compatibility, component).unwrap();
            host.compiled() - before
        };
        assert_eq!(load(native, compatibility), 0, "it fits");
        assert_eq!(load(native, compatibility ^ 1), 1, "another engine");
        assert_eq!(load(&[], compatibility), 1, "none was made");
        assert_eq!(load(b"no native code", compatibility), 1, "it is damaged");
    }
}
