//! `wasi:io`, and the standard streams of `wasi:cli`: nothing to read, a log to
//! write to, and never a wait.

use wasmtime::Result;
use wasmtime::component::{ComponentType, LinkerInstance, Lower, Resource};

use super::{InputStream, IoError, OutputStream, Pollable};
use crate::limits::{POLLABLES_MAX, STREAM_BYTES_MAX};
use crate::plugin::guest::Guest;

/// Why a stream does not go on.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    Failed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

type Streamed<T> = std::result::Result<T, StreamError>;

const OUTPUT: u32 = 0;
const ERRORS: u32 = 1;

/// Adds a function, if it is one of these.
pub(super) fn add(offered: &mut LinkerInstance<Guest>, interface: &str, function: &str) -> Result<bool> {
    match (interface, function) {
        ("cli/stdin", "get-stdin") => {
            offered.func_wrap(function, |_, (): ()| Ok((Resource::<InputStream>::new_own(0),)))?;
        }
        ("cli/stdout", "get-stdout") => {
            offered.func_wrap(function, |_, (): ()| Ok((Resource::<OutputStream>::new_own(OUTPUT),)))?;
        }
        ("cli/stderr", "get-stderr") => {
            offered.func_wrap(function, |_, (): ()| Ok((Resource::<OutputStream>::new_own(ERRORS),)))?;
        }
        ("io/poll", "[method]pollable.ready") => {
            offered.func_wrap(function, |_, (_,): (Resource<Pollable>,)| Ok((true,)))?;
        }
        ("io/poll", "[method]pollable.block") => {
            offered.func_wrap(function, |_, (_,): (Resource<Pollable>,)| Ok(()))?
        }
        ("io/poll", "poll") => offered.func_wrap(function, |store, (pollables,): (Vec<Resource<Pollable>>,)| {
            match u32::try_from(pollables.len()) {
                Ok(count) if (1..=POLLABLES_MAX).contains(&count) => Ok(((0..count).collect::<Vec<u32>>(),)),
                _ => {
                    Err(store.data().blame(&format!("it polled {} things; 1 to {POLLABLES_MAX} are", pollables.len())))
                }
            }
        })?,
        ("io/streams", _) => return add_stream(offered, function),
        _ => return Ok(false),
    }
    Ok(true)
}

fn add_stream(offered: &mut LinkerInstance<Guest>, function: &str) -> Result<bool> {
    match function {
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            offered.func_wrap(function, |_, (_, _): (Resource<InputStream>, u64)| {
                Ok((Streamed::<Vec<u8>>::Err(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
            offered.func_wrap(function, |_, (_, _): (Resource<InputStream>, u64)| {
                Ok((Streamed::<u64>::Err(StreamError::Closed),))
            })?;
        }
        "[method]input-stream.subscribe" => {
            offered.func_wrap(function, |_, (_,): (Resource<InputStream>,)| Ok((Resource::<Pollable>::new_own(0),)))?
        }
        "[method]output-stream.subscribe" => {
            offered.func_wrap(function, |_, (_,): (Resource<OutputStream>,)| Ok((Resource::<Pollable>::new_own(0),)))?
        }
        "[method]output-stream.check-write" => {
            offered.func_wrap(function, |_, (_,): (Resource<OutputStream>,)| Ok((Streamed::Ok(STREAM_BYTES_MAX),)))?
        }
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            offered.func_wrap(function, |mut store, (stream, bytes): (Resource<OutputStream>, Vec<u8>)| {
                store.data_mut().write_stream(stream.rep() == ERRORS, &bytes);
                Ok((Streamed::Ok(()),))
            })?;
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            offered.func_wrap(function, |_, (_,): (Resource<OutputStream>,)| Ok((Streamed::Ok(()),)))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
