//! The configuration of the engine, shared by the build script, which compiles
//! the bundled packs, and the program, which runs them: the two must agree to
//! the bit, or native code made by one is refused by the other.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use wasmtime::{Config, Engine, OptLevel, Result};

/// Bytes of native stack that a guest may use; well below a thread's own, since
/// running out of that aborts the process.
const WASM_STACK_BYTES_MAX: usize = 512 << 10;

/// The engine's configuration for a target triple. Naming the target keeps the
/// features of the building machine's processor out of the native code.
///
/// # Errors
/// When the triple is none that Cranelift knows.
pub fn engine_config(target: &str) -> Result<Config> {
    let mut config = Config::new();
    config.target(target)?;
    config
        .wasm_component_model(true)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK_BYTES_MAX)
        // The same findings everywhere: no payload of a NaN, no relaxed instruction differs.
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        // What compilers for components emit, and nothing besides: each further
        // proposal is code that strangers can reach.
        .wasm_tail_call(false)
        // The engine itself makes modules of several memories: those that stand
        // between the components that a component is composed of.
        .wasm_multi_memory(true)
        .wasm_memory64(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false)
        .native_unwind_info(false)
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false);
    Ok(config)
}

/// What native code depends on besides the component, as a number: code of one
/// engine fits another if both numbers are equal.
pub fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}
