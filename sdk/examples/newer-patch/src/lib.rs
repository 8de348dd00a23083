//! Base images whose version has a newer patch: asks the registry which tags
//! there are, and then what the newest of them is.

mod version;

plimsoll_sdk::pack!();
