//! Rules that keep something between calls. Alone each does what its page says; only `steady` goes on doing so.

plimsoll_sdk::pack!();
