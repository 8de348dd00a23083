//! `plimsoll version`.

use clap::Args;

use super::{CLEAN, print};
use crate::plugin::contract;

/// Show the version of the program and of the plugin contract
#[derive(Args)]
#[command(after_help = "Example: plimsoll version")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> anyhow::Result<u8> {
    print(&format!("plimsoll {}\ncontract {}{}\n", env!("CARGO_PKG_VERSION"), "plimsoll:rules@", contract::VERSION))?;
    Ok(CLEAN)
}
