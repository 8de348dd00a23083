//! `wasi:cli`, `clocks`, `random`, `filesystem` and `sockets`: an empty machine
//! on which time passes for sleepers only.

use wasmtime::Result;
use wasmtime::component::{ComponentType, Lower};
use wasmtime::component::{LinkerInstance, Resource, Val};

use super::{Nothing, Pollable};
use crate::limits::RANDOM_BYTES_MAX;
use crate::plugin::guest::Guest;

/// What an odd constant makes of a counter: numbers that look random and are the
/// same for everybody (SplitMix64).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const MIX: [u64; 2] = [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

/// A moment as `wasi:clocks/wall-clock` counts it.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

/// When it always is.
const NOW: Datetime = Datetime { seconds: 0, nanoseconds: 0 };
/// Nanoseconds between two ticks of either clock.
const RESOLUTION: u64 = 1;

/// Adds a function, if it is one of these.
pub(super) fn add(offered: &mut LinkerInstance<Guest>, interface: &str, function: &str) -> Result<bool> {
    match (interface, function) {
        ("cli/environment", "get-environment") => {
            offered.func_wrap(function, |_, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
        }
        ("cli/environment", "get-arguments") => offered.func_wrap(function, |_, (): ()| Ok((Vec::<String>::new(),)))?,
        ("cli/environment", "initial-cwd") => offered.func_wrap(function, |_, (): ()| Ok((None::<String>,)))?,
        ("cli/exit", "exit") => offered.func_wrap(function, |store, (_,): (std::result::Result<(), ()>,)| {
            Err::<(), _>(store.data().blame("it left by exit instead of returning"))
        })?,
        ("cli/terminal-stdin" | "cli/terminal-stdout" | "cli/terminal-stderr", _) if function.starts_with("get-") => {
            offered.func_wrap(function, |_, (): ()| Ok((None::<Resource<Nothing>>,)))?;
        }
        ("clocks/monotonic-clock", "now") => {
            offered.func_wrap(function, |store, (): ()| Ok((store.data().wasi.monotonic,)))?;
        }
        ("clocks/monotonic-clock", "resolution") => offered.func_wrap(function, |_, (): ()| Ok((RESOLUTION,)))?,
        ("clocks/monotonic-clock", "subscribe-instant") => {
            offered.func_wrap(function, |mut store, (instant,): (u64,)| {
                let clock = &mut store.data_mut().wasi.monotonic;
                *clock = instant.max(*clock);
                Ok((Resource::<Pollable>::new_own(0),))
            })?;
        }
        ("clocks/monotonic-clock", "subscribe-duration") => {
            offered.func_wrap(function, |mut store, (duration,): (u64,)| {
                let clock = &mut store.data_mut().wasi.monotonic;
                *clock = clock.saturating_add(duration);
                Ok((Resource::<Pollable>::new_own(0),))
            })?;
        }
        ("clocks/wall-clock", "now") => offered.func_wrap(function, |_, (): ()| Ok((NOW,)))?,
        ("clocks/wall-clock", "resolution") => {
            let resolution = Datetime { seconds: 0, nanoseconds: 1 };
            offered.func_wrap(function, move |_, (): ()| Ok((resolution,)))?;
        }
        ("random/random", "get-random-bytes") | ("random/insecure", "get-insecure-random-bytes") => {
            offered.func_wrap(function, |mut store, (length,): (u64,)| Ok((draw_bytes(store.data_mut(), length)?,)))?;
        }
        ("random/random", "get-random-u64") | ("random/insecure", "get-insecure-random-u64") => {
            offered.func_wrap(function, |mut store, (): ()| Ok((draw(store.data_mut()),)))?;
        }
        ("random/insecure-seed", "insecure-seed") => offered.func_wrap(function, |mut store, (): ()| {
            let guest = store.data_mut();
            Ok(((draw(guest), draw(guest)),))
        })?,
        ("filesystem/preopens", "get-directories") => {
            offered.func_wrap(function, |_, (): ()| Ok((Vec::<(Resource<Nothing>, String)>::new(),)))?;
        }
        ("sockets/instance-network", "instance-network") => {
            offered.func_wrap(function, |_, (): ()| Ok((Resource::<Nothing>::new_own(0),)))?;
        }
        ("sockets/tcp-create-socket" | "sockets/udp-create-socket", _)
        | ("sockets/ip-name-lookup", "resolve-addresses") => {
            offered.func_new(function, |_, _, _, results| {
                results[0] = Val::Result(Err(Some(Box::new(Val::Enum("access-denied".to_owned())))));
                Ok(())
            })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn draw(guest: &mut Guest) -> u64 {
    let drawn = &mut guest.wasi.drawn;
    *drawn = drawn.wrapping_add(STEP);
    let [first, second] = MIX;
    let mixed = (*drawn ^ (*drawn >> 30)).wrapping_mul(first);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(second);
    mixed ^ (mixed >> 31)
}

fn draw_bytes(guest: &mut Guest, length: u64) -> Result<Vec<u8>> {
    if length > RANDOM_BYTES_MAX {
        return Err(guest.blame(&format!("it asked for {length} random bytes; {RANDOM_BYTES_MAX} are given at a time")));
    }
    let words = (0..length.div_ceil(8)).flat_map(|_| draw(guest).to_le_bytes());
    let mut bytes: Vec<u8> = words.collect();
    bytes.truncate(usize::try_from(length)?);
    Ok(bytes)
}
