//! The same work on many things, on all cores, in their order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Bytes of stack of a worker: room for a guest's stack and the host's above it.
pub(super) const STACK_BYTES: usize = 4 << 20;

/// Applies `work` to each item, on at most `threads` threads, each with a state
/// of its own. Results come in the order of the items.
pub(super) fn map<I: Sync, S, T: Send>(
    items: &[I],
    threads: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &I) -> T + Sync,
) -> Vec<T> {
    if threads <= 1 || items.len() <= 1 {
        let mut state = state();
        return items.iter().map(|item| work(&mut state, item)).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..threads.min(items.len()) {
            let worker = || {
                let (mut state, mut mine) = (state(), Vec::new());
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    mine.push((index, work(&mut state, item)));
                }
                done.lock().expect("no worker panics while it holds the lock").append(&mut mine);
            };
            thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, worker)
                .expect("the system can start a thread");
        }
    });
    let mut done = done.into_inner().expect("no worker panics while it holds the lock");
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn keeps_the_order() {
        let items: Vec<u32> = (0..1_000).collect();
        let doubled: Vec<u32> = items.iter().map(|item| item * 2).collect();
        for threads in [1, 2, 7] {
            assert_eq!(map(&items, threads, || (), |(), item| item * 2), doubled, "{threads} threads");
        }
    }
}
