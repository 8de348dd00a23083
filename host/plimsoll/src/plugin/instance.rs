//! One running component: the only place where guest code is entered.
//!
//! Invariant: a call finds the document in the store and leaves none behind;
//! after a failure the instance is never entered again (its owner drops it).

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::{ComponentExportIndex, InstancePre, TypedFunc};
use wasmtime::{Store, UpdateDeadline};

use super::allowance::Limits;
use super::call::Call;
use super::contract::{Answered, Description, Finding, OptionError, PACKAGE, VERSION, VERSIONS, Verdict};
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

    /// The version of the contract that it is built for.
    fn contract(&self) -> &'static str {
        VERSION
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
    contract: &'static str,
    describe: ComponentExportIndex,
    validate_options: ComponentExportIndex,
    check: Option<ComponentExportIndex>,
    plan: Option<ComponentExportIndex>,
    on_success: Option<ComponentExportIndex>,
}

impl Wasm {
    /// Probes the exports.
    ///
    /// # Errors
    /// When the component does not say who it is.
    pub(super) fn new(host: Arc<Host>, pre: InstancePre<Guest>, limits: Limits) -> wasmtime::Result<Self> {
        host.check_exports(&pre)?;
        let component = pre.component().clone();
        let instance = |version: &str, interface: &str| {
            component.get_export_index(None, format!("{PACKAGE}{interface}@{version}"))
        };
        let known = VERSIONS.into_iter().find(|version| instance(version, "plugin").is_some());
        let contract = known.ok_or_else(|| {
            let missing = VERSIONS.map(|version| format!("{PACKAGE}plugin@{version}")).join(" or ");
            wasmtime::format_err!("it is no plugin: it exports no instance named {missing}")
        })?;
        let function =
            |interface: &str, name: &str| component.get_export_index(Some(&instance(contract, interface)?), name);
        let needed = |interface: &str, name: &str| {
            let missing = || wasmtime::format_err!("it exports {PACKAGE}{interface}@{contract} without {name}");
            function(interface, name).ok_or_else(missing)
        };
        let (check, plan) = (function("fast", "check"), function("slow", "plan"));
        wasmtime::ensure!(check.is_some() || plan.is_some(), "it exports neither fast nor slow, so it checks nothing");
        let on_success = plan.as_ref().map(|_| needed("slow", "on-success")).transpose()?;
        let (describe, validate_options) = (needed("plugin", "describe")?, needed("plugin", "validate-options")?);
        Ok(Self { host, pre, limits, contract, describe, validate_options, check, plan, on_success })
    }

    fn exports(&self, store: &mut Store<Guest>) -> wasmtime::Result<Exports> {
        let instance = self.pre.instantiate(&mut *store)?;
        Ok(Exports {
            describe: instance.get_typed_func(&mut *store, self.describe)?,
            validate_options: instance.get_typed_func(&mut *store, self.validate_options)?,
            check: self.check.as_ref().map(|index| instance.get_typed_func(&mut *store, index)).transpose()?,
            plan: self.plan.as_ref().map(|index| instance.get_typed_func(&mut *store, index)).transpose()?,
            on_success: self
                .on_success
                .as_ref()
                .map(|index| instance.get_typed_func(&mut *store, index))
                .transpose()?,
        })
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
        match self.exports(&mut store) {
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

    fn contract(&self) -> &'static str {
        self.contract
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
    describe: TypedFunc<(), (Description,)>,
    validate_options: TypedFunc<(u32, String), (Vec<OptionError>,)>,
    check: Option<TypedFunc<(), (Vec<Finding>,)>>,
    plan: Option<TypedFunc<(), ()>>,
    on_success: Option<TypedFunc<(Answered,), (Verdict,)>>,
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
        self.enter(None, |store, exports| Ok(exports.describe.call(store, ())?.0))
    }

    fn validate_options(&mut self, rule: u32, options: &str) -> Result<Vec<OptionError>, Failure> {
        self.enter(None, |store, exports| Ok(exports.validate_options.call(store, (rule, options.to_owned()))?.0))
    }

    fn check(&mut self, call: &mut Call) -> Result<Vec<Finding>, Failure> {
        self.enter(Some(call), |store, exports| match &exports.check {
            Some(check) => Ok(check.call(store, ())?.0),
            None => Ok(Vec::new()),
        })
    }

    fn plan(&mut self, call: &mut Call) -> Result<(), Failure> {
        self.enter(Some(call), |store, exports| match &exports.plan {
            Some(plan) => plan.call(store, ()),
            None => Ok(()),
        })
    }

    fn is_spent(&self) -> bool {
        self.store.data().was_refused()
    }

    fn on_success(&mut self, call: &mut Call, answered: &Answered) -> Result<Verdict, Failure> {
        self.enter(Some(call), |store, exports| match &exports.on_success {
            Some(on_success) => Ok(on_success.call(store, (answered.clone(),))?.0),
            None => Ok(Verdict::Keep),
        })
    }
}
