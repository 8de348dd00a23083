//! One running component: the only place where guest code is entered.
//!
//! Invariant: a call finds the document in the store and leaves none behind;
//! after a failure the instance is never entered again (its owner drops it).

use std::sync::Arc;

use wasmtime::component::InstancePre;
use wasmtime::{ResourceLimiter, Store};

use super::allowance::Limits;
use super::call::Call;
use super::contract::{Answered, Description, Finding, OptionError, Verdict, fast, plugin, slow};
use super::engine::Host;
use super::failure::{Circumstances, Failure, FailureKind, classify};
use crate::limits::{CORE_INSTANCES_MAX, EPOCH_TICK, HOSTCALL_BYTES_MAX, MESSAGE_BYTES_MAX, TABLE_ELEMENTS_MAX};

/// What a pack's code can be asked to do, whatever runs it.
pub trait Code: Send + Sync {
    /// A fresh instance.
    ///
    /// # Errors
    /// When the code cannot be started.
    fn instantiate(&self) -> Result<Box<dyn Instance>, Failure>;

    /// The capabilities it imports.
    fn capabilities(&self) -> Vec<&'static str>;
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
        let plugin = plugin::GuestIndices::new(&pre)?;
        let (fast, slow) = (fast::GuestIndices::new(&pre).ok(), slow::GuestIndices::new(&pre).ok());
        wasmtime::ensure!(fast.is_some() || slow.is_some(), "it exports neither fast nor slow, so it checks nothing");
        Ok(Self { host, pre, limits, plugin, fast, slow })
    }
}

impl Code for Wasm {
    fn instantiate(&self) -> Result<Box<dyn Instance>, Failure> {
        let mut store = Store::new(self.host.engine(), Guest::new(self.limits));
        store.limiter(|guest| guest);
        store.set_hostcall_fuel(HOSTCALL_BYTES_MAX);
        store.set_epoch_deadline(deadline_ticks(self.limits));
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
                let mut failure = classify(&error, store.data_mut().circumstances(None));
                failure.kind = FailureKind::Load;
                Err(failure)
            }
        }
    }

    fn capabilities(&self) -> Vec<&'static str> {
        self.host.capabilities(&self.pre)
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
        self.store.set_epoch_deadline(deadline_ticks(self.store.data().limits));
        let mut call = call;
        let guest = self.store.data_mut();
        (guest.memory_refused, guest.panic) = (false, None);
        guest.call = call.as_mut().map(|call| std::mem::take(*call));
        let result = body(&mut self.store, &self.exports);
        let returned = self.store.data_mut().call.take();
        let result = result.map_err(|error| classify(&error, self.store.data_mut().circumstances(returned.as_ref())));
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
        self.store.data().memory_refused
    }

    fn on_success(&mut self, call: &mut Call, answered: &Answered) -> Result<Verdict, Failure> {
        self.enter(Some(call), |store, exports| match &exports.slow {
            Some(slow) => slow.call_on_success(store, answered),
            None => Ok(Verdict::Keep),
        })
    }
}

/// The data of a store: the call in progress, and what the limiter saw.
pub struct Guest {
    pub(super) call: Option<Call>,
    limits: Limits,
    memory_bytes: usize,
    memory_refused: bool,
    panic: Option<String>,
}

impl Guest {
    fn new(limits: Limits) -> Self {
        Self { call: None, limits, memory_bytes: 0, memory_refused: false, panic: None }
    }

    /// Keeps the message of a panic, which the guest says just before it traps.
    pub(super) fn record_panic(&mut self, message: String) {
        self.panic = Some(message.chars().take(MESSAGE_BYTES_MAX / 4).collect());
    }

    fn circumstances(&mut self, call: Option<&Call>) -> Circumstances {
        Circumstances {
            limits: self.limits,
            running: call.and_then(Call::running),
            panic: self.panic.take(),
            memory_refused: std::mem::take(&mut self.memory_refused),
        }
    }
}

impl ResourceLimiter for Guest {
    /// Counts all memories of the instance together.
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        let granted = total <= self.limits.memory_bytes;
        if granted {
            self.memory_bytes = total;
        } else {
            self.memory_refused = true;
        }
        Ok(granted)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        CORE_INSTANCES_MAX
    }

    fn memories(&self) -> usize {
        CORE_INSTANCES_MAX
    }
}

fn deadline_ticks(limits: Limits) -> u64 {
    u64::try_from(limits.call_time.as_millis() / EPOCH_TICK.as_millis()).expect("a call's time is far below u64")
}
