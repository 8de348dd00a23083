//! What an organisation asks of its Dockerfiles. Each rule has the names it
//! watches for in its options, and says nothing without any; only `no-root` has
//! something to say on its own.

mod pattern;

plimsoll_sdk::pack!();
