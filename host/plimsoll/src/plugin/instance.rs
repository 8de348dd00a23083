//! One running component: the only place where guest code is entered.
//!
//! Invariant: a call finds the document in the store and leaves none behind;
//! after a failure the instance is never entered again (its owner drops it).

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::InstancePre;
use wasmtime::{Store, UpdateDeadline};

use super::allowance::Limits;
use super::call::Call;
use super::contract::{Answered, Description, Finding, OptionError, VERSION, Verdict, fast, plugin, slow};
use super::engine::Host;
use super::failure::{Failure, FailureKind, classify};
use super::guest::Guest;
use super::wasi;
use crate::limits::{HANDLES_MAX, HOSTCALL_BYTES_MAX};

/// What a pack's code can be asked to do, whatever runs it.
pub trait Code: Send + Sync {
    /// A fresh instance, which has until then to start, and to describe itself
    /// or check options if it is asked to.
    ///
    /// # Errors
    /// When the code cannot be started.
    fn instantiate(&self, until: Instant) -> Result<Box<dyn Instance>, Failure>;

    /// What it may use up.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// The capabilities it imports.
    fn capabilities(&self) -> Vec<&'static str>;

    /// The interfaces of WASI it imports.
    fn wasi(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A running pack. After an error it must not be used again.
pub trait Instance: Send {
    /// `plugin.describe`.
    ///
    /// # Errors
    /// When the guest fails.
    fn describe(&mut self) -> Result<Description, Failure>;

    /// `plugin.validate-options`.
    ///
    /// # Errors
    /// When the guest fails.
    fn validate_options(&mut self, rule: u32, options: &str) -> Result<Vec<OptionError>, Failure>;

    /// `fast.check`; nothing where the plugin has none.
    ///
    /// # Errors
    /// When the guest fails.
    fn check(&mut self, call: &mut Call) -> Result<Vec<Finding>, Failure>;

    /// `slow.plan`; nothing where the plugin has none. Requests are left in the call.
    ///
    /// # Errors
    /// When the guest fails.
    fn plan(&mut self, call: &mut Call) -> Result<(), Failure>;

    /// `slow.on-success`. Follow-up requests are left in the call.
    ///
    /// # Errors
    /// When the guest fails.
    fn on_success(&mut self, call: &mut Call, answered: &Answered) -> Result<Verdict, Failure>;

    /// Whether it should serve no further file, though nothing failed.
    fn is_spent(&self) -> bool;
}

/// A component, linked, with the exports it turned out to have.
pub(super) struct Wasm {
    host: Arc<Host>,
    pre: InstancePre<Guest>,
    limits: Limits,
    plugin: plugin::GuestIndices,
    fast: Option<fast::GuestIndices>,
    slow: Option<slow::GuestIndices>,
}

impl Wasm {
    /// Probes the exports.
    ///
    /// # Errors
    /// When the component does not say who it is.
    pub(super) fn new(host: Arc<Host>, pre: InstancePre<Guest>, limits: Limits) -> wasmtime::Result<Self> {
        host.check_exports(&pre)?;
        let plugin = plugin::GuestIndices::new(&pre)
            .map_err(|error| error.context(format!("it is no plugin of this contract ({VERSION})")))?;
        let (fast, slow) = (fast::GuestIndices::new(&pre).ok(), slow::GuestIndices::new(&pre).ok());
        wasmtime::ensure!(fast.is_some() || slow.is_some(), "it exports neither fast nor slow, so it checks nothing");
        Ok(Self { host, pre, limits, plugin, fast, slow })
    }
}

impl Code for Wasm {
    fn instantiate(&self, until: Instant) -> Result<Box<dyn Instance>, Failure> {
        let mut store = Store::new(self.host.engine(), Guest::new(self.limits, until));
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(HOSTCALL_BYTES_MAX);
        store.set_max_component_handles(HANDLES_MAX);
        // Each epoch, the clock says whether it is time. So late epochs on a busy machine
        // neither shorten a call nor add up.
        store.epoch_deadline_callback(|store| match Instant::now() < store.data().until {
            true => Ok(UpdateDeadline::Continue(1)),
            false => Ok(UpdateDeadline::Interrupt),
        });
        store.set_epoch_deadline(1);
        let exports = self.pre.instantiate(&mut store).and_then(|instance| {
            Ok(Exports {
                plugin: self.plugin.load(&mut store, &instance)?,
                fast: self.fast.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
                slow: self.slow.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
            })
        });
        match exports {
            Ok(exports) => Ok(Box::new(WasmInstance { store, exports })),
            Err(error) => {
                let failure = classify(&error, store.data_mut().circumstances(None), "it does not start");
                Err(Failure { kind: FailureKind::Load, ..failure })
            }
        }
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn capabilities(&self) -> Vec<&'static str> {
        self.host.capabilities(&self.pre)
    }

    fn wasi(&self) -> Vec<String> {
        wasi::imports(self.pre.component())
    }
}

struct WasmInstance {
    store: Store<Guest>,
    exports: Exports,
}

struct Exports {
    plugin: plugin::Guest,
    fast: Option<fast::Guest>,
    slow: Option<slow::Guest>,
}

impl WasmInstance {
    fn enter<T>(
        &mut self,
        call: Option<&mut Call>,
        body: impl FnOnce(&mut Store<Guest>, &Exports) -> wasmtime::Result<T>,
    ) -> Result<T, Failure> {
        let mut call = call;
        let guest = self.store.data_mut();
        guest.begin(call.as_mut().map(|call| std::mem::take(*call)));
        self.store.set_epoch_deadline(1);
        let result = body(&mut self.store, &self.exports);
        let guest = self.store.data_mut();
        let returned = guest.end();
        let result = result.map_err(|error| {
            classify(&error, guest.circumstances(returned.as_ref()), "what it returned cannot be read")
        });
        if let (Some(call), Some(returned)) = (call, returned) {
            *call = returned;
        }
        result
    }
}

impl Instance for WasmInstance {
    fn describe(&mut self) -> Result<Description, Failure> {
        self.enter(None, |store, exports| exports.plugin.call_describe(store))
    }

    fn validate_options(&mut self, rule: u32, options: &str) -> Result<Vec<OptionError>, Failure> {
        self.enter(None, |store, exports| exports.plugin.call_validate_options(store, rule, options))
    }

    fn check(&mut self, call: &mut Call) -> Result<Vec<Finding>, Failure> {
        self.enter(Some(call), |store, exports| match &exports.fast {
            Some(fast) => fast.call_check(store),
            None => Ok(Vec::new()),
        })
    }

    fn plan(&mut self, call: &mut Call) -> Result<(), Failure> {
        self.enter(Some(call), |store, exports| match &exports.slow {
            Some(slow) => slow.call_plan(store),
            None => Ok(()),
        })
    }

    fn is_spent(&self) -> bool {
        self.store.data().was_refused()
    }

    fn on_success(&mut self, call: &mut Call, answered: &Answered) -> Result<Verdict, Failure> {
        self.enter(Some(call), |store, exports| match &exports.slow {
            Some(slow) => slow.call_on_success(store, answered),
            None => Ok(Verdict::Keep),
        })
    }
}
