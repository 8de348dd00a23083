//! What the program carries for the authors of rules, as its build left it: the
//! SDK and the contract as they are in this repository, and the template of a
//! new plugin. So a plugin can be written without this repository.

include!(concat!(env!("OUT_DIR"), "/sdk.rs"));
